"""One module a command: NAME, HELP, EXAMPLES, arguments(parser), run(args) -> exit status."""

__all__: list[str] = []
