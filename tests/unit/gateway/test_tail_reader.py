"""What the thread of a tail reader makes of changes that reach it late: those of a follow that is over."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pytest
from confluent_kafka import TopicPartition

from adapters.gateway.logs import tail_reader
from adapters.gateway.logs.follow import Follow
from adapters.gateway.logs.tail_reader import QUICK, SLOW, TailReader
from pipeline.cluster import Cluster
from tests.harness.bodies import Heard

if TYPE_CHECKING:
    from adapters.gateway.slot_ports import BodyListener, OnLoop

WHERE = ("cmq.queue.orders", 0)


class FakeConsumer:
    """Knows what it reads, and from where."""

    def __init__(self, _config: object) -> None:
        self.reads: dict[tuple[str, int], int] = {}

    def incremental_assign(self, places: Sequence[TopicPartition]) -> None:
        for one in places:
            assert (one.topic, one.partition) not in self.reads
            self.reads[one.topic, one.partition] = one.offset

    def incremental_unassign(self, places: Sequence[TopicPartition]) -> None:
        for one in places:
            del self.reads[one.topic, one.partition]

    def pause(self, _places: Sequence[TopicPartition]) -> None:
        """Nothing is read here."""

    resume = pause


@pytest.fixture
def readers(monkeypatch: pytest.MonkeyPatch) -> tuple[TailReader, TailReader]:
    """Both readers, without their threads: the test does what those would do, in an order of its own."""
    monkeypatch.setattr(tail_reader, "Consumer", FakeConsumer)
    on_loop: OnLoop = lambda call: call()  # noqa: E731  one of the arguments below
    cluster = Cluster({"bootstrap.servers": "localhost:1"})
    quick, slow = (TailReader(pace, cluster, on_loop, print, lambda *_: None) for pace in (QUICK, SLOW))
    quick._other, slow._other = slow, quick
    return quick, slow


def reads(reader: TailReader) -> dict[tuple[str, int], int]:
    consumer = reader._consumer
    assert isinstance(consumer, FakeConsumer)
    return consumer.reads


def begun(reader: TailReader, offset: int) -> Follow:
    listener: BodyListener = Heard()
    follow = Follow(*WHERE, offset, listener, "", reader)
    reader.changed(follow, offset)
    return follow


def ended(follow: Follow) -> None:
    follow.live = False
    follow.reader.changed(follow)


@pytest.mark.parametrize("taken_up", [False, True])
def test_a_follow_that_was_passed_on_as_it_ended_takes_nothing_from_the_next(
    readers: tuple[TailReader, TailReader], *, taken_up: bool
) -> None:
    quick, slow = readers
    former = begun(slow, 0)
    slow._take_up()
    ended(former)  # and before the slow reader hears of it:
    begun(quick, 7)
    if taken_up:
        quick._take_up()
    slow._pass_on([former])
    quick._take_up()
    slow._take_up()
    assert reads(quick) == {WHERE: 7}
    assert reads(slow) == {}


def test_the_end_of_a_follow_that_was_passed_on_ends_no_other(readers: tuple[TailReader, TailReader]) -> None:
    quick, slow = readers
    former = begun(quick, 0)
    quick._take_up()
    ended(former)  # told to the quick reader, which is just passing it on
    quick._pass_on([former])
    slow._take_up()
    begun(slow, 7)
    slow._take_up()
    quick._take_up()
    slow._take_up()
    assert reads(slow) == {WHERE: 7}
    assert reads(quick) == {}


def test_a_follow_that_was_never_taken_up_leaves_its_predecessor_ended(readers: tuple[TailReader, TailReader]) -> None:
    quick, _ = readers
    former = begun(quick, 0)
    quick._take_up()
    ended(former)
    ended(begun(quick, 7))
    quick._take_up()
    assert reads(quick) == {}
