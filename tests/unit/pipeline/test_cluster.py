"""What every client of ours sets, and what the operator may."""

from typing import Any

import pytest

from pipeline.client_properties import CONSUMER_ONLY, PRODUCER_ONLY
from pipeline.cluster import Cluster

SERVERS = {"bootstrap.servers": "a:9092,b:9092"}


def test_the_servers_are_told_as_the_operator_wrote_them() -> None:
    assert Cluster(SERVERS).servers == "a:9092,b:9092"


@pytest.mark.parametrize(
    ("name", "operator", "promised"),
    [
        ("enable.idempotence", False, True),
        ("acks", "1", "all"),
        ("allow.auto.create.topics", True, False),
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
        ("enable.partition.eof", True, False),
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


@pytest.mark.parametrize("name", sorted(CONSUMER_ONLY))
def test_what_is_meant_for_a_consumer_does_not_reach_a_producer(name: str) -> None:
    cluster = Cluster(SERVERS | {name: "x"})
    assert name not in cluster.producer_config()
    assert name not in cluster.transactional_config("id-1")


@pytest.mark.parametrize("name", sorted(PRODUCER_ONLY))
def test_what_is_meant_for_a_producer_does_not_reach_a_consumer(name: str) -> None:
    assert name not in Cluster(SERVERS | {name: "x"}).consumer_config("g")


@pytest.mark.parametrize(
    "name", ["sasl.username", "client.id", "message.max.bytes", "socket.timeout.ms", "client.rack"]
)
def test_what_is_anybodys_reaches_both(name: str) -> None:
    cluster = Cluster(SERVERS | {name: "x"})
    assert cluster.producer_config()[name] == cluster.consumer_config("g")[name] == "x"


@pytest.mark.parametrize("name", ["request.required.acks", "auto.commit.enable", "offset.store.method"])
def test_a_promise_is_not_undone_under_another_name(name: str) -> None:
    """Of two names librdkafka heeds the one that it is given last."""
    for own in ({"acks": "all", name: "0"}, {name: "0", "acks": "all"}):
        cluster = Cluster(SERVERS | own)
        assert name not in cluster.producer_config().keys() | cluster.consumer_config("g").keys()


def test_a_transaction_has_its_own_time_for_a_message() -> None:
    cluster = Cluster(SERVERS | {"message.timeout.ms": 60_000})
    assert cluster.producer_config()["message.timeout.ms"] == 60_000
    assert "message.timeout.ms" not in cluster.transactional_config("id-1")


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


def test_each_member_of_a_process_has_its_own_instance_id_and_no_other_consumer_has_one() -> None:
    cluster = Cluster(SERVERS | {"group.instance.id": "pod-0"})
    ids = [cluster.member_config("g", suffix, print)["group.instance.id"] for suffix in ("", ".redrive")]
    assert ids == ["pod-0", "pod-0.redrive"]
    assert "group.instance.id" not in cluster.consumer_config("g").keys() | cluster.producer_config().keys()


def test_without_the_operators_word_a_member_is_a_dynamic_one() -> None:
    assert "group.instance.id" not in Cluster(SERVERS).member_config("g", ".redrive", print)
