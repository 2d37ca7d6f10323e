"""Replicas over one real registry: what one of them has answered, the others know without being asked."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

import pytest

from adapters.gateway.errors import CmqError, Row
from adapters.gateway.kafka_queues import KafkaQueues
from adapters.gateway.leases.limits import Limits
from adapters.gateway.logs.kafka_logs import KafkaLogs
from adapters.gateway.logs.log_names import LogNames
from adapters.gateway.peers.peer_client import Peers
from adapters.gateway.peers.peer_messages import Messages, ReceiveRequest
from adapters.gateway.peers.peer_protocol import peer_key
from adapters.gateway.peers.peer_server import PeerServer
from adapters.gateway.peers.slot_router import SlotRouter
from adapters.gateway.peers.slot_service import SlotService
from adapters.gateway.registry import registry_view
from adapters.gateway.registry.registry_log import RegistryLog
from adapters.gateway.registry.registry_plan import Plan, Sizes
from adapters.gateway.registry.registry_view import RegistryView, registry_spec
from adapters.gateway.registry.registry_writer import RegistryWriter
from adapters.gateway.slot_ports import Slot
from pipeline.clock import SystemTimes
from pipeline.cluster import Cluster
from pipeline.cmq_registry import QueueAttributes
from pipeline.headers import Headers
from pipeline.topics import queue_topic, topic_spec
from tests.brokers.broker import Broker
from tests.harness.kafka import produce
from tests.unit.gateway.replicas import FakeSlot, row_of, until

LIMIT_S = 90.0
KEY = peer_key({"AKIDa": "secret"})
Unique = Callable[[str], str]


class Replica:
    """A replica whose slots are plain objects; slot 0 belongs to the first one."""

    def __init__(self, servers: str, topic: str, all_of_them: list["Replica"]) -> None:
        cluster = Cluster({"bootstrap.servers": servers})
        self._all = all_of_them
        self.died: list[str] = []
        self.view = RegistryView(cluster, asyncio.get_running_loop(), self.died.append, topic=topic)
        self.logs = KafkaLogs(cluster)
        plan = Plan(Sizes(replication_factor=1))
        self.writer = RegistryWriter(self.view, RegistryLog(cluster, topic), self.logs, plan, spread=self._spread)
        self.service = SlotService(self.view, self, self.writer)
        self.server = PeerServer(KEY, self.service.serve)
        self.peers = Peers(KEY, self._unclaimed)
        self.slot = FakeSlot()
        self.address = ""

    async def start(self) -> None:
        self.view.start()
        self.address = f"127.0.0.1:{await self.server.listen('127.0.0.1')}"
        self.router = SlotRouter(self, self.peers, self.service, self.address)
        names = LogNames(self.logs.existing)
        self.queues = KafkaQueues(self.view, self.router, self._send, names, SystemTimes(), Limits())

    async def close(self) -> None:
        self.queues.close()
        self.router.close()
        self.peers.close()
        await self.server.close()
        await self.writer.close()
        self.view.close()
        assert self.died == []

    async def owned(self, slot: int) -> Slot | None:
        return self.slot if self._all[slot % len(self._all)] is self else None

    async def address_of(self, slot: int) -> str | None:
        return self._all[slot % len(self._all)].address

    def not_mine(self, slot: int, address: str) -> None:
        raise AssertionError(f"slot {slot} stays where it is, not at {address}")

    async def _spread(self) -> None:
        await self.router.spread()

    @staticmethod
    async def _send(
        topic: str, partition: int, values: Sequence[bytes], headers: Sequence[Headers]
    ) -> list[tuple[int, int]]:
        del topic, partition, headers
        return [(0, 0)] * len(values)

    @staticmethod
    def _unclaimed(address: str, request: ReceiveRequest, messages: Messages) -> None:
        raise AssertionError(f"{address} gave {messages} to nobody for {request}")


def with_replicas(broker: Broker, unique: Unique, play: Callable[[str, list[Replica]], Awaitable[None]]) -> None:
    topic = unique("registry")

    async def run() -> None:
        KafkaLogs(Cluster({"bootstrap.servers": broker.bootstrap_servers})).create(registry_spec(1, topic))
        replicas: list[Replica] = []
        for _ in range(3):
            replicas.append(Replica(broker.bootstrap_servers, topic, replicas))
        for replica in replicas:
            await replica.start()
        try:
            async with asyncio.timeout(LIMIT_S):
                await play(topic, replicas)
        finally:
            for replica in replicas:
                await replica.close()

    asyncio.run(run())


@pytest.mark.real_broker
def test_what_was_answered_every_replica_knows_without_asking(broker: Broker, unique: Unique) -> None:
    async def play(_: str, replicas: list[Replica]) -> None:
        name = unique("queue")
        await replicas[1].queues.create(name, QueueAttributes())
        for visibility in range(1, 11):
            await replicas[visibility % 3].queues.set_attributes(name, {"visibility_timeout_s": visibility})
            known = [replica.view.state.queue(name) for replica in replicas]
            assert [entry and entry.attributes.visibility_timeout_s for entry in known] == [visibility] * 3
        await replicas[2].queues.delete(name)
        assert [replica.view.state.queue(name) for replica in replicas] == [None] * 3
        assert await row_of(replicas[1].queues.create(name.upper(), QueueAttributes())) is Row.NAME_BEING_RELEASED

    with_replicas(broker, unique, play)


@pytest.mark.real_broker
def test_queues_made_by_many_replicas_at_once_are_all_there_and_one_wins_each_name(
    broker: Broker, unique: Unique
) -> None:
    async def play(_: str, replicas: list[Replica]) -> None:
        names = [unique("queue") for _ in range(5)]
        calls = [replica.queues.create(name, QueueAttributes()) for name in names for replica in replicas]
        made = await asyncio.gather(*calls, return_exceptions=True)
        assert sum(isinstance(one, str) for one in made) == len(names)
        assert {one.row for one in made if isinstance(one, CmqError)} == {Row.QUEUE_EXISTS}
        for replica in replicas:
            found = {name for _, name in (await replica.queues.page("", 0, 10_000)).entries}
            assert set(names) <= found

    with_replicas(broker, unique, play)


@pytest.mark.real_broker
def test_a_queue_made_for_the_configuration_file_while_gateways_run_is_found_by_any_of_them(
    broker: Broker, unique: Unique
) -> None:
    async def play(_: str, replicas: list[Replica]) -> None:
        name = unique("ops")
        await replicas[0].writer.tidy()
        replicas[2].logs.create(topic_spec(queue_topic(name), 2, 1, 86_400_000, 3 << 20))
        await until(lambda: queue_topic(name) in replicas[2].logs.existing())
        await replicas[2].queues.send(name, [b"x"], 0)
        entry = replicas[1].view.state.queue(name)
        assert entry is not None
        assert (entry.partitions, entry.topic_id) == (2, replicas[0].logs.describe(queue_topic(name))[0])

    with_replicas(broker, unique, play)


@pytest.mark.real_broker
def test_a_record_that_is_none_of_ours_is_left_out_and_said(
    broker: Broker, unique: Unique, caplog: pytest.LogCaptureFixture
) -> None:
    async def play(topic: str, replicas: list[Replica]) -> None:
        name = unique("queue")
        produce(broker.bootstrap_servers, topic, b"{nonsense", b"queue:bad")
        await replicas[0].queues.create(name, QueueAttributes())
        assert replicas[2].view.state.queue(name) is not None
        assert replicas[2].view.state.queue("bad") is None

    with caplog.at_level(logging.WARNING):
        with_replicas(broker, unique, play)
    assert "registry_record_unreadable" in {record.message for record in caplog.records}


def test_without_a_broker_catching_up_ends_with_an_error_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry_view, "CATCH_UP_S", 0.5)

    async def run() -> None:
        cluster = Cluster({"bootstrap.servers": "127.0.0.1:1"})
        view = RegistryView(cluster, asyncio.get_running_loop(), lambda _: None)
        view.start()
        began_s = asyncio.get_running_loop().time()
        rows = await asyncio.gather(row_of(view.catch_up()), row_of(view.catch_up()))
        assert set(rows) == {Row.INTERNAL}
        assert asyncio.get_running_loop().time() - began_s < 3.0
        view.close()

    asyncio.run(run())
