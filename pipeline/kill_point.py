"""Points at which a test has the process kill itself: `kill -9` where it hurts, to the instruction.

Shape   kill_point(name) stands at each point. BATCH_EVENTS_TEST_KILL_AT=<name>[:n] makes the n-th passage of that point
        a SIGKILL of the process by itself; unset, as it is wherever events matter, kill_point does nothing
Errors  ValueError at import for a name that no point has: a test must not wait for what cannot come
Source  tests/faults
"""

import os
import signal
from collections.abc import Callable

VARIABLE = "BATCH_EVENTS_TEST_KILL_AT"

POINTS = (
    "at-start",  # a partition's held keys are known, nothing of it is delivered
    "after-fetch",  # records are read, nothing is done with them
    "before-post",  # one event is about to be sent
    "after-post",  # the endpoint has taken it, nobody has noted that
    "during-commit",  # a plain commit is on its way
    "in-revoke",  # partitions are being given up, their commit is not sent
    "in-queue-transaction",  # messages and offsets are sent, the transaction is not ended
    "in-dead-letter-write",  # the same, with a dead letter
    "in-held-transaction",  # the same, with the record of a held key
    "in-release",  # the same, with the tombstone of a held key
    "in-catch-up-scan",  # the log is being read for the followers of held keys
    "in-redrive",  # dead letters are sent again, the transaction is not ended
    "in-rewind",  # a subscription is set back: offsets and tombstones are sent, the transaction is not ended
    "in-drain",  # the process stops: what was in flight has ended, nothing of it is committed
)


def _pass_by(_point: str) -> None:
    """Do nothing."""


def _killer(wanted: str) -> Callable[[str], None]:
    name, _, number = wanted.partition(":")
    if name not in POINTS:
        raise ValueError(f"{VARIABLE}={wanted}: no such point; there are {', '.join(POINTS)}")
    left = int(number or 1)

    def pass_or_die(point: str) -> None:
        nonlocal left
        if point == name:
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    return pass_or_die


kill_point: Callable[[str], None] = _killer(os.environ[VARIABLE]) if os.environ.get(VARIABLE) else _pass_by
