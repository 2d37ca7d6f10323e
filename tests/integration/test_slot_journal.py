"""A slot's journal on a real broker: claims fence, take-overs restore, snapshots keep the log short."""

import asyncio
import time
from collections.abc import Callable
from itertools import count

import pytest
import uvloop

from adapters.gateway.journal.snapshots import SnapshotRule, Snapshots
from adapters.gateway.journal.trimming import Trimming
from adapters.gateway.slot_ports import SlotLostError
from tests.brokers.broker import Broker
from tests.integration.slot_scene import SlotScene, until
from tests.unit.gateway.journal_lab import ListState

pytestmark = pytest.mark.real_broker


@pytest.fixture
def scene(broker: Broker, unique: Callable[[str], str]) -> SlotScene:
    return SlotScene(broker.bootstrap_servers, unique("slots"), unique("gateway")).create(2)


def test_a_claim_fences_the_former_owner_and_the_new_one_knows_what_it_acknowledged(scene: SlotScene) -> None:
    async def claim() -> None:
        async with scene.claimant("old") as old, scene.claimant("new") as new:
            first = await old.take()
            await first.journal.append([b"1", b"2"])
            second = await new.take()
            assert isinstance(second.state, ListState)
            assert second.state.entries == [b"1", b"2"]
            await second.journal.append([b"3"])
            with pytest.raises(SlotLostError):
                await first.journal.append([b"never"])
            assert not first.journal.alive
            await until(lambda: len(old.lost) == 1, "the former owner hears of it")
        assert await scene.read(0) == [b"1", b"2", b"3"]

    uvloop.run(claim())


def test_of_many_that_claim_a_slot_at_a_time_the_last_one_has_it_and_nothing_acknowledged_is_lost(
    scene: SlotScene,
) -> None:
    async def claim() -> None:
        acknowledged: list[bytes] = []

        async def rival(name: str) -> None:
            async with scene.claimant(name) as claimant:
                mine = 0
                for number in count():
                    if number >= 12 and mine:  # somebody is the last rival left, so each comes to that
                        return
                    taken = await claimant.take()
                    for more in range(3):
                        entry = f"{name}.{number}.{more}".encode()
                        try:
                            await taken.journal.append([entry])
                        except SlotLostError:
                            break
                        acknowledged.append(entry)
                        mine += 1

        await asyncio.gather(rival("a"), rival("b"), rival("c"))
        entries = await scene.read(0)
        assert len(set(entries)) == len(entries)
        assert [entry for entry in entries if entry in set(acknowledged)] == acknowledged

    uvloop.run(claim())


def test_a_snapshot_trims_the_log_and_the_next_owner_begins_there(scene: SlotScene) -> None:
    async def claim() -> None:
        async with scene.claimant() as owner:
            taken = await owner.take(1)
            snapshots = Snapshots(Trimming(scene.cluster, scene.topic).trim, SnapshotRule(every_s=0.0))
            snapshots.start()
            assert isinstance(taken.state, ListState)
            for number in range(40):
                taken.state.apply(b"%d" % number)
                await taken.journal.append([b"%d" % number])
            snapshots.add(1, taken.state, taken.journal, taken.read_bytes)
            await asyncio.get_running_loop().run_in_executor(None, until_trimmed, scene, 1, 41)
            snapshots.close()
            await taken.journal.append([b"more"])
        async with scene.claimant() as next_owner:
            taken = await next_owner.take(1)
            assert isinstance(taken.state, ListState)
            assert taken.state.entries == [*(b"%d" % number for number in range(40)), b"more"]
            assert 0 < taken.read_bytes < 40

    uvloop.run(claim())


def until_trimmed(scene: SlotScene, slot: int, low: int) -> None:
    deadline_s = time.monotonic() + 20
    while scene.low(slot) < low:
        assert time.monotonic() < deadline_s, scene.low(slot)


def test_a_slot_with_a_megabyte_of_snapshot_and_another_of_entries_is_taken_over_within_a_second(
    scene: SlotScene,
) -> None:
    async def claim() -> None:
        async with scene.claimant() as owner, scene.claimant() as heir:
            await heir.take(1)  # an heir that has connected
            taken = await owner.take(0)
            half = [b"%0511d" % number for number in range(1000)]
            await taken.journal.append_snapshot([b",".join(half), b",".join(half)])
            for entry in half * 2:
                taken.journal.append([entry])
                await asyncio.sleep(0)
            await taken.journal.append([])
            since_s = time.monotonic()
            restored = await heir.take(0)
            took_s = time.monotonic() - since_s
            assert isinstance(restored.state, ListState)
            assert restored.state.entries == half * 4
            assert took_s < 1.0

    uvloop.run(claim())
