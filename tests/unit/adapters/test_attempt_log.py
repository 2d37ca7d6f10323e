"""One `delivery_attempted` line an attempt, with the documented fields, and the counts of attempts."""

import io
import json
import logging
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from adapters.attempt_log import FIELDS, FLUSH_S, SAY_EVERY_S, AttemptLog
from adapters.logs import LineWriter
from adapters.memory import ManualClock
from pipeline.item import Attempt, Item
from pipeline.metrics import Metrics
from pipeline.outcome import Abandoned, Delivered, Failed, Outcome, Unsent
from pipeline.ports import Push, Record

DOCUMENTED = [
    "subscription",
    "partition",
    "offset",
    "key",
    "msg_id",
    "attempt",
    "attempts_allowed",
    "outcome",
    "status",
    "reason",
    "duration_ms",
    "retry_in_s",
]


class Rig:
    def __init__(self, level: int = logging.INFO) -> None:
        self.stream = io.StringIO()
        self.clock = ManualClock()
        self.registry = CollectorRegistry()
        logging.getLogger("adapters.attempt_log").setLevel(level)
        writer = LineWriter("json", self.stream)
        self.log = AttemptLog("job-message/billing", 4, self.clock, Metrics(self.registry), writer)

    def add(self, outcome: Outcome, retry_in_s: float | None = None, key: bytes | None = b"job-1") -> None:
        item = Item(Record(2, 41, key, b"", [], 0), 1, Push("77", b""))
        self.log.add(Attempt(item, 1, outcome, 0.01234, retry_in_s))

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.stream.getvalue().splitlines()]

    def count(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(name, {"subscription": "job-message/billing"} | labels)


@pytest.fixture(autouse=True)
def _level() -> Any:
    yield
    logging.getLogger("adapters.attempt_log").setLevel(logging.NOTSET)


def test_the_fields_are_the_documented_ones() -> None:
    assert list(FIELDS) == DOCUMENTED


@pytest.mark.parametrize(
    ("outcome", "told"),
    [
        (Delivered(204), {"outcome": "delivered", "status": 204, "reason": None}),
        (Failed("status 503", 503), {"outcome": "failed", "status": 503, "reason": "status 503"}),
        (Failed("connection refused"), {"outcome": "failed", "status": None, "reason": "connection refused"}),
        (Unsent("no descriptor"), {"outcome": "unsent", "status": None, "reason": "no descriptor"}),
        (Abandoned(), {"outcome": "abandoned", "status": None, "reason": None}),
    ],
)
def test_a_line_has_every_field_in_its_order_whatever_the_outcome(outcome: Outcome, told: dict[str, Any]) -> None:
    rig = Rig()
    rig.add(outcome, 2.0)
    rig.log.flush()
    (line,) = rig.lines
    assert list(line) == ["time", "level", "event", *DOCUMENTED]
    assert (line["level"], line["event"]) == ("INFO", "delivery_attempted")
    expected = {"subscription": "job-message/billing", "partition": 2, "offset": 41, "key": "job-1", "msg_id": "77"}
    expected |= {"attempt": 1, "attempts_allowed": 4, "duration_ms": 12.3, "retry_in_s": 2.0}
    assert {name: line[name] for name in DOCUMENTED} == expected | told


def test_a_key_may_be_missing_or_no_text() -> None:
    rig = Rig()
    rig.add(Delivered(200), key=None)
    rig.add(Delivered(200), key=b"\xff\n")
    rig.log.flush()
    assert [line["key"] for line in rig.lines] == [None, "\ufffd\n"]


def test_lines_come_together_shortly_after_the_first_attempt() -> None:
    rig = Rig()
    rig.add(Delivered(200))
    rig.add(Delivered(200))
    assert not rig.lines
    rig.clock.advance(FLUSH_S)
    assert len(rig.lines) == 2
    rig.add(Delivered(200))
    rig.clock.advance(FLUSH_S)
    assert len(rig.lines) == 3


def test_attempts_are_counted_by_outcome() -> None:
    rig = Rig()
    for outcome in (Delivered(200), Delivered(201), Failed("status 500", 500), Abandoned()):
        rig.add(outcome)
    rig.log.flush()
    counts = {
        name: rig.count("batch_events_attempts_total", outcome=name) for name in ("delivered", "failed", "abandoned")
    }
    assert counts == {"delivered": 2, "failed": 1, "abandoned": 1}
    assert rig.count("batch_events_delivered_total") == 2
    assert rig.count("batch_events_attempt_seconds_count") == 4


def test_the_way_of_an_event_is_timed_from_its_publish_to_its_acceptance_however_late_it_is_counted() -> None:
    rig = Rig()
    published_ms = rig.clock.now_ms()
    rig.clock.advance(3.0)
    item = Item(Record(2, 41, b"job-1", b"", [], published_ms), 1, Push("77", b""), started_s=rig.clock.monotonic_s())
    rig.clock.advance(0.5)
    rig.log.add(Attempt(item, 1, Failed("status 503", 503), 0.5, None))
    rig.log.add(Attempt(item, 2, Delivered(200), 0.5, None))
    rig.clock.advance(1.0)
    assert rig.count("batch_events_end_to_end_seconds_count") == 1
    assert rig.count("batch_events_end_to_end_seconds_sum") == pytest.approx(3.5)


def test_a_publisher_whose_clock_is_ahead_makes_no_negative_time() -> None:
    rig = Rig()
    item = Item(Record(2, 41, b"job-1", b"", [], rig.clock.now_ms() + 60_000), 1, Push("77", b""))
    rig.log.add(Attempt(item, 1, Delivered(200), 0.5, None))
    rig.log.flush()
    assert rig.count("batch_events_end_to_end_seconds_sum") == 0
    assert rig.count("batch_events_end_to_end_seconds_bucket", le="0.005") == 1


def test_what_was_not_sent_for_want_of_a_descriptor_is_said_now_and_then_with_its_number(
    caplog: pytest.LogCaptureFixture,
) -> None:
    rig = Rig()

    def said() -> list[int]:
        return [vars(record)["unsent"] for record in caplog.records if record.getMessage() == "attempts_unsent"]

    for _ in range(3):
        rig.add(Unsent("no descriptor"))
        rig.clock.advance(FLUSH_S)
    assert said() == [1]
    rig.clock.advance(SAY_EVERY_S)
    rig.add(Unsent("no descriptor"))
    rig.clock.advance(FLUSH_S)
    assert said() == [1, 3]
    assert rig.count("batch_events_attempts_total", outcome="unsent") == 4
    assert rig.count("batch_events_attempt_seconds_count") == 0, "it took no time of the endpoint"


def test_a_higher_log_level_keeps_the_counts_and_drops_the_lines() -> None:
    rig = Rig(logging.WARNING)
    rig.add(Delivered(200))
    rig.log.flush()
    assert not rig.lines
    assert rig.count("batch_events_delivered_total") == 1
