"""The states of all queues of a slot, by the ids of their Kafka topics: what the slot's journal is about.

Shape   QueueStates is slot_ports.SlotState. Live, change(entry) does it and gives the bytes to append; restored,
        apply(bytes) does the same
Gone    the ids of queues that were dropped last are kept: a call that was on its way must not bring one back
Errors  ValueError for an entry of a queue that was never opened: the journal lacks a piece
"""

from collections.abc import Iterable, Sequence

from adapters.gateway.leases import entries, snapshot
from adapters.gateway.leases.entries import Dropped, Entry, Opened
from adapters.gateway.leases.queue_state import QueueState
from adapters.gateway.slot_ports import SlotState

_REMEMBERED = 1_000


class QueueStates(SlotState):
    """All queues of a slot."""

    def __init__(self) -> None:
        self._by_topic: dict[str, QueueState] = {}
        self._by_number: dict[int, QueueState] = {}
        self._next = 0
        self._gone: dict[str, None] = {}

    def queue(self, topic_id: str) -> QueueState | None:
        """What is known of a queue."""
        return self._by_topic.get(topic_id)

    def topic_ids(self) -> list[str]:
        """Of all queues that something is known of."""
        return list(self._by_topic)

    def held(self) -> int:
        """Leases in force, of all queues."""
        return sum(queue.held() for queue in self._by_topic.values())

    def is_gone(self, topic_id: str) -> bool:
        """Whether the queue was dropped, not too long ago."""
        return topic_id in self._gone

    def open(self, topic_id: str) -> tuple[QueueState, bytes]:
        """Begin a queue that nothing is known of; gives the entry to append, too."""
        opened = Opened(self._next, topic_id)
        return self._open(opened), entries.encode(opened)

    def change(self, entry: Entry) -> bytes:
        """Take up a change of our own; gives the entry to append."""
        self._take_up(entry)
        return entries.encode(entry)

    def apply(self, entry: bytes) -> None:
        """Take up one entry of the journal, in order."""
        self._take_up(entries.decode(entry))

    def snapshot(self) -> Iterable[bytes]:
        """The whole state, in parts of at most 512 kB; of this moment, whenever they are written."""
        return snapshot.write(self._next, list(self._gone), self._by_number.values())

    def restore(self, parts: Sequence[bytes]) -> None:
        """Take up what snapshot() gave, in place of all that is known."""
        self._next, gone, queues = snapshot.read(parts)
        self._gone = dict.fromkeys(gone)
        self._by_number = {queue.number: queue for queue in queues}
        self._by_topic = {queue.topic_id: queue for queue in queues}

    def _take_up(self, entry: Entry) -> None:
        if isinstance(entry, Opened):
            self._open(entry)
            return
        queue = self._by_number.get(entry.queue)
        if queue is None:
            if entry.queue < self._next:
                return  # it was dropped before
            raise ValueError(f"queue {entry.queue} was never opened")
        if isinstance(entry, Dropped):
            self._drop(queue)
        else:
            queue.apply(entry)

    def _open(self, opened: Opened) -> QueueState:
        queue = QueueState(opened.queue, opened.topic_id)
        self._by_topic[opened.topic_id] = self._by_number[opened.queue] = queue
        self._next = max(self._next, opened.queue + 1)
        return queue

    def _drop(self, queue: QueueState) -> None:
        del self._by_number[queue.number]
        del self._by_topic[queue.topic_id]
        self._gone[queue.topic_id] = None
        if len(self._gone) > _REMEMBERED:
            del self._gone[next(iter(self._gone))]
