"""A test run that is told to end (SIGTERM) still ends its brokers, and those of its workers theirs.

Shape   ends_the_session() once; with_it(pid) adds a worker of pytest-xdist, without_it(pid) takes it away
"""

import os
import signal
from contextlib import suppress

import pytest

EXIT_STATUS = 128 + signal.SIGTERM

_workers: set[int] = set()


def ends_the_session() -> None:
    """Make SIGTERM unwind the session: fixtures are torn down, as after an interrupt."""
    signal.signal(signal.SIGTERM, _end)


def with_it(pid: int) -> None:
    """Tell this process, too: it would be killed after a while."""
    _workers.add(pid)


def without_it(pid: int) -> None:
    """It has ended."""
    _workers.discard(pid)


def _end(*_: object) -> None:
    for pid in _workers:
        with suppress(ProcessLookupError):  # it has just ended
            os.kill(pid, signal.SIGTERM)
    pytest.exit("SIGTERM", returncode=EXIT_STATUS)
