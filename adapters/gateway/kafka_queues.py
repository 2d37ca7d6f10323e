"""CMQ's queues on Kafka: keeps the port Queues.

Shape   KafkaQueues(view, router, sender, names, times, limits): every action on queues, on any replica
Finds   a name in the registry, read to its end on a miss; a Kafka topic that nobody has made an entry for is adopted
Goes    messages straight into the queue's Kafka topic; what concerns their states to the owner of the queue's slot;
        what concerns the queue itself to the owner of slot 0
Ids     chosen here, so that a call whose answer was lost can be made again
"""

from collections.abc import Awaitable, Sequence
from secrets import token_hex
from typing import Protocol, cast

from adapters.gateway.errors import Row
from adapters.gateway.leases.limits import Limits
from adapters.gateway.leases.message_ids import DELAY_UNTIL, derived_id
from adapters.gateway.logs.log_names import LogNames
from adapters.gateway.logs.queue_heap import QueueHeap
from adapters.gateway.peers.peer_messages import (
    AdoptQueueRequest,
    Counted,
    CountsRequest,
    CreateQueueRequest,
    DeleteQueueRequest,
    ManageRequest,
    RewindRequest,
    SetQueueRequest,
)
from adapters.gateway.peers.slot_router import SlotRouter
from adapters.gateway.peers.slot_service import Served, View
from adapters.gateway.ports import Message, Page, QueueCounts, QueueInfo
from pipeline.clock import Times
from pipeline.cmq_registry import QueueAttributes, QueueEntry, queue_key
from pipeline.headers import Headers
from pipeline.ports import ANY_PARTITION
from pipeline.topics import queue_topic
from schemas.names import name_fault


class Sender(Protocol):
    """KafkaSender.send."""

    def __call__(
        self, topic: str, partition: int, values: Sequence[bytes], headers: Sequence[Headers]
    ) -> Awaitable[list[tuple[int, int]]]:
        """Append; gives partition and offset of each. CmqError NO_QUEUE: there is no such Kafka topic."""
        ...


class KafkaQueues:
    """All queues, from this replica."""

    def __init__(
        self,
        view: View,
        router: SlotRouter,
        sender: Sender,
        names: LogNames,
        times: Times,
        limits: Limits,
    ) -> None:
        self._view = view
        self._router = router
        self._send = sender
        self._names = names
        self._times = times
        self._heap = QueueHeap(self._counts, limits.delayed_most)

    def close(self) -> None:
        """Ask no more."""
        self._heap.close()

    async def create(self, name: str, attributes: QueueAttributes) -> str:
        """As Queues.create."""
        queue_id = f"queue-{token_hex(6)}"
        await self._manage(CreateQueueRequest(name, queue_id, attributes))
        return queue_id

    async def set_attributes(self, name: str, changes: dict[str, int]) -> None:
        """As Queues.set_attributes."""
        await self._queue(name)
        await self._manage(SetQueueRequest(name, changes))

    async def info(self, name: str) -> QueueInfo:
        """As Queues.info."""
        await self._view.catch_up()
        entry = await self._queue(name)
        counts = await self._counts(entry)
        return QueueInfo(entry.queue_id, entry.name, entry.attributes, entry.created_s, entry.modified_s, counts)

    async def page(self, search_word: str, offset: int, limit: int) -> Page:
        """As Queues.page."""
        await self._view.catch_up()
        found = [(one.queue_id, one.name) for one in self._view.state.queues() if holds(one.name, search_word)]
        return Page(len(found), found[offset : offset + limit])

    async def delete(self, name: str) -> None:
        """As Queues.delete."""
        await self._queue(name)
        await self._manage(DeleteQueueRequest(name), Row.NO_QUEUE)

    async def rewind(self, name: str, start_s: int) -> None:
        """As Queues.rewind."""
        entry = await self._queue(name)
        await self._router.of_queue(entry, RewindRequest(entry.name, entry.topic_id, start_s))

    async def send(self, name: str, bodies: Sequence[bytes], delay_s: int) -> list[str]:
        """As Queues.send."""
        entry = await self._queue(name)
        most = entry.attributes.max_msg_size
        if any(len(body) > most for body in bodies):
            raise Row.MESSAGE_TOO_BIG.error()
        await self._heap.admit(entry, len(bodies), delay_s)
        headers: Headers = []
        if delay_s > 0:
            headers = [(DELAY_UNTIL, b"%d" % (self._times.now_ms() + 1000 * delay_s))]
        places = await self._send(queue_topic(entry.name), ANY_PARTITION, bodies, [headers] * len(bodies))
        return [derived_id(entry.topic_id, partition, offset) for partition, offset in places]

    async def receive(self, name: str, count: int, wait_s: int | None) -> list[Message]:
        """As Queues.receive."""
        entry = await self._queue(name)
        poll_s = entry.attributes.polling_wait_s if wait_s is None else wait_s
        return (await self._router.receive(entry, count, poll_s)).messages

    async def delete_messages(self, name: str, handles: Sequence[str]) -> list[Row | None]:
        """As Queues.delete_messages."""
        entry = await self._queue(name)
        return await self._router.delete(entry, handles)

    async def _counts(self, entry: QueueEntry) -> QueueCounts:
        answer = await self._router.of_queue(entry, CountsRequest(entry.name, entry.topic_id))
        return cast("Counted", answer).counts

    async def _queue(self, name: str) -> QueueEntry:
        entry = self._view.state.queue(name)
        return entry if entry is not None else await self._missed(name)

    async def _missed(self, name: str) -> QueueEntry:
        """A name that we do not know, or not yet."""
        await self._view.catch_up()
        state = self._view.state
        entry = state.queue(name)
        adoptable = entry is None and state.get(queue_key(name)) is None and name_fault(name) is None
        if adoptable and await self._names.has(queue_topic(name)):
            await self._manage(AdoptQueueRequest(name))
            entry = state.queue(name)
        if entry is None:
            raise Row.NO_QUEUE.error()
        return entry

    async def _manage(self, request: ManageRequest, done_if: Row | None = None) -> Served | None:
        return await managed(self._view, self._router, request, done_if)


async def managed(view: View, router: SlotRouter, request: ManageRequest, done_if: Row | None = None) -> Served | None:
    """Have the owner of slot 0 do it, and know of it.

    Args:
        done_if: the row that a second try is refused with if the first one was heeded after all.

    Raises:
        CmqError: it was refused, or nobody answers.
    """
    result = await router.manage(request)
    if result.error is not None and not (result.again and result.error.row is done_if):
        raise result.error
    await view.catch_up()
    return result.answer


def holds(name: str, search_word: str) -> bool:
    """Whether a name has the search word in it; names are unique regardless of case, so it is found so too."""
    return search_word.lower() in name.lower()
