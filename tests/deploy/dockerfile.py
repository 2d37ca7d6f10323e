"""A Dockerfile as its stages and their instructions, in order.

Shape   read_dockerfile() -> the stages, the final one last; what stands before the first FROM is in every one's `head`
"""

import re
from typing import NamedTuple

from tests.deploy.places import DOCKERFILE


class Instruction(NamedTuple):
    """`RUN` and what stands behind it, its continued lines joined."""

    name: str
    rest: str


class Stage(NamedTuple):
    """From one FROM to the next."""

    head: list[Instruction]
    instructions: list[Instruction]

    def all(self, name: str) -> list[str]:
        """What stands behind each instruction of a name."""
        return [one.rest for one in self.instructions if one.name == name]

    def last(self, name: str) -> str:
        """What the last one of a name says; that is the one that counts."""
        return self.all(name)[-1]

    @property
    def variables(self) -> dict[str, str]:
        """The environment that it leaves."""
        return self._pairs("ENV")

    @property
    def labels(self) -> dict[str, str]:
        """The image's labels."""
        return self._pairs("LABEL")

    def _pairs(self, name: str) -> dict[str, str]:
        found = re.findall(r'([\w.]+)=("[^"]*"|\S+)', " ".join(self.all(name)))
        return {key: value.strip('"') for key, value in found}


def read_dockerfile() -> list[Stage]:
    """The stages of deploy/Dockerfile."""
    lines = [line for line in DOCKERFILE.read_text().splitlines() if line.strip() and not line.startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines)).splitlines()
    instructions = [Instruction(name, rest) for name, _, rest in (line.partition(" ") for line in joined)]
    starts = [index for index, one in enumerate(instructions) if one.name == "FROM"]
    head = instructions[: starts[0]]
    return [Stage(head, instructions[start:end]) for start, end in zip(starts, [*starts[1:], None], strict=True)]
