"""The rule for CMQ names: topics, queues and subscriptions.

Shape   name_fault(text) -> None when the name is legal, else what is wrong with it
Source  CMQ: at most 64 characters, begins with a letter, then letters, digits and hyphens. Console and Go SDK
        also let `_` through, so it is accepted. Every legal name is legal inside a Kafka topic name too.
"""

import re

MAX_NAME_LENGTH = 64

ALLOWED = f"at most {MAX_NAME_LENGTH} characters: a letter, then letters, digits, '-' or '_'"

_LEGAL = re.compile(r"[A-Za-z][A-Za-z0-9_-]*\Z", re.ASCII)


def name_fault(text: str) -> str | None:
    """Say what is wrong with a CMQ name, or None."""
    if len(text) > MAX_NAME_LENGTH:
        return f"is {len(text)} characters long, allowed are {MAX_NAME_LENGTH}"
    if not text:
        return "is empty"
    if not _LEGAL.match(text):
        return "must begin with a letter and hold only letters, digits, '-' and '_'"
    return None
