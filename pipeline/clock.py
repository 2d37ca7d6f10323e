"""What time it is: passed in wherever a decision hangs on it, so that a test need neither patch nor wait.

Shape   Times: monotonic_s() for durations, now_ms() for dates; SystemTimes is the real one
"""

import time
from collections.abc import Callable
from typing import Protocol


class Times(Protocol):
    """Tells the time."""

    def monotonic_s(self) -> float:
        """For durations."""
        ...

    def now_ms(self) -> int:
        """Unix milliseconds."""
        ...


class SystemTimes:
    """The system's."""

    @staticmethod
    def monotonic_s() -> float:
        """For durations."""
        return time.monotonic()

    @staticmethod
    def now_ms() -> int:
        """Unix milliseconds."""
        return time.time_ns() // 1_000_000


class Timer(Protocol):
    """What call_later returns."""

    def cancel(self) -> None:
        """Do not call."""


class Clock(Times, Protocol):
    """Time and timers, as an asyncio loop has them, and the wall clock."""

    def call_later(self, delay_s: float, call: Callable[[], None]) -> Timer:
        """Call later, on the same thread."""
        ...

    def call_soon(self, call: Callable[[], None]) -> object:
        """Call once what is going on has been dealt with, on the same thread."""
        ...
