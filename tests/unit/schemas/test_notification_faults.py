"""What is wrong with notifications: every fault, its path, the Batch API's code, all at once."""

from typing import Any

import pytest

from schemas.errors import Fault, NotificationsError
from schemas.notifications import parse_notifications

TOPIC = "InvalidParameter.NotificationTopicName"
TOPIC_TOO_LONG = "InvalidParameter.NotificationTopicNameTooLong"
DUPLICATE = "InvalidParameter.NotificationEventNameDuplicate"
MISSING = "MissingParameter"
INVALID = "InvalidParameterValue"

FAILED = {"EventName": "JOB_FAILED"}
LONG = "a" * 65

NOT_A_NAME = (
    "Notifications[0].EventConfigs[1].EventName: InvalidParameterValue: 'x' is not an event name (such as JOB_FAILED)"
)


def faults_of(source: object) -> list[Fault]:
    with pytest.raises(NotificationsError) as caught:
        parse_notifications(source)
    return caught.value.faults


def one(**fields: Any) -> list[dict[str, Any]]:
    return [{"TopicName": "t", "EventConfigs": [FAILED]} | fields]


def config(**fields: Any) -> list[dict[str, Any]]:
    return one(EventConfigs=[FAILED | fields])


@pytest.mark.parametrize(
    ("source", "path", "code", "reason"),
    [
        (5, "Notifications", INVALID, "must be a list, got 5"),
        (None, "Notifications", INVALID, "must be a list, got None"),
        ("JOB_FAILED", "Notifications", INVALID, "must be a list, got 'JOB_FAILED'"),
        ({}, "Notifications", INVALID, "must be a list, got {}"),
        ({"Notification": []}, "Notifications", INVALID, "must be a list, got {'Notification': []}"),
        ({"Notifications": {}}, "Notifications", INVALID, "must be a list, got {}"),
        ({"Notifications": ""}, "Notifications", INVALID, "must be a list, got ''"),
        ({"Notifications": 0}, "Notifications", INVALID, "must be a list, got 0"),
        ({"Notifications": False}, "Notifications", INVALID, "must be a list, got False"),
        ({"Job": {"JobName": "x", "Notifications": ""}}, "Notifications", INVALID, "must be a list, got ''"),
        ([5], "Notifications[0]", INVALID, "must be an object, got 5"),
        ([[]], "Notifications[0]", INVALID, "must be an object, got []"),
        (one(TopicName=None), "Notifications[0].TopicName", MISSING, "is missing"),
        (one(TopicName=5), "Notifications[0].TopicName", TOPIC, "must be a string, got 5"),
        (one(TopicName=""), "Notifications[0].TopicName", TOPIC, "'' is empty"),
        (
            one(TopicName="1-job"),
            "Notifications[0].TopicName",
            TOPIC,
            "'1-job' must begin with a letter and hold only letters, digits, '-' and '_'",
        ),
        (
            one(TopicName=LONG),
            "Notifications[0].TopicName",
            TOPIC_TOO_LONG,
            f"'{LONG}' is 65 characters long, allowed are 64",
        ),
        (one(EventConfigs=None), "Notifications[0].EventConfigs", MISSING, "is missing"),
        (
            one(EventConfigs=[]),
            "Notifications[0].EventConfigs",
            INVALID,
            "is empty: this notification asks for no event",
        ),
        (one(EventConfigs={}), "Notifications[0].EventConfigs", INVALID, "must be a list, got {}"),
        (one(EventConfigs=""), "Notifications[0].EventConfigs", INVALID, "must be a list, got ''"),
        (one(EventConfigs=[None]), "Notifications[0].EventConfigs[0]", INVALID, "must be an object, got None"),
        (config(EventName=None), "Notifications[0].EventConfigs[0].EventName", MISSING, "is missing"),
        (
            config(EventName="JOB_SUCCEEDED"),
            "Notifications[0].EventConfigs[0].EventName",
            INVALID,
            "'JOB_SUCCEEDED' is not an event name (such as JOB_FAILED)",
        ),
        (
            config(EventName=5),
            "Notifications[0].EventConfigs[0].EventName",
            INVALID,
            "5 is not an event name (such as JOB_FAILED)",
        ),
        (
            config(EventName=""),
            "Notifications[0].EventConfigs[0].EventName",
            INVALID,
            "'' is not an event name (such as JOB_FAILED)",
        ),
        (
            one(EventConfigs=[FAILED, {"EventName": "TASK_FAILED"}, {"EventName": "JobFailed"}]),
            "Notifications[0].EventConfigs[2].EventName",
            DUPLICATE,
            "JOB_FAILED is repeated, first in EventConfigs[0]",
        ),
        (config(EventVars={}), "Notifications[0].EventConfigs[0].EventVars", INVALID, "must be a list, got {}"),
        (config(EventVars="x"), "Notifications[0].EventConfigs[0].EventVars", INVALID, "must be a list, got 'x'"),
        (config(EventVars=[1]), "Notifications[0].EventConfigs[0].EventVars[0]", INVALID, "must be an object, got 1"),
        (
            config(EventVars=[{"Value": "v"}]),
            "Notifications[0].EventConfigs[0].EventVars[0].Name",
            MISSING,
            "is missing",
        ),
        (
            config(EventVars=[{"Name": "n"}]),
            "Notifications[0].EventConfigs[0].EventVars[0].Value",
            MISSING,
            "is missing",
        ),
        (
            config(EventVars=[{"Name": "n", "Value": 5}]),
            "Notifications[0].EventConfigs[0].EventVars[0].Value",
            INVALID,
            "must be a string, got 5",
        ),
        (
            config(EventVars=[{"Name": "\ud800", "Value": "v"}]),
            "Notifications[0].EventConfigs[0].EventVars[0].Name",
            INVALID,
            "must be a string, got '\\ud800'",
        ),
    ],
)
def test_one_fault_is_one_entry_with_path_code_and_reason(source: object, path: str, code: str, reason: str) -> None:
    assert faults_of(source) == [Fault(path, code, reason)]


def test_paths_are_those_of_the_api_however_the_input_is_spelled_and_wrapped() -> None:
    source = {"job": {"notifications": [{"topic_name": "t", "event_configs": [{"event_name": "JobFailure"}]}]}}
    (fault,) = faults_of(source)
    assert fault.path == "Notifications[0].EventConfigs[0].EventName"


def test_all_faults_are_told_at_once_one_a_line() -> None:
    source = [
        {"EventConfigs": [{"EventName": "JOB_FAILED"}, {"EventName": "x", "EventVars": [{}]}]},
        7,
        {"TopicName": LONG},
    ]
    with pytest.raises(NotificationsError) as caught:
        parse_notifications(source)
    assert str(caught.value).splitlines() == [
        "Notifications[0].TopicName: MissingParameter: is missing",
        NOT_A_NAME,
        "Notifications[0].EventConfigs[1].EventVars[0].Name: MissingParameter: is missing",
        "Notifications[0].EventConfigs[1].EventVars[0].Value: MissingParameter: is missing",
        "Notifications[1]: InvalidParameterValue: must be an object, got 7",
        f"Notifications[2].TopicName: {TOPIC_TOO_LONG}: '{LONG}' is 65 characters long, allowed are 64",
        "Notifications[2].EventConfigs: MissingParameter: is missing",
    ]


class TestOneEventToOneTopicTwice:
    """It would be sent twice. The positions told are those of the input, whatever else is wrong with it."""

    reason = "JOB_FAILED to topic t is repeated, first in Notifications[0]"

    def test_the_second_notification_is_named(self) -> None:
        assert faults_of([*one(), *one()]) == [
            Fault("Notifications[1].EventConfigs[0].EventName", DUPLICATE, self.reason)
        ]

    def test_a_refused_config_before_it_does_not_shift_its_position(self) -> None:
        second = {"TopicName": "t", "EventConfigs": [{"EventName": "x"}, FAILED]}
        paths = [fault.path for fault in faults_of([*one(), second])]
        assert paths == ["Notifications[1].EventConfigs[0].EventName", "Notifications[1].EventConfigs[1].EventName"]

    def test_a_refused_notification_before_it_does_not_shift_its_position(self) -> None:
        paths = [fault.path for fault in faults_of([*one(), 5, *one()])]
        assert paths == ["Notifications[1]", "Notifications[2].EventConfigs[0].EventName"]

    def test_two_topics_whose_names_are_both_bad_are_not_called_one(self) -> None:
        assert [fault.code for fault in faults_of([*one(TopicName=""), *one(TopicName="")])] == [TOPIC, TOPIC]


def test_a_huge_value_is_shown_in_part() -> None:
    (fault,) = faults_of(one(TopicName=["x" * 1000] * 1000))
    assert len(fault.reason) < 120
