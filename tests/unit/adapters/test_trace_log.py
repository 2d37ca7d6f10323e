"""Attempts become records of the trace topic: one for all whose keys share a partition, and never in anybody's way."""

import logging
import time

import pytest
from prometheus_client import CollectorRegistry

from adapters.attempt_log import FLUSH_S, AttemptLog
from adapters.memory import ManualClock
from adapters.trace_log import KEPT, TraceLog
from adapters.trace_writer import SAY_EVERY_S, TraceWriter
from pipeline.cluster import Cluster
from pipeline.held_record import EVENTS
from pipeline.item import Attempt, Item
from pipeline.metrics import Metrics
from pipeline.outcome import Delivered, Failed, Outcome
from pipeline.ports import DeadLetter, Push, Record
from pipeline.trace_record import MAX_REASON, TraceEntry, read_block, trace_partition

LABEL = "job-message/billing"
STARTED_MS = 1_700_000_000_000


class Written(TraceWriter):
    """Keeps what would be produced: what becomes of that is the real one's to test, below."""

    def __init__(self, partitions: int) -> None:
        self.partitions = partitions
        self.records: list[tuple[int, str, bytes, int]] = []
        self.lost = 0

    def write(self, partition: int, label: str, value: bytes, entries: int) -> None:
        self.records.append((partition, label, value, entries))

    def dropped(self, label: str, entries: int, reason: str) -> None:  # noqa: ARG002  the real one says it
        self.lost += entries

    @property
    def entries(self) -> list[TraceEntry]:
        return [entry for _, _, value, _ in self.records for entry in read_block(value)]


class Rig:
    def __init__(self, partitions: int = 4) -> None:
        self.written = Written(partitions)
        self.clock = ManualClock()
        self.trace = TraceLog(LABEL, EVENTS, self.clock, self.written)
        self.log = AttemptLog(LABEL, 4, self.clock, Metrics(CollectorRegistry()), None, self.trace)

    def add(self, outcome: Outcome, retry_in_s: float | None = None, key: bytes | None = b"job-1") -> Item:
        item = Item(record(key), 1, Push("77", b""))
        self.log.add(Attempt(item, 2, outcome, 0.0123, retry_in_s, STARTED_MS))
        return item

    def flush(self) -> None:
        self.clock.advance(FLUSH_S)


def record(key: bytes | None = b"job-1") -> Record:
    return Record(2, 41, key, b"value", [("ce_specversion", b"1.0"), ("ce_id", b"an-id")], STARTED_MS - 5)


def test_an_attempt_is_written_with_all_that_is_known_of_it() -> None:
    rig = Rig()
    rig.add(Failed("x" * 1_000, 503), retry_in_s=2.0)
    assert not rig.written.records
    rig.flush()
    assert rig.written.entries == [
        TraceEntry(
            STARTED_MS,
            EVENTS,
            2,
            41,
            b"job-1",
            b"an-id",
            "77",
            2,
            "failed",
            503,
            "x" * MAX_REASON,
            12.3,
            STARTED_MS + 2_012,
        )
    ]


def test_what_the_next_attempt_changes_in_the_item_is_not_told_of_the_last_one() -> None:
    rig = Rig()
    item = rig.add(Failed("status 503", 503), retry_in_s=0.05)
    item.attempts, item.last_attempt_ms = 3, STARTED_MS + 60
    rig.flush()
    assert (rig.written.entries[0].attempt, rig.written.entries[0].time_ms) == (2, STARTED_MS)


def test_attempts_of_one_flush_go_as_one_record_a_trace_partition_under_the_subscriptions_label() -> None:
    rig = Rig(partitions=4)
    keys = [b"job-%d" % number for number in range(100)]
    for key in keys:
        rig.add(Delivered(200), key=key)
    rig.flush()
    assert sorted(partition for partition, _, _, _ in rig.written.records) == [0, 1, 2, 3]
    assert {label for _, label, _, _ in rig.written.records} == {LABEL}
    for partition, _, value, count in rig.written.records:
        entries = read_block(value)
        assert len(entries) == count
        assert {trace_partition(entry.key, 4) for entry in entries} == {partition}
    assert sorted(entry.key or b"" for entry in rig.written.entries) == sorted(keys)


def test_a_dead_letter_is_written_with_its_reason_whether_or_not_it_was_attempted() -> None:
    rig = Rig()
    rig.trace.buried([DeadLetter(record(), "expired: older than max_age_s")])
    (entry,) = rig.written.entries
    assert (entry.outcome, entry.attempt, entry.reason) == ("dead letter", 0, "expired: older than max_age_s")
    assert (entry.time_ms, entry.next_try_ms) == (rig.clock.now_ms(), None)


def test_until_the_topic_is_there_the_latest_are_kept_and_the_others_counted() -> None:
    rig = Rig(partitions=0)
    for _ in range(KEPT + 7):
        rig.add(Failed("status 503", 503))
    rig.flush()
    rig.add(Delivered(200))
    rig.flush()
    assert (len(rig.written.records), rig.written.lost) == (0, 8)
    rig.written.partitions = 1
    rig.add(Delivered(201))
    rig.flush()
    assert len(rig.written.entries) == KEPT + 1
    assert [entry.status for entry in rig.written.entries[-2:]] == [200, 201]


def test_what_still_waits_for_the_topic_at_the_end_is_counted() -> None:
    rig = Rig(partitions=0)
    rig.add(Delivered(200))
    rig.flush()
    rig.trace.end()
    rig.trace.end()
    assert rig.written.lost == 1


@pytest.fixture
def unanswered() -> tuple[TraceWriter, CollectorRegistry]:
    registry = CollectorRegistry()
    cluster = Cluster({"bootstrap.servers": "127.0.0.1:1", "log_level": 0, "enable.gapless.guarantee": True})
    return TraceWriter(cluster, Metrics(registry).trace_dropped), registry


def test_without_a_broker_nothing_waits_and_what_is_lost_is_counted_and_said_once(
    unanswered: tuple[TraceWriter, CollectorRegistry], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "adapters.trace_writer")
    writer, registry = unanswered
    began_s = time.monotonic()
    for _ in range(40):
        writer.write(0, LABEL, bytes(200_000), 10)
    assert time.monotonic() - began_s < 1.0, "it waited for room"
    counted = {"subscription": LABEL}
    full = registry.get_sample_value("batch_events_trace_dropped_total", counted)
    assert full is not None
    assert 100 <= full <= 300, "8 MB do not fit into 4 MiB, and some do"
    writer.close(0.1)
    assert time.monotonic() - began_s < 3.0
    assert registry.get_sample_value("batch_events_trace_dropped_total", counted) == 400
    said = [vars(one) for one in caplog.records if one.getMessage() == "trace_dropped"]
    assert [one["reason"] for one in said] == ["the queue is full", "the process ends"]
    assert sum(one["entries"] for one in said) == 400
    assert SAY_EVERY_S > 3.0


def test_a_topic_that_is_missing_is_said_now_and_then_and_taken_up_when_it_is_there(
    unanswered: tuple[TraceWriter, CollectorRegistry], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "adapters.trace_writer")
    writer, _ = unanswered
    for partitions in (0, 0, 6):
        writer.look(partitions)
    writer.close(0.0)
    said = [one.getMessage() for one in caplog.records if one.getMessage().startswith("trace_")]
    assert said == ["trace_topic_missing", "trace_begun"]
    assert writer.partitions == 6
