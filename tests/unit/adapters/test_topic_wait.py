"""A subscription waits for its topics: it says what is missing, shows that it lives, and hears the end."""

import threading
from collections.abc import Iterator

import pytest

from adapters import topic_wait
from adapters.embedded import EmbeddedCluster
from adapters.topic_wait import TopicWait
from pipeline.cluster import Cluster
from pipeline.health import Health, Vital
from pipeline.stop import StopRequest
from tests.harness.command import wait_until

NOWHERE = "127.0.0.1:1"


@pytest.fixture(scope="module")
def servers() -> Iterator[str]:
    with EmbeddedCluster() as cluster:
        for topic in ("batch.there", "cmq.there.one.dead-letter"):
            cluster.create(topic)
        yield cluster.bootstrap_servers


class Waiting:
    """Threads that wait for topics."""

    def __init__(self, servers: str, count: int, topics: list[str]) -> None:
        self.stop = StopRequest(5.0)
        self.health = Health()
        self.vitals = [self.health.vital(f"job-message/{number}") for number in range(count)]
        self.results: list[bool] = []
        wait = TopicWait(Cluster({"bootstrap.servers": servers, "log_level": 0}), self.stop)
        self.threads = [threading.Thread(target=self._wait, args=(wait, topics, vital)) for vital in self.vitals]
        for thread in self.threads:
            thread.start()

    def _wait(self, wait: TopicWait, topics: list[str], vital: Vital) -> None:
        self.results.append(wait.until_there(topics, vital))

    def join(self, timeout_s: float = 10.0) -> None:
        for thread in self.threads:
            thread.join(timeout_s)
        assert not any(thread.is_alive() for thread in self.threads)


def test_topics_that_are_there_are_not_waited_for(servers: str) -> None:
    waiting = Waiting(servers, 3, ["batch.there", "cmq.there.one.dead-letter"])
    waiting.join()
    assert waiting.results == [True] * 3
    assert waiting.health.not_ready() == [vital.name for vital in waiting.vitals], "waiting for its partitions still"


def test_all_that_are_missing_are_named_with_the_command_that_creates_them(
    servers: str, caplog: pytest.LogCaptureFixture
) -> None:
    waiting = Waiting(servers, 1, ["batch.gone", "batch.there", "cmq.gone.one.dead-letter"])
    wait_until(lambda: bool(caplog.records), "a line about it")
    waiting.stop.request()
    waiting.join()
    (record,) = [record for record in caplog.records if record.message == "not_ready"]
    assert record.__dict__["subscription"] == "job-message/0"
    assert record.__dict__["reason"] == (
        "Kafka has no topics 'batch.gone', 'cmq.gone.one.dead-letter'; "
        "`batch-events topics --apply` creates those of the configuration"
    )
    assert waiting.results == [False]


def test_one_that_is_missing_is_named_alone() -> None:
    command = "`batch-events topics --apply` creates those of the configuration"
    assert topic_wait._missing(["b"]) == f"Kafka has no topic 'b'; {command}"
    assert topic_wait._missing([]) is None


def test_a_topic_that_comes_ends_the_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(topic_wait, "ASK_EVERY_S", 0.02)
    with EmbeddedCluster() as cluster:
        waiting = Waiting(cluster.bootstrap_servers, 2, ["batch.late"])
        wait_until(lambda: waiting.health.not_ready() != [], "waiting")
        cluster.create("batch.late")
        waiting.join()
    assert waiting.results == [True, True]


def test_many_that_wait_for_an_unreachable_broker_all_show_that_they_live(monkeypatch: pytest.MonkeyPatch) -> None:
    """A question that nobody answers takes its time; asked by one after the other it would take a minute."""
    monkeypatch.setattr(topic_wait, "ANSWER_S", 0.1)
    monkeypatch.setattr(topic_wait, "ASK_EVERY_S", 0.05)
    waiting = Waiting(NOWHERE, 40, ["batch.there"])
    for _ in range(2):
        for vital in waiting.vitals:
            vital._turned_s = 0.0
        wait_until(lambda: all(vital._turned_s > 0.0 for vital in waiting.vitals), "all turn again", timeout_s=2.0)
    assert len(waiting.health.not_ready()) == 40
    waiting.stop.request()
    waiting.join(2.0)
    assert waiting.results == [False] * 40


def test_an_unreachable_broker_is_named(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(topic_wait, "ANSWER_S", 0.1)
    waiting = Waiting(NOWHERE, 1, ["batch.there"])
    wait_until(lambda: bool(caplog.records), "a line about it")
    waiting.stop.request()
    waiting.join()
    assert caplog.records[0].__dict__["reason"].startswith(f"no broker answers at {NOWHERE}: ")


def test_what_keeps_it_waiting_is_said_once_and_not_at_every_turn(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, servers: str
) -> None:
    monkeypatch.setattr(topic_wait, "ASK_EVERY_S", 0.01)
    waiting = Waiting(servers, 1, ["batch.gone"])
    for _ in range(5):
        waiting.vitals[0]._turned_s = 0.0
        wait_until(lambda: waiting.vitals[0]._turned_s > 0.0, "a turn")
    waiting.stop.request()
    waiting.join()
    assert [record.message for record in caplog.records].count("not_ready") == 1
