"""The bodies at hand of one partition: new ones from the tail, and those that were fetched again.

Shape   Shelf: arrive(bodies) sorts them in; fresh is in order of offsets, again by offset; wanted is on its way
Bounds  every byte is counted in the budget of the replica, with what an object costs beside its value
"""

from collections import deque

from adapters.gateway.leases.limits import ByteBudget, Limits
from adapters.gateway.slot_ports import Body

OVERHEAD = 400
_FIRST_GUESS = 4_096


class Shelf:
    """Of one partition that is followed."""

    __slots__ = ("_budget", "_bytes", "_limits", "_mean", "again", "end", "fresh", "paused", "position", "wanted")

    def __init__(self, position: int, budget: ByteBudget, limits: Limits) -> None:
        self.position = position
        """Tail bodies below were seen."""

        self.end = -1
        """The reader said that there was nothing more below; -1: it did not say."""

        self.fresh: deque[Body] = deque()
        self.again: dict[int, Body] = {}
        self.wanted: set[int] = set()
        self.paused = False
        self._bytes = 0
        self._mean = _FIRST_GUESS
        self._budget = budget
        self._limits = limits

    def add_fresh(self, body: Body) -> None:
        """The next of the tail."""
        self.position = body.offset + 1
        self.fresh.append(body)
        self._count(body, 1)

    def pop_fresh(self) -> Body:
        """Take the first of the tail."""
        body = self.fresh.popleft()
        self._count(body, -1)
        return body

    def add_again(self, body: Body) -> None:
        """One that is visible again."""
        if body.offset not in self.again:
            self.again[body.offset] = body
            self._count(body, 1)

    def pop_again(self, offset: int) -> Body | None:
        """Take one that is visible again."""
        body = self.again.pop(offset, None)
        if body is not None:
            self._count(body, -1)
        return body

    def room_again(self) -> int:
        """How many more to fetch again; few at a time are not worth it while others are on their way."""
        there = len(self.again) + len(self.wanted)
        room = self._limits.again - there
        if room < self._limits.again // 2:
            return 0
        return min(room, max(int(not there), self._budget.left // self._mean))

    def enough(self) -> bool:
        """Whether the tail is to be read no further for now: with a margin, or it would stop and go."""
        if not self.fresh:
            return False
        limits, share = self._limits, 2 if self.paused else 1
        few = len(self.fresh) * share < limits.prefetch and self._bytes * share < limits.prefetch_bytes
        return not few or self._budget.left <= 0

    def clear(self) -> None:
        """Let go of everything."""
        self._budget.used -= self._bytes
        self._bytes = 0
        self.fresh.clear()
        self.again.clear()
        self.wanted.clear()

    def _count(self, body: Body, sign: int) -> None:
        size = len(body.value) + OVERHEAD
        self._mean += (size - self._mean) // 16
        self._bytes += sign * size
        self._budget.used += sign * size
