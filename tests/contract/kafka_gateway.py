"""The stage of the gateway's contracts on a broker: two replicas in this process, and `run` beside them.

Shape   with KafkaGateway(servers, folder) as gateway: gateway.play(claim), any number of times. Starting takes seconds
Calls   go to the replicas in turn, so that every claim is also one of forwarding, and of what replicas know at once
Loop    the replicas live on one event loop of a thread of its own, and the claims run there
Left    the subscriptions of a claim are taken away after it, for a later test's `run` would deliver them, too. Queues
        and topics stay: their names are their own
"""

import asyncio
import threading
import time
from collections.abc import Coroutine
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

import pytest
import uvloop

from adapters.gateway.leases.limits import Limits
from adapters.gateway.own_topics import make_own_topics
from adapters.gateway.peers.slot_router import SLOTS
from adapters.gateway.ports import Message, Queues, Topics
from adapters.gateway.replica import Replica
from adapters.provision import TopicAdmin
from adapters.settings_file import load_settings
from pipeline.cluster import Cluster
from tests.brokers.pytest_plugin import unique_name
from tests.contract.gateway_stage import DELAYED, IN_FLIGHT, Claim
from tests.harness.command import Running

if TYPE_CHECKING:
    from adapters.gateway.leases.slot import SlotOwner

LIMIT_S = 150.0
START_S = 60.0
PASS_MOST_S = 30
"""Longer than that no test waits."""

REPLICAS = 2

Result = TypeVar("Result")


class KafkaGateway:
    """Both replicas, while the block runs."""

    def __init__(self, servers: str, folder: Path) -> None:
        file = folder / "batch-events.yaml"
        file.write_text(
            f"kafka: {{bootstrap.servers: '{servers}'}}\n"
            "topics: {partitions: 2, replication_factor: 1}\n"
            "http: {listen: '127.0.0.1:0'}\n"
            "subscribed: {allow_private_addresses: true}\n"
            "gateway: {listen: '127.0.0.1:0', keys: {AKIDuser: '${SECRET}'}}\n"
        )
        env = {"SECRET": "a secret of the tests"}
        self._settings = load_settings(str(file), env)
        self._cluster = Cluster(self._settings.kafka)
        self._runner = Running("run", "--config", str(file), env=env)
        self._loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="kafka-gateway", daemon=True)
        self._replicas: list[Replica] = []
        self._faults: list[object] = []
        self._loop.set_exception_handler(lambda _loop, context: self._faults.append(context))

    def __enter__(self) -> Self:
        self._thread.start()
        try:
            self._wait_for(self._open())
            self._runner.wait_for_line("started")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._wait_for(self._close())
            assert self._runner.terminate() == 0, "\n".join(self._runner.lines[-40:])
        finally:
            self._runner.__exit__(None, None, None)
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()

    def play(self, claim: Claim) -> None:
        """Run a claim."""
        self._wait_for(self._play(claim))
        assert self._faults == []

    def _wait_for(self, work: Coroutine[Any, Any, Result]) -> Result:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(LIMIT_S)

    async def _open(self) -> None:
        gateway = self._settings.gateway
        assert gateway is not None
        await make_own_topics(TopicAdmin(self._cluster), self._cluster.servers, 1)
        limits = Limits(in_flight=IN_FLIGHT, delayed_most=DELAYED)
        for _ in range(REPLICAS):
            replica = Replica(self._cluster, self._settings, gateway, self._faults.append, limits)
            self._replicas.append(replica)
            await replica.start()
        async with asyncio.timeout(START_S):
            while any(len(one._slots.owned_now()) != SLOTS // REPLICAS for one in self._replicas):  # noqa: ASYNC110
                await asyncio.sleep(0.05)

    async def _close(self) -> None:
        for replica in self._replicas:
            await replica.close()
        assert self._faults == []

    async def _play(self, claim: Claim) -> None:
        scene = _Scene(self._replicas)
        try:
            await claim(scene)
        finally:
            await scene.take_subscriptions_away()


class _InTurn:
    """Every call to the next replica."""

    def __init__(self, *parts: object) -> None:
        self._turn = cycle(parts)

    def __getattr__(self, name: str) -> Any:
        return getattr(next(self._turn), name)


class _QueuesInTurn(_InTurn):
    """Knows how many receives are out."""

    polling = 0

    async def receive(self, name: str, count: int, wait_s: int | None) -> list[Message]:
        queues: Queues = next(self._turn)  # type: ignore[assignment]  # what it was made of
        self.polling += 1
        try:
            return await queues.receive(name, count, wait_s)
        finally:
            self.polling -= 1


class _Scene:
    """One claim's."""

    def __init__(self, replicas: list[Replica]) -> None:
        self._replicas = replicas
        self.senders = len(replicas)
        self._in_turn = _QueuesInTurn(*(one.queues for one in replicas))
        self._names: list[str] = []
        self.queues = cast("Queues", self._in_turn)
        self.topics = cast("Topics", _InTurn(*(one.topics for one in replicas)))

    def unique(self, stem: str) -> str:
        name = unique_name(stem)
        self._names.append(name)
        return name

    @staticmethod
    def now_s() -> int:
        return int(time.time())

    @staticmethod
    def may_pass(seconds: float) -> None:
        if seconds > PASS_MOST_S:
            pytest.skip(f"{seconds} s would have to pass on the wall's clock")

    @staticmethod
    async def pass_time(seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def polls_are_waiting(self) -> None:
        await asyncio.sleep(0)  # what was just started begins
        while self._waiting() < self._in_turn.polling:  # noqa: ASYNC110  a poll that waits tells nobody
            await asyncio.sleep(0.01)

    def _waiting(self) -> int:
        """How many polls have got to their slot's owner; nobody else's are there."""
        slots = (slot for one in self._replicas for slot in one._slots.owned_now().values())
        return sum(len(run.polls) for slot in slots for run in cast("SlotOwner", slot)._runs.values())

    async def take_subscriptions_away(self) -> None:
        await self._replicas[0]._view.catch_up()
        state = self._replicas[0]._view.state
        for entry in [entry for name in self._names for entry in state.subscriptions(name)]:
            await self.topics.unsubscribe(entry.topic_name, entry.name)
