"""What every client of ours sets, and what the operator may."""

from typing import Any

import pytest

from pipeline.cluster import Cluster

SERVERS = {"bootstrap.servers": "a:9092,b:9092"}


def test_the_servers_are_told_as_the_operator_wrote_them() -> None:
    assert Cluster(SERVERS).servers == "a:9092,b:9092"


@pytest.mark.parametrize(
    ("name", "operator", "promised"),
    [
        ("enable.idempotence", False, True),
        ("acks", "1", "all"),
    ],
)
def test_a_producer_keeps_what_a_promise_rests_on(name: str, operator: object, promised: object) -> None:
    assert Cluster(SERVERS | {name: operator}).producer_config()[name] == promised


@pytest.mark.parametrize(
    ("name", "operator", "promised"),
    [
        ("enable.auto.commit", True, False),
        ("enable.auto.offset.store", True, False),
        ("auto.offset.reset", "latest", "error"),
        ("isolation.level", "read_uncommitted", "read_committed"),
        ("allow.auto.create.topics", True, False),
        ("group.id", "mine", "cmq.t.s"),
    ],
)
def test_a_consumer_keeps_what_a_promise_rests_on(name: str, operator: object, promised: object) -> None:
    assert Cluster(SERVERS | {name: operator}).consumer_config("cmq.t.s")[name] == promised


@pytest.mark.parametrize(
    "own", [{"linger.ms": 50}, {"compression.type": "zstd"}, {"queue.buffering.max.kbytes": 1}, {"client.id": "x"}]
)
def test_the_operators_word_wins_over_a_producers_defaults(own: dict[str, Any]) -> None:
    assert Cluster(SERVERS | own).producer_config().items() >= own.items()


@pytest.mark.parametrize(
    "own", [{"session.timeout.ms": 45_000}, {"fetch.max.bytes": 1}, {"client.id": "x"}, {"security.protocol": "SSL"}]
)
def test_the_operators_word_wins_over_a_consumers_defaults(own: dict[str, Any]) -> None:
    assert Cluster(SERVERS | own).consumer_config("g").items() >= own.items()


def test_what_is_meant_for_one_kind_of_client_does_not_reach_the_other() -> None:
    cluster = Cluster(SERVERS | {"session.timeout.ms": 45_000, "linger.ms": 50, "sasl.username": "u"})
    assert "session.timeout.ms" not in cluster.producer_config()
    assert "linger.ms" not in cluster.consumer_config("g")
    assert cluster.producer_config()["sasl.username"] == cluster.consumer_config("g")["sasl.username"] == "u"


def test_the_broker_driven_protocol_is_not_given_what_it_refuses() -> None:
    config = Cluster(SERVERS | {"group.protocol": "consumer"}).consumer_config("g")
    assert not config.keys() & {"session.timeout.ms", "heartbeat.interval.ms", "partition.assignment.strategy"}


def test_an_open_transaction_ends_after_ten_seconds_at_most() -> None:
    config = Cluster(SERVERS).transactional_config("id-1")
    assert (config["transactional.id"], config["transaction.timeout.ms"]) == ("id-1", 10_000)


def test_a_clients_errors_reach_who_asked() -> None:
    def on_error(_error: object) -> None:
        raise AssertionError

    assert Cluster(SERVERS).consumer_config("g", on_error)["error_cb"] is on_error
    assert "error_cb" not in Cluster(SERVERS).consumer_config("g")
