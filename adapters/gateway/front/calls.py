"""A call that is being executed, and who waits for its reply.

Shape   Call: wait(hear), leave(hear), end(reply), give_up(reply). Several may wait for one: a request that came twice
Conduct a long poll for which nobody waits any more is cancelled; any other call is brought to its end
Cost    no future: the task that executes it ends it
"""

import asyncio
from collections.abc import Callable

Hear = Callable[[bytes], None]
"""Told the reply, once."""


class Call:
    """One that is out.

    Attributes:
        long_poll: it ends when nobody waits for it.
        abandoned: it was cancelled: what it comes to is of no use to anybody.
    """

    __slots__ = ("_hearing", "_on_abandoned", "_task", "abandoned", "long_poll")

    def __init__(self, on_abandoned: Callable[[], None], *, long_poll: bool) -> None:
        self._hearing: list[Hear] = []
        self._task: asyncio.Task[None] | None = None
        self._on_abandoned = on_abandoned
        self.long_poll = long_poll
        self.abandoned = False

    def executed_by(self, task: asyncio.Task[None]) -> None:
        """The task that is to call end()."""
        self._task = task

    def wait(self, hear: Hear) -> None:
        """Be told the reply."""
        self._hearing.append(hear)

    def leave(self, hear: Hear) -> None:
        """Not any more: whoever waited has gone."""
        if hear in self._hearing:
            self._hearing.remove(hear)
            if not self._hearing and self.long_poll:
                self._cancel()

    def give_up(self, reply: bytes) -> None:
        """End a long poll now, with this reply; another call goes on."""
        if self.long_poll and self._hearing:
            self._cancel()
            self.end(reply)

    def end(self, reply: bytes) -> None:
        """Tell the reply to all who wait."""
        hearing, self._hearing = self._hearing, []
        for hear in hearing:
            hear(reply)

    def _cancel(self) -> None:
        self.abandoned = True
        if self._task is not None:
            self._task.cancel()
        self._on_abandoned()
