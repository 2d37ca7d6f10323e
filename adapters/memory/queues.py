"""CMQ's queues in memory, by name.

Shape   MemoryQueues(clock) keeps the Queues port; append() is how a topic's subscription fills one
Names   unique regardless of case; a deleted one is free again after 30 s
Bounds  the event loop's thread; nothing outlives the object
"""

from collections.abc import Sequence
from itertools import count

import msgspec

from adapters.gateway.errors import Row
from adapters.gateway.ports import Message, Page, QueueInfo
from adapters.memory.queue import MemoryQueue, QueueLimits
from pipeline.clock import Clock
from pipeline.cmq_registry import QueueAttributes

RELEASE_MS = 30_000
"""How long a deleted name is not free."""


def page_of(named: Sequence[tuple[str, str]], search_word: str, offset: int, limit: int) -> Page:
    """A page of (id, name): those whose name has the word, regardless of case, in order of their names."""
    word = search_word.lower()
    found = sorted((one for one in named if word in one[1].lower()), key=lambda one: (one[1].lower(), one[1]))
    return Page(len(found), found[offset : offset + limit])


class MemoryQueues:
    """All queues of one account."""

    def __init__(self, clock: Clock, *, max_queues: int = 1_000, limits: QueueLimits | None = None) -> None:
        self._clock = clock
        self._max_queues = max_queues
        self._limits = limits or QueueLimits()
        self._queues: dict[str, MemoryQueue] = {}
        self._released_ms: dict[str, int] = {}
        self._ids = count(1)

    async def create(self, name: str, attributes: QueueAttributes) -> str:
        """Make a queue."""
        key = name.lower()
        if key in self._queues:
            raise Row.QUEUE_EXISTS.error()
        if self._released_ms.get(key, 0) > self._clock.now_ms():
            raise Row.NAME_BEING_RELEASED.error()
        if len(self._queues) >= self._max_queues:
            raise Row.QUEUE_LIMIT.error()
        queue_id = f"queue-{next(self._ids):08d}"
        self._queues[key] = MemoryQueue(queue_id, name, attributes, self._clock, self._limits, self._bury)
        return queue_id

    async def set_attributes(self, name: str, changes: dict[str, int]) -> None:
        """Change some attributes."""
        queue = self._queue(name)
        queue.change(msgspec.structs.replace(queue.attributes, **changes))

    async def info(self, name: str) -> QueueInfo:
        """What GetQueueAttributes tells."""
        queue = self._queue(name)
        return QueueInfo(
            queue.queue_id, queue.name, queue.attributes, queue.created_s, queue.modified_s, queue.counts()
        )

    async def page(self, search_word: str, offset: int, limit: int) -> Page:
        """Some of the queues."""
        return page_of([(one.queue_id, one.name) for one in self._queues.values()], search_word, offset, limit)

    async def delete(self, name: str) -> None:
        """Its messages are gone, its polls end."""
        self._queue(name).close(Row.NO_QUEUE.error())
        del self._queues[name.lower()]
        self._released_ms[name.lower()] = self._clock.now_ms() + RELEASE_MS

    async def rewind(self, name: str, start_s: int) -> None:
        """Make deleted messages visible again."""
        self._queue(name).rewind(start_s)

    async def send(self, name: str, bodies: Sequence[bytes], delay_s: int) -> list[str]:
        """Append messages."""
        return self._queue(name).send(bodies, delay_s)

    async def receive(self, name: str, count: int, wait_s: int | None) -> list[Message]:
        """Lease messages, or wait for one."""
        return await self._queue(name).receive(count, wait_s)

    async def delete_messages(self, name: str, handles: Sequence[str]) -> list[Row | None]:
        """Settle messages."""
        return self._queue(name).delete_messages(handles)

    def append(self, name: str, bodies: Sequence[bytes]) -> bool:
        """Put messages into a queue whatever its limits say; False: there is none of that name."""
        queue = self._queues.get(name.lower())
        if queue is not None:
            queue.append(bodies)
        return queue is not None

    def _bury(self, name: str, body: bytes) -> bool:
        return self.append(name, [body])

    def _queue(self, name: str) -> MemoryQueue:
        queue = self._queues.get(name.lower())
        if queue is None:
            raise Row.NO_QUEUE.error()
        return queue
