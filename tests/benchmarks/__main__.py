"""Run the benchmarks that are named, or all of them, and print one table.

Shape   python -m tests.benchmarks [NAME …]; a name is that of a module, with or without bench_. A row is printed as
        soon as it is known: what is measured, ours, the floor, their ratio, the ratio that we want, and `ok` or `short`
Exit    0 all ok; 1 some are short; 2 there is no such benchmark
"""

import importlib
import sys
from pathlib import Path
from typing import Protocol, cast

PREFIX = "bench_"
COLUMNS = "{:<48} {:>12} {:>12} {:>7} {:>7}  {}"

Row = tuple[str, float, float, float]
"""What is measured, ours, the floor, the ratio that we want."""


class Benchmark(Protocol):
    """A module bench_*.py."""

    def run(self) -> list[Row]:
        """Measure."""


def main(wanted: list[str]) -> int:
    """Print the table."""
    there = sorted(path.stem.removeprefix(PREFIX) for path in Path(__file__).parent.glob(f"{PREFIX}*.py"))
    names = [name.removeprefix(PREFIX) for name in wanted] or there
    unknown = [name for name in names if name not in there]
    if unknown:
        sys.stderr.write(f"no benchmark {', '.join(unknown)}; there are {', '.join(there)}\n")
        return 2
    _say("measured", "ours", "floor", "ratio", "wanted", "")
    return max([_measure(name) for name in names], default=0)


def _measure(name: str) -> int:
    benchmark = cast("Benchmark", importlib.import_module(f"{__package__}.{PREFIX}{name}"))
    short = 0
    for what, ours, floor, wanted in benchmark.run():
        ratio = ours / floor
        if ratio < wanted:
            short = 1
        verdict = "short" if ratio < wanted else "ok"
        _say(what, f"{ours:,.0f}", f"{floor:,.0f}", f"{ratio:.2f}", f"{wanted:.2f}", verdict)
    return short


def _say(*columns: str) -> None:
    sys.stdout.write(COLUMNS.format(*columns).rstrip() + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
