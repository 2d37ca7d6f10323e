"""When a slot has a snapshot, and whom the group names as its owner."""

import asyncio

import pytest
import uvloop
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient

from adapters.gateway.journal.directory import Directory, owners
from adapters.gateway.journal.journal_record import Claim, encode
from adapters.gateway.journal.slot_journal import KafkaSlotJournal
from adapters.gateway.journal.snapshots import MUCH_READ_BYTES, SnapshotRule, Snapshots
from pipeline.cluster import Cluster
from tests.unit.gateway.journal_lab import ListState, Log, Road

EPOCH = b"e" * 8


@pytest.mark.parametrize(
    ("changed_bytes", "since_s", "due"),
    [(0, 1e9, False), (1, 59.9, False), (1, 60, True), ((8 << 20) - 1, 0, False), (8 << 20, 0, True)],
)
def test_a_snapshot_is_due_after_a_time_or_many_entries_and_only_if_something_has_changed(
    changed_bytes: int, since_s: float, *, due: bool
) -> None:
    assert SnapshotRule().due(changed_bytes, since_s) is due


class Shelf:
    """A slot with snapshots, on a road where a test says what arrives."""

    def __init__(self, rule: SnapshotRule, read_bytes: int = 0, room: int = 1 << 30) -> None:
        self.log = Log()
        self.log.append(encode(Claim(EPOCH, "us")))
        self.road = Road(self.log, room)
        self.state = ListState()
        self.journal = KafkaSlotJournal(7, EPOCH, 0, self.road, lambda _reason: None)
        self.trims: list[tuple[int, int]] = []
        self.snapshots = Snapshots(lambda slot, offset: self.trims.append((slot, offset)), rule)
        self.snapshots.start()
        self.snapshots.add(7, self.state, self.journal, read_bytes)

    async def add(self, entry: bytes) -> None:
        self.state.apply(entry)
        done = self.journal.append([entry])
        await asyncio.sleep(0)
        self.road.all()
        await done

    async def sent(self) -> None:
        """Wait for the next record."""
        if not self.road.queue:
            self.road.sent.clear()
            await self.road.sent.wait()


def test_the_log_is_trimmed_once_the_snapshot_is_acknowledged_and_not_before() -> None:
    async def claim() -> None:
        shelf = Shelf(SnapshotRule(every_s=0.0))
        await shelf.add(b"1")
        await shelf.sent()
        assert shelf.trims == []
        shelf.road.all()
        await asyncio.sleep(0.25)
        assert shelf.trims == [(7, 2)], "once: nothing has changed since"
        assert not shelf.road.queue
        await shelf.add(b"2")
        await shelf.sent()
        shelf.road.all()
        shelf.log.trim(2)
        assert shelf.log.state().entries == [b"1", b"2"]
        shelf.snapshots.close()

    uvloop.run(claim())


def test_who_had_to_read_much_takes_a_snapshot_at_once() -> None:
    async def claim() -> None:
        shelf = Shelf(SnapshotRule(), read_bytes=MUCH_READ_BYTES)
        await asyncio.wait_for(shelf.sent(), 5)
        shelf.snapshots.close()

    uvloop.run(claim())


def test_a_snapshot_for_which_there_was_no_room_is_tried_again() -> None:
    async def claim() -> None:
        shelf = Shelf(SnapshotRule(every_s=0.0), room=1)
        await shelf.add(b"1")
        await shelf.add(b"2")  # now it has two parts
        await shelf.sent()
        shelf.road.all()
        await shelf.sent()
        shelf.road.all()
        assert shelf.trims == []
        assert shelf.journal.alive
        shelf.snapshots.close()

    uvloop.run(claim())


def test_a_slot_that_was_given_away_has_no_more_snapshots() -> None:
    async def claim() -> None:
        shelf = Shelf(SnapshotRule(every_s=0.0))
        await shelf.add(b"1")
        shelf.snapshots.remove(7)
        await asyncio.sleep(0.25)
        assert not shelf.road.queue
        shelf.snapshots.close()

    uvloop.run(claim())


def test_the_groups_members_say_in_their_client_ids_where_a_slots_owner_is() -> None:
    members = [
        ("batch-events-gateway/10.0.0.1:7000", [("cmq.slots", 0), ("cmq.slots", 2)]),
        ("batch-events-gateway/[::1]:7000", [("cmq.slots", 1), ("another", 3)]),
        ("kafka-console", [("cmq.slots", 4)]),
    ]
    assert owners(members, "cmq.slots") == {0: "10.0.0.1:7000", 2: "10.0.0.1:7000", 1: "[::1]:7000"}


def test_who_cannot_even_ask_for_the_owners_knows_of_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """An exception would go to whoever needs an owner, and end the task that looks whether the replica is ready."""

    def no_client(_: Cluster) -> AdminClient:
        raise KafkaException(KafkaError(KafkaError._FAIL))

    monkeypatch.setattr(Cluster, "admin", no_client)

    async def ask() -> str | None:
        return await Directory(Cluster({"bootstrap.servers": "localhost:1"})).address_of(3)

    assert asyncio.run(ask()) is None
