"""deploy/kafka-access.md, as far as tests hold it to the code: its fenced blocks, by the heading above them."""

import re
from pathlib import Path

DOCUMENT = Path(__file__).parents[2] / "deploy" / "kafka-access.md"


def blocks(heading: str) -> list[str]:
    """The fenced blocks below a heading, up to the next one."""
    text = DOCUMENT.read_text(encoding="utf-8")
    section = re.split(r"^##+ ", text.partition(f"# {heading}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]
    return re.findall(r"^```\w*\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
