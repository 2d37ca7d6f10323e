"""What /metrics says of a subscription that delivers, holds a key, and has not read all: scraped from outside."""

from collections.abc import Callable
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from pipeline.metrics import SPECS
from tests.brokers.broker import Broker
from tests.harness.command import Running, invoke, wait_until
from tests.harness.conduct import hang
from tests.harness.sink import Conduct, Sink
from tests.integration.changes import job_line, text_of
from tests.integration.setting import Setting

pytestmark = pytest.mark.real_broker


class Scrape:
    """One answer of /metrics."""

    def __init__(self, running: Running) -> None:
        status, text = running.probe("/metrics")
        assert status == 200
        self.samples = {
            (sample.name.removeprefix("batch_events_"), *sorted(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name.startswith("batch_events_")
        }
        self.names = {str(name) for name, *_ in self.samples}

    def of(self, subscription: str, name: str, **labels: str) -> float:
        """A value; not a number, which equals nothing, where there is none (yet)."""
        return self.samples.get((name, *sorted({"subscription": subscription, **labels}.items())), float("nan"))


def until(running: Running, what: str, true: Callable[[Scrape], bool]) -> Scrape:
    """Scrape until it is so; the scrape that said so."""
    scrapes: list[Scrape] = []

    def looked() -> bool:
        scrapes.append(Scrape(running))
        return true(scrapes[-1])

    wait_until(looked, what, alive=[running])
    return scrapes[-1]


def test_a_held_key_a_delivered_event_and_an_empty_log_are_told_as_they_are(
    broker: Broker, unique: Callable[[str], str], tmp_path: Path
) -> None:
    refusing = [True]

    def answer(_path: str, msg_id: str, _attempt: int) -> int:
        first = sink.requests[0].msg_id
        return 503 if refusing[0] and msg_id == first else 200

    with Sink(answer) as sink:
        setting = Setting(tmp_path, broker.bootstrap_servers, unique("job-message"))
        setting.http("billing", sink.url("/json"), retry_schedule_s=[20.0])
        setting.queue("ops-queue", unique("ops"))
        setting.create_topics()
        billing, queue = f"{setting.topic}/billing", f"{setting.topic}/ops-queue"
        assert setting.publish(text_of(job_line("job-held"))).status == 0
        with setting.run() as running:
            held = until(
                running,
                "the held key, which is settled",
                lambda one: one.of(billing, "held_keys") == 1 and one.of(billing, "lag") == 0,
            )
            assert setting.publish(text_of(job_line("job-2"), job_line("job-held", "SUCCEED", "RUNNING"))).status == 0
            one = until(
                running,
                "the other one",
                lambda one: (
                    (one.of(billing, "delivered_total"), one.of(queue, "delivered_total")) == (1, 3)
                    and one.of(billing, "lag") == one.of(queue, "lag") == 0
                    and one.of(queue, "oldest_undelivered_seconds") == 0
                ),
            )
            refusing[0] = False
            released = until(
                running,
                "all of it",
                lambda one: one.of(billing, "delivered_total") == 3 and one.of(billing, "held_keys") == 0,
            )
            told = until(running, "the end", lambda one: one.of(billing, "oldest_undelivered_seconds") == 0)
            assert running.terminate() == 0

    assert {name for name in one.names if not name.endswith("_created")} == exported_names()
    assert one.of(billing, "held_keys_fullest_partition") == 1
    assert 0 < held.of(billing, "oldest_undelivered_seconds") < one.of(billing, "oldest_undelivered_seconds") < 60
    assert one.of(billing, "attempts_total", outcome="failed") == 1
    assert one.of(billing, "attempts_total", outcome="delivered") == 1
    assert one.of(billing, "transactions_total", verdict="committed") >= 1
    assert one.of(queue, "transactions_total", verdict="committed") >= 1
    assert one.of(billing, "transactions_total", verdict="aborted") == 0
    for label in (billing, queue):
        assert one.of(label, "ready") == 1
        assert one.of(label, "rebalances_total", change="assigned") >= 1
        assert one.of(label, "rebalances_total", change="lost") == 0
        assert one.of(label, "loop_turn_seconds_count") > 0
        assert one.of(label, "commit_age_seconds") < 5
    assert one.of(queue, "end_to_end_seconds_count") == 3
    assert one.of(billing, "end_to_end_seconds_count") == 1
    assert 0 < one.of(billing, "end_to_end_seconds_sum") < 10
    assert [one.of(billing, "breaker_state", state=state) for state in ("closed", "open", "parked")] == [1, 0, 0]
    assert released.of(billing, "end_to_end_seconds_bucket", le="5.0") == 1, "the held one and its follower took longer"
    assert told.of(billing, "attempts_total", outcome="delivered") == 3


def exported_names() -> set[str]:
    """All that SPECS says, as Prometheus has it."""
    names: set[str] = set()
    for spec in SPECS.values():
        suffixes = ("_bucket", "_sum", "_count") if spec.kind == "histogram" else ("",)
        names |= {spec.name + suffix for suffix in suffixes}
    return names


def test_what_lies_in_the_log_unread_is_lag_and_has_an_age(
    broker: Broker, unique: Callable[[str], str], tmp_path: Path
) -> None:
    def answer(_path: str, _msg_id: str, _attempt: int) -> int | Conduct:
        return hang

    with Sink(answer) as sink:
        setting = Setting(tmp_path, broker.bootstrap_servers, unique("job-message"))
        setting.config["topics"]["partitions"] = 1
        setting.http("billing", sink.url("/json"), concurrency=2, timeout_s=120)
        setting.create_topics()
        billing = f"{setting.topic}/billing"
        jobs = 4_000
        with setting.run() as running:
            running.wait_for_line("partitions_assigned")
            assert setting.publish(text_of(*(job_line(f"job-{number}") for number in range(jobs)))).status == 0
            stuck = until(running, "the lag", lambda one: one.of(billing, "lag") == jobs)
            assert 0 < stuck.of(billing, "outstanding") < jobs, "the rest is in the log alone"
            assert stuck.of(billing, "in_flight") == 2
            assert setting.publish(text_of(*(job_line(f"later-{number}") for number in range(10)))).status == 0
            until(running, "what came while nothing is fetched", lambda one: one.of(billing, "lag") == jobs + 10)
            later = until(
                running,
                "time to pass",
                lambda one: (
                    one.of(billing, "oldest_undelivered_seconds") > stuck.of(billing, "oldest_undelivered_seconds") + 2
                ),
            )
            assert later.of(billing, "delivered_total") == 0
            sink.release()
            sink.answer = lambda *_: 200
            done = until(
                running,
                "all of it",
                lambda one: one.of(billing, "lag") == 0 and one.of(billing, "delivered_total") == jobs + 10,
            )
            assert done.of(billing, "outstanding") == done.of(billing, "ledger_gap") == 0
            until(running, "no age", lambda one: one.of(billing, "oldest_undelivered_seconds") == 0)
            assert running.terminate() == 0


def test_what_was_redriven_leaves_no_lag_and_no_age_behind_in_the_log_that_transactions_have_written(
    broker: Broker, unique: Callable[[str], str], tmp_path: Path
) -> None:
    mended = [False]
    with Sink(lambda *_: 200 if mended[0] else 500) as sink:
        setting = Setting(tmp_path, broker.bootstrap_servers, unique("job-message"))
        setting.http("billing", sink.url("/json"), retry_schedule_s=[])
        setting.create_topics()
        billing = f"{setting.topic}/billing"
        assert setting.publish(text_of(*(job_line(f"job-{number}") for number in range(9)))).status == 0
        with setting.run() as running:
            until(running, "the dead letters", lambda one: one.of(billing, "dead_letters_total") == 9)
            mended[0] = True
            assert invoke("dead-letters", "redrive", billing, "--config", setting.file).status == 0
            told = until(running, "what was redriven", lambda one: one.of(billing, "delivered_total") == 9)
            assert told.of(billing, "end_to_end_seconds_count") == 9
            assert told.of(billing, "rebalances_total", change="assigned") >= 2, "each input has its own"
            until(
                running,
                "nothing to wait",
                lambda one: one.of(billing, "lag") == one.of(billing, "oldest_undelivered_seconds") == 0,
            )
            assert running.terminate() == 0
        with setting.run() as running:
            until(running, "both inputs", lambda one: one.of(billing, "rebalances_total", change="assigned") >= 2)
            until(
                running,
                "nothing to wait",
                lambda one: (
                    one.of(billing, "ready") == 1
                    and one.of(billing, "lag") == one.of(billing, "oldest_undelivered_seconds") == 0
                ),
            )
            assert running.terminate() == 0


def test_an_endpoint_that_is_gone_parks_its_breaker_and_its_events_age(
    broker: Broker, unique: Callable[[str], str], tmp_path: Path
) -> None:
    with Sink(lambda *_: 410) as sink:
        setting = Setting(tmp_path, broker.bootstrap_servers, unique("job-message"))
        setting.http("billing", sink.url("/json"))
        setting.create_topics()
        billing = f"{setting.topic}/billing"
        assert setting.publish(text_of(job_line("job-1"), job_line("job-2"))).status == 0
        with setting.run() as running:
            parked = until(
                running,
                "the pause",
                lambda one: (
                    one.of(billing, "breaker_state", state="parked") == 1
                    and one.of(billing, "lag") == 2
                    and one.of(billing, "attempts_total", outcome="gone") >= 1
                ),
            )
            assert parked.of(billing, "breaker_state", state="closed") == 0
            until(running, "age", lambda one: one.of(billing, "oldest_unsettled_seconds") > 5)
            assert running.terminate() == 0
