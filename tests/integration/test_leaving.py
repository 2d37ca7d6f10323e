"""A member that ends leaves its group at once, whatever it was about: nobody waits for its session to expire."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from confluent_kafka import Consumer, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from adapters.rewind import members_of
from pipeline.cluster import Cluster
from pipeline.errors import PipelineError
from pipeline.leaving import leave
from pipeline.source import KafkaSource
from tests.brokers.broker import Broker
from tests.contract.stage import KafkaStage
from tests.contract.stage import Member as SourceMember
from tests.harness.command import wait_until
from tests.integration.setting import Setting

pytestmark = pytest.mark.real_broker

NOT_FOR_GOOD = pytest.mark.timeout(60, method="thread")
"""What hangs in librdkafka hears no signal: without this the whole run would hang."""

ANSWER_S = 30.0
SOON_S = 4.0
"""Before a session of 6 s has expired."""

QUICK = {"partition.assignment.strategy": "cooperative-sticky", "heartbeat.interval.ms": 500}
"""The member that stays hears soon of a rebalance, for which the one that leaves has to wait."""


class Group:
    """Of consumers of a topic with one partition, so that all but one of its members have none."""

    def __init__(self, broker: Broker, name: str, protocol: str = "classic") -> None:
        self._cluster = Cluster({"bootstrap.servers": broker.bootstrap_servers, "group.protocol": protocol})
        self._name = name
        self.config = self._cluster.member_config(name, "", lambda _error: None)
        if protocol == "classic":
            self.config |= QUICK
        admin = AdminClient({"bootstrap.servers": broker.bootstrap_servers})
        admin.create_topics([NewTopic(name, 1, 1)])[name].result(ANSWER_S)

    @contextmanager
    def member(self) -> Iterator["Member"]:
        """One that begins to join; closed in the end, if it has not left."""
        one = Member(self.config, self._name)
        try:
            yield one
        finally:
            one.consumer.close()

    def members(self) -> int:
        return members_of(self._cluster, self._name)


class Member:
    """Keeps how many partitions each assignment gave it."""

    def __init__(self, config: dict[str, object], topic: str) -> None:
        self.given: list[int] = []
        self.consumer = Consumer(config)
        self.consumer.subscribe([topic], on_assign=self._on_assign)

    def _on_assign(self, _consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self.given.append(len(partitions))


def becomes(true: Callable[[], bool], what: str, *members: Member) -> None:
    """Poll until it is so."""

    def looked() -> bool:
        for one in members:
            one.consumer.poll(0.02)
        return true()

    wait_until(looked, what, every_s=0.0)


def leaves_at_once(one: Member, group: Group) -> None:
    began_s = time.monotonic()
    leave(one.consumer, group.config)
    assert time.monotonic() - began_s < SOON_S
    wait_until(lambda: group.members() == 1, "only the other to be a member", timeout_s=SOON_S)


def test_a_member_without_partitions_leaves_at_once(broker: Broker, unique: Callable[[str], str]) -> None:
    group = Group(broker, unique("idle"))
    with group.member() as busy:
        becomes(lambda: busy.given == [1], "the first to have the partition", busy)
        with group.member() as idle:
            becomes(lambda: idle.given == [0], "the second to hear that it has none", busy, idle)
            leaves_at_once(idle, group)


def test_a_member_that_is_joining_leaves_at_once(broker: Broker, unique: Callable[[str], str]) -> None:
    group = Group(broker, unique("joining"))
    with group.member() as busy:
        becomes(lambda: busy.given == [1], "the first to have the partition", busy)
        with group.member() as joining:
            becomes(lambda: bool(joining.consumer.memberid()), "the second to be joining", joining)
            leaves_at_once(joining, group)


def test_so_does_a_process_that_is_stopped(broker: Broker, unique: Callable[[str], str], tmp_path: Path) -> None:
    setting = Setting(tmp_path, broker.bootstrap_servers, unique("job-message"))
    setting.config["topics"] |= {"partitions": 1}
    setting.http("billing", "http://127.0.0.1:9/")
    setting.create_topics()
    cluster = Cluster({"bootstrap.servers": broker.bootstrap_servers})
    with setting.run() as busy:
        busy.wait_for_line("partitions_assigned", "[0]")
        with setting.run() as idle:
            idle.wait_for_line("partitions_assigned", "[]")
            assert idle.terminate() == 0
            assert members_of(cluster, f"cmq.{setting.topic}.billing") == 1


@NOT_FOR_GOOD
def test_a_member_whose_partitions_were_taken_from_under_it_leaves_all_the_same(
    broker: Broker, unique: Callable[[str], str]
) -> None:
    """What it is to give back it has no more: that is refused, and librdkafka would wait for good."""
    refused: list[str] = []

    def unassign(consumer: Consumer, partitions: list[TopicPartition]) -> None:
        try:
            consumer.incremental_unassign(partitions)
        except KafkaException as error:
            refused.append(str(error))

    name = unique("taken")
    group = Group(broker, name)
    with group.member() as one:
        one.consumer.subscribe([name], on_assign=one._on_assign, on_revoke=unassign)
        becomes(lambda: one.given == [1], "it to have the partition", one)
        one.consumer.incremental_unassign(one.consumer.assignment())
        leave(one.consumer, group.config)
        wait_until(lambda: group.members() == 0, "nobody to be a member", timeout_s=SOON_S)
    assert refused


@NOT_FOR_GOOD
def test_a_source_that_cannot_begin_again_can_be_closed(
    broker: Broker, unique: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its partitions are taken from it, and where they begin nobody says."""

    def unanswered(_partitions: object) -> None:
        raise PipelineError("no answer")

    stage = KafkaStage(broker.bootstrap_servers, unique)
    source = SourceMember(stage).join().source
    assert isinstance(source, KafkaSource)
    monkeypatch.setattr(source._starts, "of", unanswered)
    with pytest.raises(PipelineError, match="no answer"):
        source.restart()
    began_s = time.monotonic()
    source.close()
    assert time.monotonic() - began_s < SOON_S


def test_with_the_broker_driven_protocol_too(broker: Broker, unique: Callable[[str], str]) -> None:
    group = Group(broker, unique("consumer"), "consumer")
    with group.member() as one, group.member() as other:
        becomes(lambda: group.members() == 2, "both to be members", one, other)
        leaves_at_once(other, group)
