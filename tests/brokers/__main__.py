"""`python -m tests.brokers [COMMAND …]`: choose a tier, say it, run COMMAND on it.

The first line on stdout is `broker tier: ` and the tier. COMMAND takes this process's place, with
BATCH_EVENTS_TEST_TIER set to the choice. Exit status 2: the tier that was asked for cannot run.
"""

import os
import sys

from tests.brokers import report
from tests.brokers.ladder import choose, probes_of_this_machine
from tests.brokers.tiers import CannotRun
from tests.brokers.wishes import TEST_TIER, read_wishes


def main(command: list[str]) -> int:
    """Choose and say; then become command, or return 0 where there is none."""
    try:
        wishes = read_wishes(os.environ)
        choice = choose(wishes, probes_of_this_machine(wishes, report.progress))
    except CannotRun as reason:
        report.refuse(str(reason))
        return 2
    report.announce(choice)
    if command:
        os.execvpe(command[0], command, {**os.environ, TEST_TIER: choice.tier})  # noqa: S606 - the caller's own
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
