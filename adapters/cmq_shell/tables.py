"""Text for people: aligned columns, times as ISO 8601. No I/O.

Shape   table(heads, rows), facts(pairs) -> lines; shown(value), time_shown(seconds) -> a cell
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime

NOTHING = "-"
GAP = "  "


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """A line of heads and one a row; a column is as wide as its widest cell."""
    lines = [heads, *rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        yield GAP.join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()


def facts(pairs: Iterable[tuple[str, str]]) -> Iterator[str]:
    """A line a fact: its name, and what it is."""
    known = list(pairs)
    width = max((len(name) for name, _ in known), default=0)
    for name, value in known:
        yield f"{name.ljust(width)}{GAP}{value}"


def shown(value: object) -> str:
    """A value of a reply."""
    match value:
        case bool():
            return "true" if value else "false"
        case list():
            return ", ".join(map(str, value)) or NOTHING
        case "":
            return NOTHING
    return str(value)


def time_shown(seconds: object) -> str:
    """A time of a reply, Unix seconds; 0 is none."""
    if not isinstance(seconds, int) or not seconds:
        return NOTHING
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
