"""What a topic's own settings put at risk: sentences that say which setting, and what it leads to."""

from pathlib import Path

import pytest

from adapters.topic_risks import age_risks, replica_risk
from tests.unit.adapters.configurations import HTTP, QUEUE, Tree, faults_of, load, tree

TWO_DAYS_S = 172_800.0
SAFE = {"cleanup.policy": "delete", "retention.ms": "259200000", "retention.bytes": "-1", "min.insync.replicas": "2"}


def test_a_topic_as_ours_puts_nothing_at_risk() -> None:
    assert replica_risk(SAFE) is None
    assert age_risks(SAFE, TWO_DAYS_S) == []


@pytest.mark.parametrize("value", ["2", "3", None])
def test_two_replicas_in_sync_are_enough_and_what_nobody_tells_is_no_risk(value: str | None) -> None:
    assert replica_risk({} if value is None else {"min.insync.replicas": value}) is None


def test_one_replica_in_sync_may_be_the_leader_alone() -> None:
    risk = replica_risk(SAFE | {"min.insync.replicas": "1"})
    assert risk is not None
    assert risk.startswith("min.insync.replicas is 1: an acknowledged record can be lost with one broker")


@pytest.mark.parametrize(
    ("setting", "value", "begins"),
    [
        ("cleanup.policy", "compact", "cleanup.policy is compact: "),
        ("cleanup.policy", "compact,delete", "cleanup.policy is compact,delete: "),
        ("retention.ms", "172800000", "retention.ms is 172800000: events fall off the log before max_age_s, 172800 s"),
        ("retention.ms", "1000", "retention.ms is 1000: "),
        ("retention.bytes", "1000000", "retention.bytes is 1000000: "),
    ],
)
def test_a_log_that_may_lose_events_before_they_are_too_old(setting: str, value: str, begins: str) -> None:
    (risk,) = age_risks(SAFE | {setting: value}, TWO_DAYS_S)
    assert risk.startswith(begins)


@pytest.mark.parametrize("value", ["-1", "172800001"])
def test_a_log_that_keeps_events_for_longer(value: str) -> None:
    assert age_risks(SAFE | {"retention.ms": value}, TWO_DAYS_S) == []


def test_each_risk_is_told() -> None:
    config = {"cleanup.policy": "compact", "retention.ms": "1", "retention.bytes": "1"}
    assert len(age_risks(config, TWO_DAYS_S)) == 3


AGED: list[tuple[Tree, Tree, str]] = [
    ({"max_age_s": 259_200}, {}, "259200 s must be below topics.retention_s, 259200 s"),
    ({}, {"retention_s": 3_600}, "172800 s must be below topics.retention_s, 3600 s"),
    ({"max_age_s": "300000"}, {}, "300000 s must be below topics.retention_s, 259200 s"),
]


@pytest.mark.parametrize(("one", "topics", "reason"), AGED)
def test_a_configuration_whose_events_would_fall_off_the_log_first_is_refused(
    one: Tree, topics: Tree, reason: str, tmp_path: Path
) -> None:
    (fault,) = faults_of(tmp_path, tree(QUEUE, HTTP | one, topics=topics))
    assert fault == f"subscriptions[1].max_age_s: {reason}, or events fall off the log unseen"


def test_a_configuration_whose_events_grow_too_old_first_is_taken(tmp_path: Path) -> None:
    config = tree(HTTP | {"max_age_s": 259_199}, QUEUE | {"name": "other"}, topics={"retention_s": 259_200})
    assert len(load(tmp_path, config).subscriptions) == 2


@pytest.mark.parametrize(("one", "topics"), [({"max_age_s": "soon"}, {}), ({}, {"retention_s": "long"}), ({}, 5)])
def test_what_is_no_number_is_told_as_that_alone(one: Tree, topics: object, tmp_path: Path) -> None:
    (fault,) = faults_of(tmp_path, tree(HTTP | one, topics=topics))
    assert "must be a" in fault
