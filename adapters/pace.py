"""So many a second, in steps of at most a second's worth.

Shape   Pace(per_second): `size` of a step, step(count) before each; None for no limit
Why     what is sent in one go is a burst, and who sleeps for long between two polls is thrown out of its group
"""

import time
from collections.abc import Callable

LEAST = 0.01
"""The slowest rate: a step then waits for 100 s, well within `max.poll.interval.ms`."""

STEP = 200


class Pace:
    """One command's."""

    def __init__(
        self,
        per_second: float | None,
        now_s: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._per_second = per_second
        self._now_s = now_s
        self._sleep = sleep
        self._next_s = float("-inf")
        self.size = STEP if per_second is None else max(1, min(STEP, int(per_second)))
        """The most that may go in one step."""

    def step(self, count: int) -> None:
        """Wait until so many more may go."""
        if self._per_second is None:
            return
        now_s = self._now_s()
        if (left_s := self._next_s - now_s) > 0:
            self._sleep(left_s)
            now_s = self._next_s
        self._next_s = now_s + count / self._per_second
