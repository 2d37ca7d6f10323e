"""`batch-events demo`: the whole path on the embedded broker."""

import argparse
import logging
import sys

from adapters.demo.play import play
from adapters.demo.telling import tell, verdict
from pipeline.stop import ExitStatus

NAME = "demo"
HELP = "Play the whole path on an embedded broker, with a queue subscriber and a callback subscriber."
EXAMPLES = """\
  batch-events demo
"""

ARRIVAL_S = 30.0


def arguments(parser: argparse.ArgumentParser) -> None:
    """None of its own: it needs no configuration."""
    parser.set_defaults()


def run(_args: argparse.Namespace) -> ExitStatus:
    """Play, tell, judge."""
    logging.getLogger().setLevel(logging.ERROR)  # the demo tells what happens itself
    played = play(ARRIVAL_S)
    for line in tell(played):
        print(line)
    faults = verdict(played)
    for fault in faults:
        print(f"NOT AS PROMISED: {fault}", file=sys.stderr)
    return ExitStatus.PART_DIED if faults else ExitStatus.FINE
