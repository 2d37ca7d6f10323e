"""The Kafka topics that a configuration needs: which, how many partitions, and what they keep."""

from pathlib import Path

from adapters.provision import needed
from tests.unit.adapters.configurations import HTTP, QUEUE, load, tree

MIB = 1 << 20
DAY_MS = 86_400_000


def test_one_event_topic_a_cmq_topic_one_queue_topic_a_queue_dead_letters_for_all_held_keys_for_http(
    tmp_path: Path,
) -> None:
    other = QUEUE | {"topic": "node-message", "name": "ops-queue", "endpoint": "ops"}
    specs = needed(load(tmp_path, tree(QUEUE, HTTP, other)))
    assert [spec.name for spec in specs] == [
        "batch.job-message",
        "cmq.queue.ops",
        "cmq.job-message.ops-queue.dead-letter",
        "cmq.job-message.billing.held",
        "cmq.job-message.billing.dead-letter",
        "batch.node-message",
        "cmq.node-message.ops-queue.dead-letter",
    ]


def test_topics_are_as_the_defaults_say(tmp_path: Path) -> None:
    events, queue, letters = needed(load(tmp_path, tree(QUEUE)))
    assert [spec.partitions for spec in (events, queue, letters)] == [6, 1, 6]
    assert {spec.replication_factor for spec in (events, queue, letters)} == {3}
    kept_ms = [int(spec.config["retention.ms"]) for spec in (events, queue, letters)]
    assert kept_ms == [3 * DAY_MS, 4 * DAY_MS, 14 * DAY_MS]
    assert {spec.config["min.insync.replicas"] for spec in (events, queue, letters)} == {"2"}


def test_what_an_event_becomes_fits_where_it_goes(tmp_path: Path) -> None:
    events, queue, letters = (int(spec.config["max.message.bytes"]) for spec in needed(load(tmp_path, tree(QUEUE))))
    assert events == MIB
    assert queue >= events * 4 // 3 + MIB, "Base64 of JSON"
    assert letters > events, "the record and our headers"


def test_topics_are_as_the_configuration_says(tmp_path: Path) -> None:
    config = tree(
        QUEUE,
        topics={"prefix": "x.", "partitions": 12, "replication_factor": 1, "retention_s": 60},
        queues={"partitions": 3, "retention_s": 120},
        dead_letters={"retention_s": 180},
    )
    events, queue, letters = needed(load(tmp_path, config))
    assert events.name == "x.job-message"
    assert [spec.partitions for spec in (events, queue, letters)] == [12, 3, 12]
    assert [spec.config["retention.ms"] for spec in (events, queue, letters)] == ["60000", "120000", "180000"]
    assert {spec.config["min.insync.replicas"] for spec in (events, queue, letters)} == {"1"}


def test_without_subscriptions_no_topic_is_needed(tmp_path: Path) -> None:
    assert needed(load(tmp_path, tree())) == []


def test_one_topic_for_the_traces_of_all_as_soon_as_somebody_traces(tmp_path: Path) -> None:
    traced = [HTTP | {"name": name, "trace": True} for name in ("billing", "audit")]
    names = [spec.name for spec in needed(load(tmp_path, tree(QUEUE, *traced)))]
    assert names.count("cmq.trace") == 1
    assert "cmq.trace" not in [spec.name for spec in needed(load(tmp_path, tree(QUEUE, HTTP)))]
    more = {"partitions": 3, "retention_s": 3600}
    trace = needed(load(tmp_path, tree(*traced, trace=more)))[-1]
    assert (trace.name, trace.partitions, trace.config["retention.ms"]) == ("cmq.trace", 3, "3600000")
    assert needed(load(tmp_path, tree(*traced)))[-1].config["retention.ms"] == str(3 * DAY_MS)
