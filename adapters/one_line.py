"""A text as one line, for logs and messages: control characters and line ends are shown as escapes."""


def one_line(text: str) -> str:
    """Most texts come back as they are."""
    return text if text.isprintable() else "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
