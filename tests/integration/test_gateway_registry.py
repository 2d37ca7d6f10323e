"""The registry on a broker: what one replica has written, every other knows; one writes, whoever else tries."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import NamedTuple

import pytest
from confluent_kafka import KafkaException, Producer

from adapters.gateway.errors import CmqError, Row
from adapters.gateway.logs.kafka_logs import KafkaLogs
from adapters.gateway.peers.peer_messages import (
    AdoptQueueRequest,
    CreateQueueRequest,
    CreateTopicRequest,
    DeleteQueueRequest,
    Made,
    SetQueueRequest,
    SubscribeRequest,
    UnsubscribeRequest,
)
from adapters.gateway.registry import registry_view
from adapters.gateway.registry.registry_log import IDS, RegistryLog
from adapters.gateway.registry.registry_plan import Plan, Sizes
from adapters.gateway.registry.registry_view import RegistryView, registry_spec
from adapters.gateway.registry.registry_writer import RegistryWriter
from adapters.gateway.slot_ports import SlotLostError
from pipeline.cluster import Cluster
from pipeline.cmq_registry import Gone, QueueAttributes, QueueEntry, SubscriptionEntry, encode
from pipeline.topics import queue_topic, topic_spec
from tests.brokers.broker import Broker
from tests.harness.kafka import read_all
from tests.unit.gateway.replicas import until

pytestmark = pytest.mark.real_broker

SIZES = Sizes(replication_factor=1, event_partitions=2)
LIMIT_S = 60.0
Unique = Callable[[str], str]


class OffsetTimes:
    """The system's time, put forward."""

    def __init__(self) -> None:
        self.ahead_s = 0

    @staticmethod
    def monotonic_s() -> float:
        return time.monotonic()

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000 + 1000 * self.ahead_s


class Pair(NamedTuple):
    """Two replicas of one registry."""

    topic: str
    one: "Replica"
    other: "Replica"


class Replica:
    """A view and a writer of its own, with clients of their own."""

    def __init__(self, servers: str, topic: str) -> None:
        cluster = Cluster({"bootstrap.servers": servers})
        self.died: list[str] = []
        self.view = RegistryView(cluster, asyncio.get_running_loop(), self.died.append, topic=topic)
        self.times = OffsetTimes()
        self.log = RegistryLog(cluster, topic)
        self.logs = KafkaLogs(cluster)
        self.writer = RegistryWriter(self.view, self.log, self.logs, Plan(SIZES), times=self.times)
        self.view.start()

    async def close(self) -> None:
        await self.writer.close()
        self.view.close()
        assert self.died == []


def with_replicas(broker: Broker, unique: Unique, play: Callable[[Pair], Awaitable[None]]) -> None:
    topic = unique("registry")

    async def run() -> None:
        KafkaLogs(Cluster({"bootstrap.servers": broker.bootstrap_servers})).create(registry_spec(1, topic))
        replicas = [Replica(broker.bootstrap_servers, topic) for _ in range(2)]
        try:
            async with asyncio.timeout(LIMIT_S):
                await play(Pair(topic, *replicas))
        finally:
            for replica in replicas:
                await replica.close()

    asyncio.run(run())


def create(name: str, queue_id: str = "queue-1") -> CreateQueueRequest:
    return CreateQueueRequest(name, queue_id, QueueAttributes(visibility_timeout_s=7))


def test_what_one_replica_made_the_other_knows_when_it_has_caught_up(broker: Broker, unique: Unique) -> None:
    async def play(pair: Pair) -> None:
        name = unique("Orders")
        for number in range(5):
            made = await pair.one.writer.manage(create(f"{name}{number}", f"queue-{number}"))
            assert made == Made(f"queue-{number}")
            await pair.other.view.catch_up()
            entry = pair.other.view.state.queue(f"{name}{number}".upper())
            assert entry is not None
            assert (entry.name, entry.attributes.visibility_timeout_s) == (f"{name}{number}", 7)
        log_id, partitions = pair.one.logs.describe(queue_topic(f"{name}0"))
        entry = pair.other.view.state.queue(f"{name}0")
        assert entry is not None
        assert (entry.topic_id, entry.partitions) == (log_id, partitions)
        assert 0 <= entry.slot < 64

    with_replicas(broker, unique, play)


def test_a_change_reaches_an_idle_replica_by_itself_at_once(broker: Broker, unique: Unique) -> None:
    async def play(pair: Pair) -> None:
        name = unique("queue")
        await pair.one.writer.manage(create(name))
        await pair.other.view.catch_up()
        heard: asyncio.Queue[float] = asyncio.Queue()
        pair.other.view.on_change(lambda _: heard.put_nowait(time.monotonic()))
        lags = []
        for visibility in range(100, 120):
            await pair.one.writer.manage(SetQueueRequest(name, {"visibility_timeout_s": visibility}))
            answered_s = time.monotonic()
            lags.append(await heard.get() - answered_s)
        half_s = sorted(lags)[10]
        assert half_s < registry_view.POLL_S / 2, "found by looking every so often, in place of being woken"

    with_replicas(broker, unique, play)


def test_the_one_that_was_replaced_writes_nothing_and_must_read_first(broker: Broker, unique: Unique) -> None:
    async def play(pair: Pair) -> None:
        name = unique("queue")
        await pair.one.writer.manage(create(name))
        await pair.other.writer.manage(SetQueueRequest(name, {"visibility_timeout_s": 8}))
        with pytest.raises(SlotLostError):
            await pair.one.writer.manage(SetQueueRequest(name, {"visibility_timeout_s": 9}))
        await pair.other.view.catch_up()
        entry = pair.other.view.state.queue(name)
        assert entry is not None
        assert entry.attributes.visibility_timeout_s == 8
        # Asked again, it takes over, with what the other one did before its eyes.
        await pair.one.writer.manage(SetQueueRequest(name, {"polling_wait_s": 3}))
        entry = pair.one.view.state.queue(name)
        assert entry is not None
        assert (entry.attributes.visibility_timeout_s, entry.attributes.polling_wait_s) == (8, 3)

    with_replicas(broker, unique, play)


def test_what_a_killed_writer_left_open_never_shows_and_holds_nobody_up(broker: Broker, unique: Unique) -> None:
    """A transaction that nobody ends hides what lies behind it; whoever takes over ends it at once."""

    async def play(pair: Pair) -> None:
        name = unique("queue")
        config = {"bootstrap.servers": broker.bootstrap_servers, "transactional.id": f"{IDS}{pair.topic}"}
        killed = Producer(config)
        killed.init_transactions(10)
        killed.begin_transaction()
        key, value = encode(Gone("queue", name, 2**40))
        killed.produce(pair.topic, value, key, 0)
        killed.flush(10)
        began_s = time.monotonic()
        await pair.other.writer.manage(create(name))
        await pair.one.view.catch_up()
        assert time.monotonic() - began_s < 5.0  # the brokers would end it after 60 s
        assert isinstance(pair.one.view.state.get(f"queue:{name.lower()}"), QueueEntry)

    with_replicas(broker, unique, play)


def test_the_log_holds_no_record_of_a_replaced_writer_that_compaction_could_keep(
    broker: Broker, unique: Unique
) -> None:
    async def play(pair: Pair) -> None:
        name = unique("queue")
        await pair.one.writer.manage(create(name))
        await pair.other.writer.manage(SetQueueRequest(name, {"visibility_timeout_s": 8}))
        with pytest.raises(SlotLostError):
            await pair.one.writer.manage(SetQueueRequest(name, {"visibility_timeout_s": 9}))
        last = [
            read.value
            for read in read_all(broker.bootstrap_servers, pair.topic)
            if read.key == f"queue:{name}".encode()
        ]
        assert b'"visibility_timeout_s":8' in (last[-1] or b"")
        assert len(last) == 2

    with_replicas(broker, unique, play)


def test_asked_twice_a_queue_is_made_once_and_another_of_that_name_is_refused(broker: Broker, unique: Unique) -> None:
    async def play(pair: Pair) -> None:
        name = unique("queue")
        assert await pair.one.writer.manage(create(name)) == await pair.other.writer.manage(create(name))
        with pytest.raises(CmqError) as caught:
            await pair.other.writer.manage(create(name.upper(), "queue-2"))
        assert caught.value.row is Row.QUEUE_EXISTS

    with_replicas(broker, unique, play)


def test_a_deleted_name_is_being_released_for_half_a_minute_and_then_free(broker: Broker, unique: Unique) -> None:
    async def play(pair: Pair) -> None:
        name = unique("queue")
        await pair.one.writer.manage(create(name))
        before = pair.one.logs.describe(queue_topic(name))[0]
        await pair.one.writer.manage(DeleteQueueRequest(name))
        await until(lambda: queue_topic(name) not in pair.one.logs.existing())
        with pytest.raises(CmqError) as caught:
            await pair.other.writer.manage(create(name, "queue-2"))
        assert caught.value.row is Row.NAME_BEING_RELEASED
        assert await pair.other.writer.manage(AdoptQueueRequest(name)) == Made("")
        pair.other.times.ahead_s = 31
        await pair.other.writer.manage(create(name, "queue-2"))
        entry = pair.other.view.state.queue(name)
        assert entry is not None
        assert entry.topic_id not in {"", before}

    with_replicas(broker, unique, play)


def test_names_that_nobody_makes_again_are_freed_all_the_same(broker: Broker, unique: Unique) -> None:
    async def play(pair: Pair) -> None:
        name = unique("queue")
        await pair.one.writer.manage(create(name))
        await pair.one.writer.manage(DeleteQueueRequest(name))
        await pair.one.writer.tidy()
        assert len(pair.one.view.state.gone()) == 1
        pair.one.times.ahead_s = 31
        await pair.one.writer.tidy()
        assert pair.one.view.state.gone() == []

    with_replicas(broker, unique, play)


def test_a_queue_that_was_made_as_a_kafka_topic_is_taken_over_and_found_when_asked_for(
    broker: Broker, unique: Unique
) -> None:
    async def play(pair: Pair) -> None:
        early, late = unique("early"), unique("late")
        pair.one.logs.create(topic_spec(queue_topic(early), 3, 1, 86_400_000, 3 << 20))
        await until(lambda: queue_topic(early) in pair.one.logs.existing())
        await pair.one.writer.tidy()
        entry = pair.one.view.state.queue(early)
        assert entry is not None
        assert (entry.partitions, entry.topic_id) == (3, pair.one.logs.describe(queue_topic(early))[0])
        pair.one.logs.create(topic_spec(queue_topic(late), 1, 1, 86_400_000, 3 << 20))
        await until(lambda: queue_topic(late) in pair.one.logs.existing())
        assert await pair.one.writer.manage(AdoptQueueRequest(late)) == Made(f"queue:{late}")
        assert await pair.one.writer.manage(AdoptQueueRequest(unique("none"))) == Made("")

    with_replicas(broker, unique, play)


def test_a_topic_and_its_subscriptions_come_and_go(broker: Broker, unique: Unique) -> None:
    async def play(pair: Pair) -> None:
        name, queue = unique("topic"), unique("queue")
        await pair.one.writer.manage(CreateTopicRequest(name, "topic-1", 65_536, 1))
        assert pair.one.logs.describe(f"batch.{name}")[1] == 2
        entry = SubscriptionEntry(name, "s", "subscription-1", "queue", queue)
        with pytest.raises(CmqError) as caught:
            await pair.one.writer.manage(SubscribeRequest(entry))
        assert caught.value.row is Row.NO_QUEUE
        await pair.one.writer.manage(create(queue))
        assert await pair.one.writer.manage(SubscribeRequest(entry)) == Made("subscription-1")
        await pair.other.view.catch_up()
        assert [found.name for found in pair.other.view.state.subscriptions(name)] == ["s"]
        await pair.other.writer.manage(UnsubscribeRequest(name, "s"))
        assert pair.other.view.state.subscriptions(name) == []

    with_replicas(broker, unique, play)


def test_many_who_catch_up_at_once_ask_together(broker: Broker, unique: Unique) -> None:
    async def play(pair: Pair) -> None:
        asked = 0
        ask = pair.one.view._ask

        def counted(done: asyncio.Future[None]) -> None:
            nonlocal asked
            asked += 1
            ask(done)

        pair.one.view._ask = counted  # type: ignore[method-assign]  # counts
        await asyncio.gather(*(pair.one.view.catch_up() for _ in range(500)))
        assert 1 <= asked <= 2

    with_replicas(broker, unique, play)


def test_a_registry_that_was_deleted_and_made_again_is_read_from_its_beginning(broker: Broker, unique: Unique) -> None:
    async def play(pair: Pair) -> None:
        for number in range(3):
            await pair.one.writer.manage(create(f"{unique('queue')}{number}", f"queue-{number}"))
        await pair.other.view.catch_up()
        assert len(pair.other.view.state.queues()) >= 3
        pair.one.logs.delete(pair.topic, time.monotonic() + 60)
        pair.one.logs.create(registry_spec(1, pair.topic))
        await until(lambda: not pair.other.view.state.queues())

    with_replicas(broker, unique, play)


def test_a_writer_that_was_replaced_says_so_and_is_no_fault(
    broker: Broker, unique: Unique, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    topic = unique("registry")
    cluster = Cluster({"bootstrap.servers": broker.bootstrap_servers})
    KafkaLogs(cluster).create(registry_spec(1, topic))
    former, latter = RegistryLog(cluster, topic), RegistryLog(cluster, topic)
    former.open()
    latter.open()
    with pytest.raises(KafkaException):
        former.append([(b"key", b"value")])
    latter.append([(b"key", b"value")])
    assert len(read_all(broker.bootstrap_servers, topic)) == 1
    former.close()
    latter.close()
    said = [record for record in caplog.records if "fenced" in record.getMessage()]
    assert said
    assert {record.levelname for record in said} == {"INFO"}
    assert not [record for record in caplog.records if record.levelname == "CRITICAL"]
