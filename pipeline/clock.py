"""What time it is: passed in wherever a decision hangs on it, so that a test need neither patch nor wait.

Shape   Times: monotonic_s() for durations, now_ms() for dates; SystemTimes is the real one
"""

import time
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
