"""Slots on a real broker, with a state that is a list of entries.

Shape   SlotScene(servers, topic, group): claimant(name) takes single slots over, member(name) is a whole replica,
        read(slot) is what the next owner knows
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import msgspec
from confluent_kafka import Consumer, Producer, TopicPartition

from adapters.gateway.journal.journal_record import slots_spec
from adapters.gateway.journal.journal_writer import JournalWriter
from adapters.gateway.journal.slot_reader import SlotReader
from adapters.gateway.journal.slots import Slots, Where
from adapters.gateway.journal.snapshots import AS_A_RULE, SnapshotRule
from adapters.gateway.journal.take_over import Taken, TakeOver
from adapters.gateway.slot_ports import SlotJournal, SlotState
from adapters.provision import TopicAdmin
from pipeline.cluster import Cluster
from tests.unit.gateway.journal_lab import ListState

LIMIT_S = 30.0


class ListSlot:
    """Keeps the port Slot as far as the journal is concerned."""

    def __init__(self, number: int, state: SlotState, journal: SlotJournal) -> None:
        assert isinstance(state, ListState)
        self.number = number
        self.state = state
        self.journal = journal
        self.closed = False

    def add(self, entry: bytes) -> "asyncio.Future[None]":
        self.state.apply(entry)
        return self.journal.append([entry])

    def close(self) -> None:
        self.closed = True


def make_slot(number: int, state: SlotState, journal: SlotJournal) -> ListSlot:
    return ListSlot(number, state, journal)


class Claimant:
    """Takes slots over without asking a group."""

    def __init__(self, scene: "SlotScene", name: str) -> None:
        self.died: list[str] = []
        self.writer = JournalWriter(scene.cluster, self.died.append, scene.topic)
        self.reader = SlotReader(scene.cluster, ListState, self.died.append, scene.topic)
        self.lost: list[str] = []
        self._take_over = TakeOver(self.writer, self.reader, name)

    async def take(self, slot: int = 0) -> Taken:
        return await self._take_over.take(slot, self.lost.append)


class SlotScene:
    """A topic and a group."""

    def __init__(self, servers: str, topic: str, group: str) -> None:
        self.cluster = Cluster({"bootstrap.servers": servers})
        self.topic = topic
        self.group = group

    def create(self, partitions: int) -> "SlotScene":
        spec = msgspec.structs.replace(slots_spec(1), name=self.topic, partitions=partitions)
        assert TopicAdmin(self.cluster).create([spec]) == {self.topic: None}
        return self

    @asynccontextmanager
    async def claimant(self, name: str = "somebody") -> AsyncIterator[Claimant]:
        claimant = Claimant(self, name)
        claimant.writer.start()
        claimant.reader.start()
        yield claimant
        await claimant.reader.close()
        await claimant.writer.close()
        assert claimant.died == []

    async def member(self, name: str, rule: SnapshotRule = AS_A_RULE) -> Slots:
        """A replica that has joined."""
        slots = Slots(
            self.cluster,
            name,
            ListState,
            make_slot,  # type: ignore[arg-type]  # of Slot only what the journal needs
            fail,
            Where(self.topic, self.group),
            rule,
        )
        await slots.start()
        return slots

    def append(self, slot: int, value: bytes) -> None:
        """A record that somebody else has written."""
        producer = Producer(self.cluster.producer_config())
        producer.produce(self.topic, value, partition=slot)
        assert producer.flush(LIMIT_S) == 0
        producer.close()

    def low(self, slot: int) -> int:
        """Where the slot's log begins."""
        consumer = Consumer(self.cluster.consumer_config("looking-on"))
        try:
            return consumer.get_watermark_offsets(TopicPartition(self.topic, slot), timeout=LIMIT_S)[0]
        finally:
            consumer.close()

    async def read(self, slot: int) -> list[bytes]:
        """What the next owner knows."""
        async with self.claimant("a reader") as reader:
            state = (await reader.take(slot)).state
            assert isinstance(state, ListState)
            return state.entries


def fail(error: Exception) -> None:
    raise error


async def until(true: Callable[[], bool], what: str, limit_s: float = LIMIT_S) -> None:
    """Wait for a condition that nothing announces."""
    deadline_s = time.monotonic() + limit_s
    while not true():
        assert time.monotonic() < deadline_s, f"{what}: not within {limit_s} s"
        await asyncio.sleep(0.02)
