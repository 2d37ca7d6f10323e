"""What `publish` makes of its lines: every line is counted once, by what became of its records."""

import io
import json
from collections.abc import Callable

import pytest

from adapters.commands import publish
from adapters.commands.publish import NO_ANSWER, _Publishing
from pipeline.errors import BrokerUnreachableError, DeliveryFailedError
from pipeline.lifecycle import Change
from pipeline.stop import ExitStatus
from schemas.notifications import Notification, parse_notifications

Report = Callable[[str | None], None]

WANTED = parse_notifications([{"TopicName": "a", "EventConfigs": [{"EventName": "JOB_RUNNING"}]}])


class StandIn:
    """A producer of one record a change, or what `records` says; the test answers for the broker."""

    def __init__(self) -> None:
        self.records = 1
        self.waiting: list[Report] = []
        self.error: Exception | None = None

    def publish(self, _change: Change, _notifications: tuple[Notification, ...], on_delivery: Report) -> int:
        if self.error is not None:
            raise self.error
        self.waiting += [on_delivery] * self.records
        return self.records

    def answer(self, *failures: str | None) -> None:
        for failure in failures:
            self.waiting.pop(0)(failure)

    def close(self) -> None:
        if self.waiting:
            raise DeliveryFailedError(len(self.waiting), ["without an answer"])


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Rig:
    def __init__(self, out: io.StringIO | None = None) -> None:
        self.producer = StandIn()
        self.out = out or io.StringIO()
        self.publishing = _Publishing(self.producer, WANTED, "changes.jsonl", self.out)  # type: ignore[arg-type]

    def lines(self, *after: str) -> None:
        lines = (
            {"Region": "r", "Time": "2026-01-02T03:04:05Z", "After": state, "Job": {"JobId": "job-1", "JobName": "x"}}
            for state in after
        )
        self.publishing.all(io.BytesIO(b"".join(json.dumps(line).encode() + b"\n" for line in lines)))

    @property
    def told(self) -> list[str]:
        return self.out.getvalue().splitlines()


def summary(read: int, acknowledged: int, silent: int, refused: int) -> str:
    return (
        f"{read} lines read: {acknowledged} records published and acknowledged, "
        f"{silent} lines that no notification asks for, {refused} lines refused"
    )


def test_what_was_acknowledged_is_counted() -> None:
    rig = Rig()
    rig.producer.records = 2
    rig.lines("RUNNING", "RUNNING")
    rig.producer.answer(None, None, None, None)
    rig.publishing.end()
    assert rig.told == [summary(2, 4, 0, 0)]
    assert rig.publishing.status is ExitStatus.FINE


def test_a_line_of_which_one_record_is_refused_is_named_once_and_counts_once() -> None:
    rig = Rig()
    rig.producer.records = 3
    rig.lines("RUNNING")
    rig.producer.answer(None, "MSG_SIZE_TOO_LARGE", "MSG_SIZE_TOO_LARGE")
    rig.publishing.end()
    assert rig.told[:-1] == ["changes.jsonl:1: line: NotAcknowledged: MSG_SIZE_TOO_LARGE"] * 2
    assert rig.told[-1] == summary(1, 1, 0, 1)
    assert rig.publishing.status is ExitStatus.INPUT_REFUSED


def test_lines_that_nobody_answered_are_named_and_not_counted_as_acknowledged() -> None:
    rig = Rig()
    rig.lines("RUNNING", "RUNNING", "RUNNING")
    rig.producer.answer(None)
    rig.publishing.end()
    assert rig.told[:-1] == [f"changes.jsonl:{number}: line: NotAcknowledged: {NO_ANSWER}" for number in (2, 3)]
    assert rig.told[-1] == summary(3, 1, 0, 2)
    assert rig.publishing.status is ExitStatus.INPUT_REFUSED


def test_an_answer_that_comes_before_publish_returns_is_counted() -> None:
    rig = Rig()

    def at_once(_change: Change, _notifications: tuple[Notification, ...], on_delivery: Report) -> int:
        on_delivery(None)
        return 1

    rig.producer.publish = at_once  # type: ignore[method-assign]
    rig.lines("RUNNING")
    rig.publishing.end()
    assert rig.told == [summary(1, 1, 0, 0)]


def test_a_line_without_a_record_is_one_that_nobody_asks_for() -> None:
    rig = Rig()
    rig.producer.records = 0
    rig.lines("RUNNING", "RUNNING")
    rig.publishing.end()
    assert rig.told == [summary(2, 0, 2, 0)]
    assert rig.publishing.status is ExitStatus.FINE


def test_an_unreachable_broker_ends_it_and_what_went_before_is_counted() -> None:
    rig = Rig()
    rig.lines("RUNNING")
    rig.producer.answer(None)
    rig.producer.error = BrokerUnreachableError("a:1", "why")
    with pytest.raises(BrokerUnreachableError):
        rig.lines("RUNNING", "RUNNING")
    rig.publishing.end()
    assert rig.told == [summary(2, 1, 0, 0)]


def test_progress_is_told_on_a_terminal_and_wiped_before_other_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publish, "PROGRESS_EVERY_S", 0.0)
    rig = Rig(Terminal())
    rig.lines("RUNNING")
    rig.producer.answer(None)
    rig.publishing.all(io.BytesIO(b"nonsense\n"))
    rig.publishing.end()
    clear = publish.CLEAR_LINE
    assert rig.out.getvalue().startswith(f"{clear}1 lines read, 0 records acknowledged{clear}changes.jsonl:1: line: ")
    assert rig.out.getvalue().endswith(clear + summary(2, 1, 0, 1) + "\n")


def test_progress_is_not_told_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publish, "PROGRESS_EVERY_S", 0.0)
    rig = Rig()
    rig.lines("RUNNING")
    assert rig.told == []
