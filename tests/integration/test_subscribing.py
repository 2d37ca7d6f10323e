"""A subscription begins at its topic's end as it was when it was made, or is not made."""

from collections.abc import Callable
from pathlib import Path

import pytest
from confluent_kafka import Consumer, TopicPartition

from adapters import subscribing
from adapters.subscribing import begin_at_end
from pipeline.cluster import Cluster
from pipeline.errors import PipelineError, TopicMissingError
from pipeline.subscription import HttpPolicy, Protocol, Subscription
from tests.brokers.broker import Broker
from tests.harness.kafka import produce
from tests.integration.setting import Setting

pytestmark = pytest.mark.real_broker


@pytest.fixture
def setting(broker: Broker, unique: Callable[[str], str], tmp_path: Path) -> Setting:
    one = Setting(tmp_path, broker.bootstrap_servers, unique("job-message"))
    one.queue("of-the-file", unique("ops"))
    one.create_topics()
    return one


def http(topic: str) -> Subscription:
    return Subscription(topic, "made", Protocol.HTTP, http=HttpPolicy("http://x.example/"))


def group(setting: Setting) -> Consumer:
    """Commits nothing of its own: what is committed is what is asked about."""
    return Consumer(
        {
            "bootstrap.servers": setting.servers,
            "group.id": f"cmq.{setting.topic}.made",
            "enable.auto.commit": False,
        }
    )


def committed(setting: Setting) -> list[int]:
    consumer = group(setting)
    try:
        parts = [TopicPartition(setting.event_topic, partition) for partition in range(6)]
        return [part.offset for part in consumer.committed(parts, timeout=10)]
    finally:
        consumer.close()


@pytest.mark.parametrize("protocol", Protocol)
def test_the_offsets_are_the_end_of_each_partition(protocol: Protocol, setting: Setting) -> None:
    for partition in (0, 0, 4):
        produce(setting.servers, setting.event_topic, b"before", None, partition)
    one = http(setting.topic)
    if protocol is Protocol.QUEUE:
        one = Subscription(setting.topic, "made", protocol, queue_name="ops")
    ends = begin_at_end(Cluster({"bootstrap.servers": setting.servers}), one, setting.event_topic)
    assert ends == {0: 2, 1: 0, 2: 0, 3: 0, 4: 1, 5: 0}
    assert committed(setting) == [ends[partition] for partition in range(6)]


def test_done_again_it_moves_on(setting: Setting) -> None:
    cluster = Cluster({"bootstrap.servers": setting.servers})
    begin_at_end(cluster, http(setting.topic), setting.event_topic)
    produce(setting.servers, setting.event_topic, b"between", None, 3)
    begin_at_end(cluster, http(setting.topic), setting.event_topic)
    assert committed(setting) == [0, 0, 0, 1, 0, 0]


def test_a_topic_that_is_not_there_is_named(setting: Setting) -> None:
    cluster = Cluster({"bootstrap.servers": setting.servers})
    with pytest.raises(TopicMissingError, match=r"batch\.nowhere"):
        begin_at_end(cluster, http("nowhere"), "batch.nowhere")


def test_members_of_a_former_subscription_that_do_not_leave_keep_their_offsets(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscribing, "LEAVE_S", 1.0)
    cluster = Cluster({"bootstrap.servers": setting.servers})
    begin_at_end(cluster, http(setting.topic), setting.event_topic)
    produce(setting.servers, setting.event_topic, b"text", None, 3)
    member = group(setting)
    try:
        assigned: list[object] = []
        member.subscribe([setting.event_topic], on_assign=lambda _, parts: assigned.extend(parts))
        while not assigned:
            member.poll(0.1)
        with pytest.raises(PipelineError, match="has 1 members still"):
            begin_at_end(cluster, http(setting.topic), setting.event_topic)
    finally:
        member.close()
    assert committed(setting)[3] == 0
