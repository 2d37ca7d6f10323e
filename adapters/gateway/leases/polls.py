"""The long polls of one queue, in order of their coming.

Shape   Polls: join(count, wait) -> Poll, whose future gives what was taken for it, or None when its time is over;
        first() is served; fail(error) ends all
Cost    a future and a timer each; leaving from the middle is constant, too: thousands wait, and most in vain
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from itertools import count
from typing import TYPE_CHECKING

from pipeline.clock import Clock, Timer

if TYPE_CHECKING:
    from adapters.gateway.leases.given import Given


class Poll:
    """One that waits."""

    __slots__ = ("count", "future", "number", "timer")

    def __init__(self, number: int, wanted: int, future: "asyncio.Future[Given | None]", timer: Timer) -> None:
        self.number = number
        self.count = wanted
        self.future = future
        self.timer = timer


class Polls:
    """Those that wait for one queue's messages."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._waiting: OrderedDict[int, Poll] = OrderedDict()
        self._numbers = count()
        self.hasty: set[int] = set()
        """Those that wait only for what may be on its way."""

    def __len__(self) -> int:
        return len(self._waiting)

    def join(self, wanted: int, wait_s: float, *, hasty: bool = False) -> Poll:
        """Wait at the end of the line."""
        number = next(self._numbers)
        future: asyncio.Future[Given | None] = asyncio.get_running_loop().create_future()
        poll = Poll(number, wanted, future, self._clock.call_later(wait_s, partial(self._over, number)))
        self._waiting[number] = poll
        if hasty:
            self.hasty.add(number)
        return poll

    def first(self) -> Poll | None:
        """Who is next; one that was cancelled and has not yet left is sent away."""
        while self._waiting:
            poll = next(iter(self._waiting.values()))
            if not poll.future.done():
                return poll
            self.leave(poll)
        return None

    def serve(self, poll: Poll, given: "Given") -> None:
        """Give it what was taken for it."""
        self.leave(poll)
        poll.future.set_result(given)

    def leave(self, poll: Poll) -> None:
        """It does not wait any more."""
        if self._waiting.pop(poll.number, None) is not None:
            poll.timer.cancel()
            self.hasty.discard(poll.number)

    def fail(self, error: Callable[[], Exception]) -> None:
        """End all of them, each with an error of its own."""
        for poll in self._waiting.values():
            poll.timer.cancel()
            if not poll.future.done():
                poll.future.set_exception(error())
        self._waiting.clear()
        self.hasty.clear()

    def end_hasty(self) -> None:
        """Nothing is on its way."""
        for number in list(self.hasty):
            self._waiting[number].timer.cancel()
            self._over(number)

    def _over(self, number: int) -> None:
        poll = self._waiting.pop(number)
        self.hasty.discard(number)
        if not poll.future.done():
            poll.future.set_result(None)
