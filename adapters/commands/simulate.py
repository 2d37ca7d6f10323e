"""`batch-events simulate`: a believable stream of lifecycle changes."""

import argparse
import sys

from adapters.simulation import simulate
from pipeline.stop import ExitStatus

NAME = "simulate"
HELP = "Print a believable stream of lifecycle changes as JSON lines; the same seed gives the same bytes."
EXAMPLES = """\
  batch-events simulate --jobs 100 --seed 7 > changes.jsonl
  batch-events simulate --jobs 10 --seed 1 | batch-events publish --notifications submit-job.json
"""


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise argparse.ArgumentTypeError("must be a whole number, 0 or more")
    return int(text)


def arguments(parser: argparse.ArgumentParser) -> None:
    """--jobs and --seed."""
    parser.add_argument("--jobs", type=_count, default=10, metavar="N", help="how many jobs (default: 10)")
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="of the random numbers (default: 1)")


def run(args: argparse.Namespace) -> ExitStatus:
    """Write the lines."""
    out = sys.stdout.buffer
    for line in simulate(args.jobs, args.seed):
        out.write(line + b"\n")
    out.flush()
    return ExitStatus.FINE
