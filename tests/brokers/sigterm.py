"""A test run that is told to end (SIGTERM) still ends its brokers."""

import signal

import pytest

EXIT_STATUS = 128 + signal.SIGTERM


def ends_the_session() -> None:
    """Make SIGTERM unwind the session: fixtures are torn down, as after an interrupt."""
    signal.signal(signal.SIGTERM, lambda *_: pytest.exit("SIGTERM", returncode=EXIT_STATUS))
