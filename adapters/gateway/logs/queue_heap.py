"""Whether a queue may take more messages: roughly, for the sender is not the one that counts them.

Shape   QueueHeap(count, delayed_most): await admit(entry, sending, delay_s) before a send; close()
Rough   the owner is asked before the first send to a queue, then in the background, at most each REFRESH_S, and again
        before a send is refused; what was sent here since then is added. So a queue that has room again takes messages
        at once, and N replicas can overshoot by what the other ones send in that time
Delayed ones that were sent here are known by their times, as long as they are put off. The owner knows those of other
        replicas only as far as it has read the queue, so each replica can let in as many
Errors  CmqError QUEUE_FULL, TOO_MANY_IN_FLIGHT. A count that does not come in ASK_S leaves the last one, or none, in
        force: a send needs no owner
Bounds  KEPT queues are remembered, and for each at most delayed_most times
"""

import asyncio
import heapq
import logging
from collections.abc import Awaitable, Callable

import msgspec

from adapters.gateway.errors import CmqError, Row
from adapters.gateway.ports import QueueCounts
from pipeline.cmq_registry import QueueEntry

log = logging.getLogger(__name__)

REFRESH_S = 5.0
ASK_S = 0.5
KEPT = 10_000

Count = Callable[[QueueEntry], Awaitable[QueueCounts]]


class _Known(msgspec.Struct):
    """Of one queue; put_off has the times at which delayed ones of ours are due, and how many each."""

    messages: int = 0
    delayed: int = 0
    put_off: list[tuple[float, int]] = msgspec.field(default_factory=list)
    own_delayed: int = 0
    asked_s: float = float("-inf")
    asking: "asyncio.Task[None] | None" = None


class QueueHeap:
    """What is known of the queues that are sent to."""

    def __init__(self, count: Count, delayed_most: int) -> None:
        self._count = count
        self._delayed_most = delayed_most
        self._loop = asyncio.get_running_loop()
        self._known: dict[str, _Known] = {}
        self._asking: set[asyncio.Task[None]] = set()

    async def admit(self, entry: QueueEntry, sending: int, delay_s: int) -> None:
        """Let so many more in, or not.

        Raises:
            CmqError: QUEUE_FULL, TOO_MANY_IN_FLIGHT (delayed ones).
        """
        known = self._of(entry)
        now_s = self._loop.time()
        if now_s - known.asked_s > REFRESH_S:
            first = known.asked_s < 0
            asking = self._ask(entry, known)
            if first:
                await asyncio.wait([asking], timeout=ASK_S)
        if self._refusal(entry, known, sending, delay_s) is not None:
            await asyncio.wait([self._ask(entry, known)], timeout=ASK_S)
            if (row := self._refusal(entry, known, sending, delay_s)) is not None:
                raise row.error()
        known.messages += sending
        if delay_s > 0:
            known.own_delayed += sending
            heapq.heappush(known.put_off, (now_s + delay_s, sending))

    def close(self) -> None:
        """Ask no more."""
        for task in self._asking:
            task.cancel()

    def _of(self, entry: QueueEntry) -> _Known:
        known = self._known.get(entry.topic_id)
        if known is None:
            if len(self._known) >= KEPT:
                self._known.clear()
            known = self._known[entry.topic_id] = _Known()
        return known

    def _refusal(self, entry: QueueEntry, known: _Known, sending: int, delay_s: int) -> Row | None:
        if known.messages + sending > entry.attributes.max_msg_heap_num:
            return Row.QUEUE_FULL
        now_s = self._loop.time()
        while known.put_off and known.put_off[0][0] <= now_s:
            known.own_delayed -= heapq.heappop(known.put_off)[1]
        if delay_s > 0 and max(known.delayed, known.own_delayed) + sending > self._delayed_most:
            return Row.TOO_MANY_IN_FLIGHT
        return None

    def _ask(self, entry: QueueEntry, known: _Known) -> "asyncio.Task[None]":
        """The question that is out, or a new one."""
        if known.asking is None:
            known.asked_s = self._loop.time()
            known.asking = self._loop.create_task(self._refresh(entry, known))
            self._asking.add(known.asking)
            known.asking.add_done_callback(self._asking.discard)
        return known.asking

    async def _refresh(self, entry: QueueEntry, known: _Known) -> None:
        before = known.messages
        try:
            counts = await self._count(entry)
        except CmqError as error:
            log.info("queue_not_counted", extra={"queue": entry.name, "error": str(error)})
        else:
            known.messages = counts.active + counts.inactive + counts.delayed + known.messages - before
            known.delayed = counts.delayed
        finally:
            known.asking = None
