"""Replicas in one process: real routers and connections over loopback, slots and registry as plain objects.

Shape   with `await Replicas(2)…`: .owner[slot] says which replica owns a slot, .directory[slot] which one others take
        for it; replica.queues, replica.router, replica.slots, replica.view
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import msgspec

from adapters.gateway.errors import CmqError, Row
from adapters.gateway.kafka_queues import KafkaQueues
from adapters.gateway.kafka_topics import KafkaTopics
from adapters.gateway.leases.limits import Limits
from adapters.gateway.logs.log_names import LogNames
from adapters.gateway.peers.peer_client import Peers
from adapters.gateway.peers.peer_messages import (
    AdoptQueueRequest,
    CreateQueueRequest,
    CreateTopicRequest,
    DeleteQueueRequest,
    Done,
    Made,
    ManageRequest,
    Messages,
    ReceiveRequest,
    SubscribeRequest,
)
from adapters.gateway.peers.peer_protocol import peer_key
from adapters.gateway.peers.peer_server import PeerServer
from adapters.gateway.peers.slot_router import SlotRouter
from adapters.gateway.peers.slot_service import SlotService
from adapters.gateway.ports import Message, QueueCounts
from adapters.gateway.registry.registry_decisions import (
    RegistryLimits,
    gone_queue,
    may_create_queue,
    new_subscription,
    queue_entry,
)
from adapters.gateway.registry.registry_state import RegistryState
from adapters.gateway.slot_ports import Slot
from pipeline.clock import SystemTimes
from pipeline.cmq_registry import Entry, QueueAttributes, QueueEntry, TopicEntry, encode
from pipeline.headers import Headers

KEY = peer_key({"AKIDa": "secret"})
LIMIT_S = 20.0
MESSAGE = Message("1", b"body", "handle", 1, 2, 3, 4)


class FakeView:
    """A registry that is a record behind until somebody catches up."""

    def __init__(self, log: list[tuple[bytes, bytes | None]]) -> None:
        self.state = RegistryState()
        self.caught_up = 0
        self._log = log
        self._at = 0

    async def catch_up(self) -> None:
        await asyncio.sleep(0)
        self.caught_up += 1
        for key, value in self._log[self._at :]:
            self.state.apply(key, value)
        self._at = len(self._log)


class FakeSlot:
    """Does what it is told to, and says what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[object, ...]] = []
        self.error: Exception | None = None
        self.gate: asyncio.Event | None = None
        self.cancelled = 0
        self.tally = QueueCounts()

    async def receive(self, queue: QueueEntry, count: int, wait_s: float) -> list[Message]:
        self.asked.append(("receive", queue.name, count, wait_s))
        await self._play()
        return [MESSAGE]

    async def delete_messages(self, queue: QueueEntry, handles: Sequence[str]) -> list[Row | None]:
        self.asked.append(("delete", queue.name, tuple(handles)))
        await self._play()
        return [None if handle.startswith("h") else Row.BAD_HANDLE for handle in handles]

    async def give_back(self, queue: QueueEntry, handles: Sequence[str]) -> None:
        self.asked.append(("give back", queue.name, tuple(handles)))

    async def counts(self, queue: QueueEntry) -> QueueCounts:
        self.asked.append(("counts", queue.name))
        await self._play()
        return self.tally

    async def rewind(self, queue: QueueEntry, start_s: int) -> None:
        self.asked.append(("rewind", queue.name, start_s))
        await self._play()

    def heed(self, queue: QueueEntry) -> None:
        self.asked.append(("heed", queue.name, queue.attributes.rewind_s))

    async def drop(self, queue: QueueEntry) -> None:
        self.asked.append(("drop", queue.name, queue.topic_id))

    def close(self) -> None: ...

    async def _play(self) -> None:
        if self.gate is not None:
            try:
                await self.gate.wait()
            except asyncio.CancelledError:
                self.cancelled += 1
                raise
        error, self.error = self.error, None
        if error is not None:
            raise error


class FakeWriter:
    """The registry's writer, in memory; loses its answer when told to."""

    def __init__(self, log: list[tuple[bytes, bytes | None]], view: FakeView, logs: set[str]) -> None:
        self._log = log
        self._view = view
        self._logs = logs
        self.asked: list[ManageRequest] = []
        self.lost: Exception | None = None
        self.limits = RegistryLimits(queues=3, topics=3, subscriptions=2)

    async def manage(self, request: ManageRequest) -> Done | Made:
        self.asked.append(request)
        await self._view.catch_up()
        answer = self._do(request)
        lost, self.lost = self.lost, None
        if lost is not None:
            raise lost
        return answer

    def _do(self, request: ManageRequest) -> Done | Made:
        state = self._view.state
        match request:
            case CreateQueueRequest(name, queue_id, attributes):
                if may_create_queue(state, request, self.limits, 1) is None:
                    self.write(queue_entry(name, queue_id, (f"id of {name}", 1), attributes, 1))
                return Made(queue_id)
            case CreateTopicRequest(name, topic_id, limit, kind):
                self.write(TopicEntry(name, topic_id, limit, kind, 1, 1))
                return Made(topic_id)
            case SubscribeRequest(asked):
                entry = new_subscription(state, asked, self.limits, 1)
                if entry is not None:
                    self.write(entry)
                return Made(asked.subscription_id)
            case AdoptQueueRequest(name):
                self.write(queue_entry(name, "adopted", (f"id of {name}", 1), QueueAttributes(), 1))
                return Made(name)
            case DeleteQueueRequest(name):
                self.write(gone_queue(state, name, 1))
                return Done()
            case _:
                return Done()

    def write(self, entry: Entry) -> None:
        self._log.append(encode(entry))


class Replica:
    """One of them."""

    def __init__(self, replicas: "Replicas", number: int) -> None:
        self._replicas = replicas
        self.number = number
        self.address = ""
        self.slots: dict[int, FakeSlot] = {}
        self.view = FakeView(replicas.log)
        self.writer = FakeWriter(replicas.log, self.view, replicas.kafka_topics)
        self.service = SlotService(self.view, self, self.writer)
        self.server = PeerServer(KEY, self.service.serve)
        self.peers = Peers(KEY, self._unclaimed)
        self.sent: list[tuple[str, list[bytes], list[Headers]]] = []
        self.not_mine_told: list[tuple[int, str]] = []
        self.messages_in_topics = 0

    async def start(self) -> None:
        self.address = f"127.0.0.1:{await self.server.listen('127.0.0.1')}"
        self.router = SlotRouter(self, self.peers, self.service, self.address)
        names = LogNames(lambda: self._replicas.kafka_topics)
        self.queues = KafkaQueues(self.view, self.router, self.send, names, SystemTimes(), Limits())
        self.topics = KafkaTopics(self.view, self.router, self.send, names, self, "batch.", SystemTimes())

    async def close(self) -> None:
        self.queues.close()
        self.router.close()
        self.peers.close()
        await self.server.close()

    def slot(self, number: int) -> FakeSlot:
        """Its slot of that number, owned or not."""
        return self.slots.setdefault(number, FakeSlot())

    async def owned(self, slot: int) -> Slot | None:
        return self.slot(slot) if self._replicas.owner.get(slot) == self.number else None

    async def address_of(self, slot: int) -> str | None:
        number = self._replicas.directory.get(slot)
        return None if number is None else self._replicas[number].address

    def not_mine(self, slot: int, address: str) -> None:
        self.not_mine_told.append((slot, address))
        if (owner := self._replicas.owner.get(slot)) is not None:
            self._replicas.directory[slot] = owner

    async def send(
        self, topic: str, partition: int, values: Sequence[bytes], headers: Sequence[Headers]
    ) -> list[tuple[int, int]]:
        assert partition == -1
        self.sent.append((topic, list(values), list(headers)))
        return [(0, number) for number in range(len(values))]

    async def messages(self, kafka_topic: str) -> int:
        assert kafka_topic.startswith("batch.")
        return self.messages_in_topics

    async def waiting(self, entry: object, kafka_topic: str) -> int:
        assert entry
        assert kafka_topic.startswith("batch.")
        return self.messages_in_topics

    def _unclaimed(self, address: str, request: ReceiveRequest, messages: Messages) -> None:
        self.router.give_back(address, request, messages)


class Replicas:
    """All of them."""

    def __init__(self, count: int) -> None:
        self.log: list[tuple[bytes, bytes | None]] = []
        self.owner: dict[int, int] = dict.fromkeys(range(64), 0)
        self.directory: dict[int, int] = dict.fromkeys(range(64), 0)
        self.kafka_topics: set[str] = set()
        self._all = [Replica(self, number) for number in range(count)]

    def __getitem__(self, number: int) -> Replica:
        return self._all[number]

    def move(self, slot: int, to: int, *, known: bool = True) -> None:
        """Another owner; known: the directory says so."""
        self.owner[slot] = to
        if known:
            self.directory[slot] = to

    async def make_queue(self, name: str, **attributes: int) -> QueueEntry:
        """A queue that everybody knows."""
        await self[0].writer.manage(
            CreateQueueRequest(name, f"id-{name}", msgspec.convert(attributes, QueueAttributes))
        )
        for replica in self._all:
            await replica.view.catch_up()
        entry = self[0].view.state.queue(name)
        assert entry is not None
        return entry

    async def run(self, play: Callable[["Replicas"], Awaitable[None]]) -> None:
        for replica in self._all:
            await replica.start()
        try:
            async with asyncio.timeout(LIMIT_S):
                await play(self)
        finally:
            for replica in self._all:
                await replica.close()
            await asyncio.sleep(0)


def on_replicas(play: Callable[[Replicas], Awaitable[None]], count: int = 2) -> None:
    """Play on so many replicas; the first one owns all slots."""

    async def run() -> None:
        await Replicas(count).run(play)

    asyncio.run(run())


async def row_of(call: Awaitable[object]) -> Row:
    """The row that a call is refused with."""
    try:
        await call
    except CmqError as error:
        return error.row
    raise AssertionError("not refused")


async def until(true: Callable[[], object]) -> None:
    """Wait for what nothing announces; the replicas' own limit ends it."""
    while not true():  # noqa: ASYNC110  see above
        await asyncio.sleep(0.001)
