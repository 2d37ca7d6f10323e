"""Those who ask the brokers about topics ask through one client a process."""

from concurrent.futures import Future
from typing import cast

import pytest
from confluent_kafka import KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined]  # they forgot __all__

from pipeline.log_ends import UNKNOWN, LogEnds
from pipeline.shared_admin import SharedAdmin
from pipeline.topic_access import TopicAccess


class Quiet:
    """A client with nothing queued, as AdminClient is most of the time: its length is 0."""

    def __len__(self) -> int:
        return 0

    def list_topics(self, *_: object, **__: object) -> None:
        raise KafkaException


class Maker:
    def __init__(self, kind: type[Quiet] = Quiet) -> None:
        self._kind = kind
        self.made = 0

    def __call__(self) -> AdminClient:
        self.made += 1
        return cast("AdminClient", self._kind())


def test_the_shared_client_is_made_once() -> None:
    make = Maker()
    shared = SharedAdmin(make)
    assert shared.client() is shared.client()
    assert make.made == 1


def test_one_that_is_of_no_more_use_is_replaced_once() -> None:
    make = Maker()
    shared = SharedAdmin(make)
    former = shared.client()
    shared.replace(former)
    latter = shared.client()
    assert latter is not former
    shared.replace(former)
    assert shared.client() is latter
    assert make.made == 2


@pytest.mark.parametrize("times", [1, 3])
def test_the_client_that_asks_for_rights_is_made_once(times: int) -> None:
    make = Maker()
    access = TopicAccess(make)
    for _ in range(times):
        assert access.refused(["t"]) == set()
    assert make.made == 1


class Behind(Quiet):
    """A client that knows a leader as it was before its broker's restart."""

    def list_offsets(self, wanted: dict[TopicPartition, OffsetSpec], **_: object) -> dict[TopicPartition, Future[None]]:
        answers: dict[TopicPartition, Future[None]] = {}
        for where in wanted:
            answers[where] = Future()
            answers[where].set_exception(KafkaException(KafkaError(KafkaError.FENCED_LEADER_EPOCH)))
        return answers


def test_a_client_whose_knowledge_of_leaders_is_outdated_is_not_asked_again() -> None:
    make = Maker(Behind)
    ends = LogEnds(SharedAdmin(make))
    ends.ask("t", [0, 1])
    assert make.made == 1
    ends.ask("t", [0, 1])
    assert make.made == 2
    assert ends.known("t", 0) == UNKNOWN
