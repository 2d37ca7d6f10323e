"""Stopping: one request, one deadline shared by all, and an exit status that tells the truth.

Shape   StopRequest is set once, by a signal or by a part that died; everybody looks at it. part() is one for a part
        that may stop while the process goes on
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
        self._parts: list[PartStop] = []
        self.died: str | None = None

    def request(self) -> None:
        """Begin to stop; the grace period runs from the first call."""
        self.request_by(time.monotonic() + self._grace_s)

    def request_by(self, deadline_s: float) -> None:
        """Begin to stop; the first call says when everybody must be done, by the monotonic clock."""
        if not self._event.is_set():
            self._deadline_s = deadline_s
            self._event.set()
            for part in tuple(self._parts):
                part.request_by(deadline_s)

    def part(self, grace_s: float) -> "PartStop":
        """One for a part of the process: it stops with the process, or before it, within a grace period of its own."""
        part = PartStop(grace_s, self)
        self._parts.append(part)
        if self.requested:  # it may have come in between
            part.request_by(self._deadline_s)
        return part

    def forget(self, part: "PartStop") -> None:
        """That part has ended."""
        self._parts.remove(part)

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


class PartStop(StopRequest):
    """Of a part that may stop while the process goes on."""

    def __init__(self, grace_s: float, process: StopRequest) -> None:
        super().__init__(grace_s)
        self._process = process

    def part_died(self, what: str) -> None:
        """Whatever must run and has ended by itself stops the process."""
        self._process.part_died(what)


class Worker(Protocol):
    """A subscription's thread, whatever its protocol."""

    name: str
    abandoned: int
    """Attempts cut short, or results not committed, known once it has ended."""

    def run(self) -> None:
        """Work until the stop request, then drain within its grace period."""
