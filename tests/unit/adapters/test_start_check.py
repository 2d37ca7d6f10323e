"""What a subscription that starts says of its surroundings: each thing once, and nothing of it stops anything."""

import logging

import pytest

from adapters import descriptor_limit
from adapters.start_check import StartCheck
from pipeline.errors import AccessRefusedError
from pipeline.subscription import HttpPolicy, Protocol, Subscription
from pipeline.topics import ActualTopic

HTTP = Subscription("job-message", "billing", Protocol.HTTP, http=HttpPolicy("https://x"))
OTHER = Subscription("job-message", "audit", Protocol.HTTP, http=HttpPolicy("https://x"))
QUEUE = Subscription("job-message", "ops-queue", Protocol.QUEUE, queue_name="ops")
EVENTS = "batch.job-message"
SAFE = {"cleanup.policy": "delete", "retention.ms": "259200000", "retention.bytes": "-1", "min.insync.replicas": "2"}


class StandIn:
    """A cluster's answers."""

    brokers = 3

    def __init__(self, **configs: dict[str, str]) -> None:
        self.configs = {EVENTS: SAFE} | configs
        self.error: AccessRefusedError | None = None

    def actual(self, names: list[str]) -> dict[str, ActualTopic]:
        if self.error is not None:
            raise self.error
        return {name: ActualTopic(6, 3, self.configs[name]) for name in names if name in self.configs}


class Checked:
    """A check, and what it says."""

    def __init__(self, admin: StandIn, caplog: pytest.LogCaptureFixture) -> None:
        self.check = StartCheck(admin, [HTTP, OTHER, QUEUE])  # type: ignore[arg-type]
        self._caplog = caplog
        caplog.set_level(logging.INFO)

    def of(self, one: Subscription, *topics: str) -> list[tuple[str, str]]:
        self._caplog.clear()
        self.check.of(one, EVENTS, [EVENTS, *topics])
        assert {record.levelno for record in self._caplog.records} <= {logging.WARNING}
        return [
            (vars(record).get("topic", record.getMessage()), vars(record).get("risk", ""))
            for record in self._caplog.records
        ]


def test_where_nothing_is_at_risk_nothing_is_said(caplog: pytest.LogCaptureFixture) -> None:
    assert Checked(StandIn(), caplog).of(HTTP) == []


def test_what_is_at_risk_is_said_once_for_all_subscriptions(caplog: pytest.LogCaptureFixture) -> None:
    checked = Checked(StandIn(**{EVENTS: SAFE | {"min.insync.replicas": "1", "retention.bytes": "9"}}), caplog)
    said = checked.of(HTTP)
    assert [topic for topic, _ in said] == [EVENTS, EVENTS]
    assert said[0][1].startswith("min.insync.replicas is 1")
    assert said[1][1].startswith("retention.bytes is 9")
    assert checked.of(OTHER) == []


def test_any_of_its_topics_may_be_at_risk(caplog: pytest.LogCaptureFixture) -> None:
    admin = StandIn(letters=SAFE | {"min.insync.replicas": "1"})
    assert [topic for topic, _ in Checked(admin, caplog).of(HTTP, "letters", "absent")] == ["letters"]


def test_the_age_of_events_is_a_callbacks_affair(caplog: pytest.LogCaptureFixture) -> None:
    admin = StandIn(**{EVENTS: SAFE | {"retention.ms": "1"}, "letters": SAFE | {"retention.ms": "1"}})
    checked = Checked(admin, caplog)
    assert checked.of(QUEUE, "letters") == []
    assert [topic for topic, _ in checked.of(HTTP, "letters")] == [EVENTS]


def test_what_nobody_tells_is_unchecked_and_stops_nothing(caplog: pytest.LogCaptureFixture) -> None:
    admin = StandIn()
    admin.error = AccessRefusedError("no right to describe configurations")
    assert Checked(admin, caplog).of(HTTP) == [("topics_unchecked", "")]


def test_too_few_descriptors_are_said_once_with_the_brokers_that_there_are(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(descriptor_limit, "limit", lambda: 100)
    checked = Checked(StandIn(), caplog)
    assert checked.of(HTTP) == [("file_descriptors_short", "")]
    assert checked.of(QUEUE) == []
