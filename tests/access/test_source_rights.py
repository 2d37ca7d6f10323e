"""A source whose topic is refused it, by a broker, begins where its group is once the right is given back."""

from collections.abc import Callable, Iterator

import pytest

from adapters.access import Kind, Operation, Right
from pipeline.cluster import Cluster
from pipeline.ports import Commit, Record
from pipeline.source import KafkaSource
from pipeline.subscription import Start as StartAt
from tests.access.rights import Rights
from tests.brokers.guarded import GuardedCluster, guarded_cluster
from tests.contract.stage import PARTITIONS, Heard, KafkaStage
from tests.harness.command import wait_until

pytestmark = [pytest.mark.native_cluster, pytest.mark.timeout(120, method="thread")]

GROUPS = {
    "cooperative": {"partition.assignment.strategy": "cooperative-sticky"},
    "eager": {"partition.assignment.strategy": "range"},
    "broker-driven": {"group.protocol": "consumer"},
}


@pytest.fixture(scope="module")
def guarded() -> Iterator[GuardedCluster]:
    with guarded_cluster() as cluster:
        yield cluster


@pytest.mark.parametrize("refusal", ["new", "kept by the client"])
@pytest.mark.parametrize("group", GROUPS)
def test_refused_when_it_begins_again_it_goes_on_where_it_was(
    group: str, refusal: str, guarded: GuardedCluster, unique: Callable[[str], str]
) -> None:
    stage = KafkaStage(guarded.bootstrap_servers, unique)
    for partition in range(PARTITIONS):
        for value in (b"0", b"1"):
            stage.append(stage.events, partition, b"key", value)
    rights = Rights(guarded)
    of_group = [Right(Kind.GROUP, stage.group, Operation.READ)]
    of_topic = [Right(Kind.TOPIC, stage.events, one) for one in (Operation.READ, Operation.DESCRIBE)]
    rights.only(of_group + of_topic)
    heard, told = Heard(), list[str | None]()
    cluster = Cluster(guarded.as_user() | GROUPS[group])
    source = KafkaSource(cluster, stage.events, stage.group, StartAt(), heard, told.append)

    def poll_until(true: Callable[[], bool], what: str) -> None:
        def polled() -> bool:
            assert source.poll(100, 0.02) == []  # its partitions begin paused
            return true()

        wait_until(polled, what, 60.0, 0.0)

    poll_until(lambda: len(heard.starts) == PARTITIONS, "its partitions")
    source.commit({partition: Commit(1, "") for partition in range(PARTITIONS)})
    poll_until(lambda: heard.verdicts == [True], "its commit")

    rights.only(of_group)
    source.restart()
    if refusal == "kept by the client":
        source._consumer.list_topics(stage.events, timeout=10)
    poll_until(lambda: any(told) and "TOPIC_AUTHORIZATION_FAILED" in str(told), "it to say so")
    heard.starts.clear()
    rights.give(of_topic)
    poll_until(lambda: len(heard.starts) == PARTITIONS, "its partitions to begin")
    assert {partition: start.offset for partition, start in heard.starts.items()} == dict.fromkeys(range(PARTITIONS), 1)
    source.set_paused(set())
    records: list[Record] = []

    def all_read() -> bool:
        records.extend(source.poll(100, 0.1))
        return len(records) >= PARTITIONS

    wait_until(all_read, "the rest", 30.0, 0.0)
    assert [record.value for record in records] == [b"1"] * PARTITIONS
    assert told[-1] is None
    source.close()
