"""Stopping: one request, one deadline shared by all, and an exit status that tells the truth.

Shape   StopRequest is set once, by a signal or by a part that died; everybody looks at it
Source  design section 8: 0 fine, 3 stopped with work abandoned, 4 a part died, 130 second interrupt
"""

import enum
import threading
import time
from typing import Protocol


class ExitStatus(enum.IntEnum):
    """What the process says when it ends."""

    FINE = 0
    INPUT_REFUSED = 1
    USAGE = 2
    WORK_ABANDONED = 3
    PART_DIED = 4
    SECOND_INTERRUPT = 130


class StopRequest:
    """Set from any thread, or from a signal handler: it only sets flags."""

    def __init__(self, grace_s: float) -> None:
        self._grace_s = grace_s
        self._event = threading.Event()
        self._deadline_s = 0.0
        self.died: str | None = None

    def request(self) -> None:
        """Begin to stop; the grace period runs from the first call."""
        if not self._event.is_set():
            self._deadline_s = time.monotonic() + self._grace_s
            self._event.set()

    def part_died(self, what: str) -> None:
        """A part that must run has ended by itself: stop the process, and say which part it was."""
        self.died = self.died or what
        self.request()

    @property
    def requested(self) -> bool:
        """Whether to stop."""
        return self._event.is_set()

    def left_s(self) -> float:
        """Seconds until everybody must be done, never below zero; only once requested."""
        return max(0.0, self._deadline_s - time.monotonic())

    def wait(self, timeout_s: float) -> bool:
        """Wait for the request; whether it came."""
        return self._event.wait(timeout_s)


class Worker(Protocol):
    """A subscription's thread, whatever its protocol."""

    name: str
    abandoned: int
    """Attempts cut short, or results not committed, known once it has ended."""

    def run(self) -> None:
        """Work until the stop request, then drain within its grace period."""
