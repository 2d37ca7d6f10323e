"""A source that may not know where its partitions begin goes on once it may; meanwhile its group goes on."""

from collections.abc import Callable, Sequence

import pytest

from pipeline.cluster import Cluster
from pipeline.errors import AccessRefusedError
from pipeline.ports import Start
from pipeline.source import KafkaSource
from tests.brokers.broker import Broker
from tests.contract.stage import PARTITIONS, KafkaStage, Member
from tests.harness.command import wait_until

pytestmark = [pytest.mark.real_broker, pytest.mark.timeout(60, method="thread")]


class Guarded:
    """A member, and whether it may ask where it begins."""

    def __init__(self, stage: KafkaStage) -> None:
        self.allowed = True
        self.told: list[str | None] = []
        self.member = Member(stage)
        self.heard = self.member.heard
        source = self.member.source
        assert isinstance(source, KafkaSource)
        source._on_error = self.told.append
        self.source = source
        self._of = source._starts.of
        source._starts.of = self._guarded  # type: ignore[method-assign]  # a broker that refuses

    def _guarded(self, partitions: Sequence[int]) -> dict[int, Start]:
        if not self.allowed:
            raise AccessRefusedError("refused")
        return self._of(partitions)

    def poll_until(self, true: Callable[[], bool], what: str) -> None:
        def polled() -> bool:
            assert self.source.poll(100, 0.02) == [] or self.allowed
            return true()

        wait_until(polled, what, 30.0, 0.0)


GROUPS = {
    "cooperative": {"partition.assignment.strategy": "cooperative-sticky"},
    "eager": {"partition.assignment.strategy": "range"},
    "broker-driven": {"group.protocol": "consumer"},
}


@pytest.fixture(params=GROUPS)
def stage(request: pytest.FixtureRequest, broker: Broker, unique: Callable[[str], str]) -> KafkaStage:
    stage = KafkaStage(broker.bootstrap_servers, unique)
    stage._cluster = Cluster({"bootstrap.servers": broker.bootstrap_servers, **GROUPS[request.param]})
    for partition in range(PARTITIONS):
        stage.append(stage.events, partition, b"key", b"value")
    return stage


def begins(one: Guarded) -> None:
    """It is told each partition, that all is well, and reads from the beginning."""
    one.heard.starts.clear()
    one.told.clear()
    one.allowed = True
    one.poll_until(lambda: len(one.heard.starts) == PARTITIONS, "its partitions to begin")
    assert one.told == [None]
    one.source.set_paused(set())
    records = one.member.read(lambda records: len(records) == PARTITIONS)
    assert [(record.offset, record.value) for record in records] == [(0, b"value")] * PARTITIONS
    one.source.close()


def test_refused_when_it_is_given_partitions_it_says_so_and_begins_once_it_may(stage: KafkaStage) -> None:
    one = Guarded(stage)
    one.allowed = False
    one.poll_until(lambda: one.told.count("refused") > 1, "it to be refused twice")
    assert one.heard.starts == {}
    begins(one)


def test_refused_when_it_begins_again_it_has_lost_them_until_it_may(stage: KafkaStage) -> None:
    one = Guarded(stage)
    one.poll_until(lambda: len(one.heard.starts) == PARTITIONS, "its partitions")
    one.allowed = False
    one.source.restart()
    assert one.heard.revoked == [set(range(PARTITIONS))]
    one.poll_until(lambda: one.told.count("refused") > 1, "it to be refused twice")
    begins(one)


def test_where_its_listener_may_not_know_enough_nothing_begins_until_it_may(
    stage: KafkaStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when the topic of held keys is refused."""
    one = Guarded(stage)
    hear, refusals = one.heard.on_assigned, iter(range(2))

    def refused(starts: dict[int, Start]) -> None:
        if next(refusals, None) is not None:
            raise AccessRefusedError("held keys")
        hear(starts)

    monkeypatch.setattr(one.heard, "on_assigned", refused)
    one.poll_until(lambda: len(one.told) == 2, "it to be refused twice")
    assert one.told == ["held keys"] * 2
    begins(one)


def test_meanwhile_others_may_have_them(stage: KafkaStage) -> None:
    one = Guarded(stage)
    one.poll_until(lambda: len(one.heard.starts) == PARTITIONS, "its partitions")
    one.allowed = False
    one.source.restart()
    one.heard.revoked.clear()
    other = Guarded(stage)

    def shared() -> bool:
        other.source.poll(1, 0.02)
        return len(other.heard.starts) == 1

    one.poll_until(shared, "the other to have its share")
    one.source.close()
    other.poll_until(lambda: len(other.heard.starts) == PARTITIONS, "the other to have all")
    other.source.close()
    assert not set().union(*one.heard.revoked), "it was told to give back what it had lost"
