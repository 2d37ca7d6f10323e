"""The README's table of what the product survives, from the cases.

Shape   python -m tests.faults.table prints it; compare(cases) -> differences from README.md
"""

from collections.abc import Sequence
from pathlib import Path

from tests.faults.case import Case

README = Path(__file__).with_name("README.md")
HEAD = "| case | what happens | clocks, brokers |"


def rows(cases: Sequence[Case]) -> list[str]:
    """One line a case."""
    return [f"| {case.name} | {case.sentence} | {_conditions(case)} |" for case in cases]


def _conditions(case: Case) -> str:
    brokers = {0: "", 1: "a broker of its own"}.get(case.brokers, f"{case.brokers} brokers of its own")
    return ", ".join(part for part in (case.clocks, brokers) if part)


def compare(cases: Sequence[Case]) -> list[str]:
    """What the README lacks, and what it has too much."""
    lines = README.read_text(encoding="utf-8").splitlines()
    told = [line for line in lines[lines.index(HEAD) + 2 :] if line.startswith("|")]
    wanted = rows(cases)
    missing = [f"missing: {row}" for row in wanted if row not in told]
    return missing + [f"too much: {row}" for row in told if row not in wanted]


if __name__ == "__main__":
    from tests.faults.cases import CASES

    print(HEAD, "|---|---|---|", *rows(CASES), sep="\n")  # noqa: T201  that is what it is for
