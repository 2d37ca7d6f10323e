"""A runbook as it is written: sections, the commands of their ```sh blocks, and what these are said to print.

Shape   read_sections(file) -> sections; a ```text block behind ```sh blocks says what those since the last one print,
        in order; `…` stands for anything, and an empty block says that they print nothing. Other blocks are neither run
        nor compared
"""

import re
from pathlib import Path
from typing import NamedTuple

FENCE = re.compile(r"^```(\w*)$")


class Block(NamedTuple):
    """Commands, and the lines that they, and those before them, are said to print; None where nothing is said."""

    commands: list[str]
    told: list[str] | None


class Section(NamedTuple):
    """A heading and what is below."""

    file: str
    heading: str
    blocks: list[Block]

    @property
    def name(self) -> str:
        return f"{self.file}: {self.heading}"


def read_sections(file: Path) -> list[Section]:
    """Those with commands."""
    parts = re.split(r"^## (.+)$", file.read_text(), flags=re.MULTILINE)
    headings = ["the head", *parts[1::2]]
    sections = [Section(file.name, head, list(_blocks(text))) for head, text in zip(headings, parts[::2], strict=True)]
    return [section for section in sections if section.blocks]


def _blocks(text: str) -> list[Block]:
    blocks: list[Block] = []
    kind: str | None = None
    for line in text.splitlines():
        fence = FENCE.match(line)
        if fence is not None:
            kind = fence.group(1) if kind is None else None
            if kind == "sh":
                blocks.append(Block([], None))
            elif kind == "text":
                blocks[-1] = Block(blocks[-1].commands, [])
        elif kind == "sh":
            _add_command(blocks[-1].commands, line)
        elif kind == "text" and blocks[-1].told is not None:
            blocks[-1].told.append(line)
    return blocks


def _add_command(commands: list[str], line: str) -> None:
    """A line, or the rest of one that ended in a backslash."""
    if commands and commands[-1].endswith("\\"):
        commands[-1] = commands[-1][:-1] + line.strip()
    elif line.strip() and not line.startswith("#"):
        commands.append(line.strip())


def not_told(told: list[str], printed: str) -> str | None:
    """The first line that was to be printed, after those before it, and was not; or what was printed for nothing."""
    if not told:
        return printed or None
    lines = iter(printed.splitlines())
    for wanted in told:
        pattern = re.compile(".*".join(map(re.escape, wanted.split("…"))))
        if not any(pattern.fullmatch(line) for line in lines):
            return wanted
    return None


def pipeline(command: str) -> list[str]:
    """The commands between the pipe signs that are not quoted."""
    parts, quote, last = [""], "", ""
    for character in command:
        if character == "|" and not quote:
            parts.append("")
        else:
            parts[-1] += character
        if character in "'\"" and last != "\\" and quote in {"", character}:
            quote = "" if quote else character
        last = character
    return [part.strip() for part in parts]
