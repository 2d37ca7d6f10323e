"""A call of the client that never returns is left behind."""

import threading

import pytest
from confluent_kafka import KafkaError, KafkaException

from pipeline import transactions as module
from pipeline.cluster import Cluster
from pipeline.transactions import KafkaTransactions


def transactions() -> KafkaTransactions:
    return KafkaTransactions(Cluster({"bootstrap.servers": "nowhere:9"}), "group", lambda: True)


def test_a_call_that_does_not_return_fails_and_is_not_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ANSWER_S", 0.01)
    monkeypatch.setattr(module, "SLACK_S", 0.01)
    never, calls = threading.Event(), []

    def call() -> None:
        calls.append(1)
        never.wait()

    with pytest.raises(KafkaException, match="does not return"):
        transactions()._retried(call)
    assert calls == [1]
    never.set()


def test_what_a_call_raises_is_raised() -> None:
    def call() -> None:
        raise KafkaException(KafkaError(KafkaError.UNKNOWN_PRODUCER_ID))

    with pytest.raises(KafkaException, match="UNKNOWN_PRODUCER_ID"):
        transactions()._retried(call)
