"""Replicas that share the slots: who joins, leaves, is killed or stopped loses nothing that was acknowledged."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from types import TracebackType
from typing import Self

import pytest
import uvloop

from adapters.gateway.journal.slots import Slots
from adapters.gateway.slot_ports import SlotLostError
from tests.brokers.broker import Broker
from tests.brokers.killable import ClusterMaker
from tests.integration.slot_scene import ListSlot, SlotScene, until

SLOTS = 4


@pytest.fixture
def scene(broker: Broker, unique: Callable[[str], str]) -> SlotScene:
    return SlotScene(broker.bootstrap_servers, unique("slots"), unique("gateway")).create(SLOTS)


class Replica:
    """A replica in a process of its own; what it printed is kept."""

    def __init__(self, scene: SlotScene, servers: str, name: str) -> None:
        self.acknowledged: dict[int, list[bytes]] = {slot: [] for slot in range(SLOTS)}
        self.owns = 0
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.integration.slot_owner", servers, scene.topic, scene.group, name],
            stdout=subprocess.PIPE,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end(signal.SIGKILL)

    def send(self, what: signal.Signals) -> None:
        os.kill(self._process.pid, what)

    def end(self, what: signal.Signals) -> None:
        """Send a signal and wait for the end."""
        if self._process.poll() is None:
            self._process.send_signal(what)
        self._process.wait(30)
        self._reader.join()
        assert self._process.stdout is not None
        self._process.stdout.close()

    def count(self) -> int:
        return sum(map(len, self.acknowledged.values()))

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            match line.split():
                case [b"acknowledged", slot, entry]:
                    self.acknowledged[int(slot)].append(entry)
                case [b"owns", number]:
                    self.owns = int(number)


def wait(true: Callable[[], bool], what: str, limit_s: float = 60.0) -> float:
    since_s = time.monotonic()
    while not true():
        assert time.monotonic() - since_s < limit_s, what
        time.sleep(0.02)
    return time.monotonic() - since_s


@pytest.fixture
def names() -> Iterator[str]:
    return iter(f"127.0.0.1:{port}" for port in range(1, 100))


def has(replica: Replica, enough: int) -> bool:
    return replica.owns == SLOTS // 2 and replica.count() > enough


def check(scene: SlotScene, replicas: list[Replica]) -> None:
    """Everything that any of them has acknowledged is there once, each one's in its order."""
    for slot in range(SLOTS):
        entries = uvloop.run(scene.read(slot))
        assert len(set(entries)) == len(entries)
        for replica in replicas:
            told = replica.acknowledged[slot]
            there = set(told)
            assert [entry for entry in entries if entry in there] == told


@pytest.mark.real_broker
def test_killed_at_any_moment_a_replica_leaves_what_it_acknowledged_to_the_others(
    scene: SlotScene, broker: Broker, names: Iterator[str]
) -> None:
    replicas: list[Replica] = []
    with Replica(scene, broker.bootstrap_servers, next(names)) as survivor:
        replicas.append(survivor)
        for enough in (50, 333):
            with Replica(scene, broker.bootstrap_servers, next(names)) as victim:
                replicas.append(victim)
                wait(partial(has, victim, enough), "it has its share")
                victim.end(signal.SIGKILL)
            took_s = wait(lambda: survivor.owns == SLOTS, "the other one has all")
            assert took_s < 12.0
        before = survivor.count()
        wait(lambda: survivor.count() > before + 50, "it goes on")
        survivor.end(signal.SIGTERM)
    check(scene, replicas)


@pytest.mark.real_broker
def test_a_replica_that_was_stopped_and_goes_on_does_no_harm(
    scene: SlotScene, broker: Broker, names: Iterator[str]
) -> None:
    with (
        Replica(scene, broker.bootstrap_servers, next(names)) as one,
        Replica(scene, broker.bootstrap_servers, next(names)) as other,
    ):
        wait(lambda: has(one, 50) and has(other, 50), "both have half")
        one.send(signal.SIGSTOP)
        wait(lambda: other.owns == SLOTS, "the other one has all")
        before = other.count()
        wait(lambda: other.count() > before + 200, "it goes on")
        one.send(signal.SIGCONT)
        wait(lambda: one.owns == other.owns == SLOTS // 2, "they share again")
        before = one.count()
        wait(lambda: one.count() > before + 50, "the first one goes on")
        one.end(signal.SIGTERM)
        other.end(signal.SIGTERM)
        check(scene, [one, other])


@pytest.mark.real_broker
def test_slots_move_to_who_joins_and_back_when_it_leaves_and_their_owners_addresses_are_known(
    scene: SlotScene,
) -> None:
    async def claim() -> None:
        acknowledged: list[bytes] = []

        async def write(members: list[Slots]) -> None:
            number = 0
            while True:
                for slot in range(SLOTS):
                    for member in members:
                        owned = member.owned_now().get(slot)
                        if owned is None:
                            continue
                        assert isinstance(owned, ListSlot)
                        entry = b"%d" % number
                        number += 1
                        try:
                            await owned.add(entry)
                        except SlotLostError:
                            continue
                        acknowledged.append(entry)
                await asyncio.sleep(0.001)

        one = await scene.member("127.0.0.1:1")
        members = [one]
        writing = asyncio.create_task(write(members))
        await until(lambda: len(one.owned_now()) == SLOTS, "the first one has all")
        other = await scene.member("127.0.0.1:2")
        members.append(other)
        await until(lambda: len(one.owned_now()) == len(other.owned_now()) == SLOTS // 2, "they share")
        for slot in range(SLOTS):
            owner, address = (one, "127.0.0.1:1") if slot in one.owned_now() else (other, "127.0.0.1:2")
            other.not_mine(slot, await other.address_of(slot) or "")
            assert await other.address_of(slot) == address
            assert await owner.owned(slot) is owner.owned_now()[slot]
        moved = [slot for slot in other.owned_now().values() if isinstance(slot, ListSlot)]
        count = len(acknowledged)
        await until(lambda: len(acknowledged) > count + 100, "both go on")
        since_s = time.monotonic()
        await other.close()
        assert all(slot.closed for slot in moved)
        await until(lambda: len(one.owned_now()) == SLOTS, "the first one has all again")
        assert time.monotonic() - since_s < 4.0
        writing.cancel()
        await one.close()
        assert await one.owned(0) is None
        entries = [entry for slot in range(SLOTS) for entry in await scene.read(slot)]
        assert len(set(entries)) == len(entries)
        assert set(acknowledged) <= set(entries)

    uvloop.run(claim())


@pytest.mark.real_broker
def test_a_slot_with_records_of_a_later_version_holds_up_no_other(
    scene: SlotScene, caplog: pytest.LogCaptureFixture
) -> None:
    scene.append(1, b"\xc1\x02 what nobody knows yet")

    async def claim() -> None:
        one = await scene.member("127.0.0.1:1")
        await until(lambda: one.owned_now().keys() == {0, 2, 3}, "it has the others")
        await until(lambda: "slot_unreadable" in caplog.text, "it is told")
        waiting = asyncio.create_task(one.owned(1))
        await asyncio.sleep(0)
        assert not waiting.done()
        await one.close()
        assert await waiting is None

    uvloop.run(claim())


@pytest.mark.native_cluster
@pytest.mark.parametrize("how", ["killed", "frozen"])
def test_when_the_broker_was_away_for_long_the_slots_come_back_with_what_was_acknowledged(
    native_cluster: ClusterMaker, names: Iterator[str], how: str
) -> None:
    with native_cluster() as cluster:
        scene = SlotScene(cluster.bootstrap_servers, "slots", "gateway").create(SLOTS)
        with Replica(scene, cluster.bootstrap_servers, next(names)) as one:
            wait(lambda: one.owns == SLOTS and one.count() > 50, "it has all")
            if how == "killed":
                cluster.kill(1)
            else:
                cluster.pause(1)
            wait(lambda: one.owns == 0, "what was appended has no answer: the slots are lost")
            if how == "killed":
                cluster.restart(1)
            else:
                cluster.resume(1)
            wait(lambda: one.owns == SLOTS, "the slots are back")
            before = one.count()
            wait(lambda: one.count() > before + 50, "it goes on")
            one.end(signal.SIGTERM)
        check(scene, [one])
