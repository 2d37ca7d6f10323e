"""Time that moves when it is told to.

Shape   ManualClock keeps the delivery's Clock; advance(seconds) moves it and makes the calls that fall due, in order
Bounds  one thread
"""

import heapq
from collections.abc import Callable
from itertools import count


class ManualTimer:
    """A call that is due at some time."""

    def __init__(self, call: Callable[[], None]) -> None:
        self.call: Callable[[], None] | None = call

    def cancel(self) -> None:
        """Do not call."""
        self.call = None


class ManualClock:
    """Begins at zero seconds, which is `epoch_ms` on the wall clock."""

    def __init__(self, epoch_ms: int = 1_700_000_000_000) -> None:
        self._epoch_ms = epoch_ms
        self._now_s = 0.0
        self._timers: list[tuple[float, int, ManualTimer]] = []
        self._numbers = count()

    def monotonic_s(self) -> float:
        """Seconds since the beginning."""
        return self._now_s

    def now_ms(self) -> int:
        """Unix milliseconds."""
        return self._epoch_ms + round(self._now_s * 1000)

    def call_later(self, delay_s: float, call: Callable[[], None]) -> ManualTimer:
        """Call when time has moved that far; of two calls due at once the one that was asked for first."""
        timer = ManualTimer(call)
        heapq.heappush(self._timers, (self._now_s + delay_s, next(self._numbers), timer))
        return timer

    def call_soon(self, call: Callable[[], None]) -> ManualTimer:
        """Call with the next turn."""
        return self.call_later(0.0, call)

    def advance(self, seconds: float) -> None:
        """Move time on. Each call sees the time that it was due at, and may ask for more calls."""
        until_s = self._now_s + seconds
        while self._timers and self._timers[0][0] <= until_s:
            due_s, _, timer = heapq.heappop(self._timers)
            if timer.call is None:
                continue
            self._now_s = max(self._now_s, due_s)
            timer.call()
        self._now_s = until_s

    def turn(self) -> None:
        """Make the calls that are due now."""
        self.advance(0.0)

    def next_due_in_s(self) -> float | None:
        """How far away the next call is; None if there is none to come."""
        while self._timers and self._timers[0][2].call is None:
            heapq.heappop(self._timers)
        return self._timers[0][0] - self._now_s if self._timers else None
