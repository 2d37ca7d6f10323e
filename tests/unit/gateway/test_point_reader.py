"""What becomes of offsets that are wanted while a broker does not know their topic."""

from collections.abc import Sequence

import pytest
from confluent_kafka import KafkaError, TopicPartition

from adapters.gateway.logs import point_reader
from adapters.gateway.logs.follow import Follow
from adapters.gateway.logs.point_reader import PointReader
from adapters.gateway.logs.tail_reader import QUICK, TailReader
from pipeline.cluster import Cluster
from tests.harness.bodies import Heard

TOPIC = "cmq.queue.orders"


class Told:
    """A message, or an error in its place."""

    def __init__(self, offset: int, code: int | None = None) -> None:
        self._offset = offset
        self._code = code

    def topic(self) -> str:
        return TOPIC

    def partition(self) -> int:
        return 0

    def offset(self) -> int:
        return self._offset

    def error(self) -> KafkaError | None:
        return None if self._code is None else KafkaError(self._code)

    def key(self) -> None:
        return None

    def value(self) -> bytes:
        return b"%d" % self._offset

    def headers(self) -> None:
        return None

    def timestamp(self) -> tuple[int, int]:
        return 1, 1_700_000_000_000


class FakeConsumer:
    """Gives what the test lays out."""

    def __init__(self, _config: object) -> None:
        self.reads: dict[tuple[str, int], int] = {}
        self.told: list[Told] = []

    def incremental_assign(self, places: Sequence[TopicPartition]) -> None:
        self.reads |= {(one.topic, one.partition): one.offset for one in places}

    def incremental_unassign(self, places: Sequence[TopicPartition]) -> None:
        for one in places:
            del self.reads[one.topic, one.partition]

    def poll(self, _timeout_s: float) -> Told | None:
        return self.told.pop(0) if self.told else None

    def consume(self, _count: int, _timeout_s: float) -> list[Told]:
        told, self.told = self.told, []
        return told


class NoThread:
    """The test does what the thread would do."""

    def __init__(self, *_: object) -> None:
        """Nothing is begun."""

    def start(self) -> None:
        """Nothing is done."""


class Scene:
    """A reader in the test's hands."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(point_reader, "Consumer", FakeConsumer)
        monkeypatch.setattr(point_reader, "ClientThread", NoThread)
        self.now_s = 100.0
        monkeypatch.setattr("time.monotonic", lambda: self.now_s)
        cluster = Cluster({"bootstrap.servers": "localhost:1"})
        self.reader = PointReader(cluster, lambda call: call(), print)
        self.consumer: FakeConsumer = self.reader._consumer  # type: ignore[assignment]  # patched above
        self.heard = Heard()
        tail = TailReader(QUICK, cluster, print, print, lambda *_: None)
        self.follow = Follow(TOPIC, 0, 10, self.heard, "", tail)

    def turn(self, *told: Told) -> None:
        self.consumer.told += told
        found: dict[Follow, list[object]] = {}
        self.reader._take_up()
        for message in self.reader._read():
            self.reader._meaning(message, found)  # type: ignore[arg-type]  # all of a message that is looked at
        point_reader._tell(found)  # type: ignore[arg-type]  # as it was filled
        self.reader._place()


def test_what_is_wanted_of_a_topic_that_a_broker_does_not_know_is_asked_for_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scene = Scene(monkeypatch)
    scene.reader.want(scene.follow, [3, 5])
    scene.turn(Told(3))
    scene.turn(Told(4, KafkaError.UNKNOWN_TOPIC_OR_PART))
    assert scene.consumer.reads == {}
    scene.turn()
    assert scene.consumer.reads == {}, "asked again at once"
    scene.now_s += point_reader.AGAIN_S
    scene.turn(Told(5))
    assert scene.heard.offsets == [3, 5]
    assert scene.heard.missing == []
    scene.now_s += point_reader.AGAIN_S
    scene.turn()
    assert scene.consumer.reads == {}


def test_nothing_is_asked_again_for_a_follow_that_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(monkeypatch)
    scene.reader.want(scene.follow, [3])
    scene.turn(Told(3, KafkaError._UNKNOWN_TOPIC))
    scene.follow.live = False
    scene.now_s += point_reader.AGAIN_S
    scene.turn()
    assert scene.consumer.reads == {}
    assert scene.reader._waiting == {}
