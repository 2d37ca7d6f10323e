"""Whether a queue may take more messages: roughly, for the sender is not the one that counts them.

Shape   QueueHeap(count, now): check(entry, sending, delayed) before a send; close()
Rough   the owner's count is asked for in the background, at most each REFRESH_S for a queue that is sent to; what was
        sent here since then is added. So N replicas can overshoot by what the other ones send in that time
Errors  CmqError QUEUE_FULL, TOO_MANY_IN_FLIGHT. A count that cannot be had leaves the last one, then none, in force
Bounds  KEPT queues are remembered
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

import msgspec

from adapters.gateway.errors import CmqError, Row
from adapters.gateway.ports import QueueCounts
from pipeline.cmq_registry import QueueEntry

log = logging.getLogger(__name__)

REFRESH_S = 5.0
KEPT = 10_000
DELAYED_MOST = 20_000

Count = Callable[[QueueEntry], Awaitable[QueueCounts]]


class _Known(msgspec.Struct):
    messages: int = 0
    delayed: int = 0
    asked_s: float = float("-inf")


class QueueHeap:
    """What is known of the queues that are sent to."""

    def __init__(self, count: Count, delayed_most: int = DELAYED_MOST) -> None:
        self._count = count
        self._delayed_most = delayed_most
        self._loop = asyncio.get_running_loop()
        self._known: dict[str, _Known] = {}
        self._asking: set[asyncio.Task[None]] = set()

    def check(self, entry: QueueEntry, sending: int, *, delayed: bool) -> None:
        """Let so many more in, or not.

        Raises:
            CmqError: QUEUE_FULL, TOO_MANY_IN_FLIGHT (delayed ones).
        """
        known = self._known.get(entry.topic_id)
        if known is None:
            if len(self._known) >= KEPT:
                self._known.clear()
            known = self._known[entry.topic_id] = _Known()
        if self._loop.time() - known.asked_s > REFRESH_S:
            known.asked_s = self._loop.time()
            task = self._loop.create_task(self._refresh(entry, known))
            self._asking.add(task)
            task.add_done_callback(self._asking.discard)
        if known.messages + sending > entry.attributes.max_msg_heap_num:
            raise Row.QUEUE_FULL.error()
        if delayed and known.delayed + sending > self._delayed_most:
            raise Row.TOO_MANY_IN_FLIGHT.error()
        known.messages += sending
        known.delayed += sending if delayed else 0

    def close(self) -> None:
        """Ask no more."""
        for task in self._asking:
            task.cancel()

    async def _refresh(self, entry: QueueEntry, known: _Known) -> None:
        before = known.messages, known.delayed
        try:
            counts = await self._count(entry)
        except CmqError as error:
            log.info("queue_not_counted", extra={"queue": entry.name, "error": str(error)})
            return
        sent, put_off = known.messages - before[0], known.delayed - before[1]
        known.messages = counts.active + counts.inactive + counts.delayed + sent
        known.delayed = counts.delayed + put_off
