"""A question to the brokers is asked again while leaders move, and no longer than that."""

from collections.abc import Callable

import pytest
from confluent_kafka import KafkaError, KafkaException

from pipeline import asking
from pipeline.asking import ask
from pipeline.cluster import Cluster
from pipeline.errors import AccessRefusedError, PipelineError

CLUSTER = Cluster({"bootstrap.servers": "nowhere:9"})


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "ASK_AGAIN_S", 0)


def failing(*codes: int) -> Callable[[], str]:
    """A question that fails so, then is answered."""
    left = list(codes)

    def question() -> str:
        if left:
            raise KafkaException(KafkaError(left.pop(0)))
        return "42"

    return question


def test_leaders_that_move_are_asked_again_and_each_time_is_told() -> None:
    told: list[KafkaError] = []
    moving = (KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError._TIMED_OUT, KafkaError.COORDINATOR_LOAD_IN_PROGRESS)
    assert ask(CLUSTER, failing(*moving), told.append) == "42"
    assert tuple(error.code() for error in told) == moving


def test_a_refusal_is_an_answer() -> None:
    with pytest.raises(AccessRefusedError):
        ask(CLUSTER, failing(KafkaError.GROUP_AUTHORIZATION_FAILED), lambda _: None)


def test_at_some_time_it_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "ANSWERS_S", 0)
    with pytest.raises(PipelineError, match="_TIMED_OUT"):
        ask(CLUSTER, failing(KafkaError._TIMED_OUT), lambda _: None)
