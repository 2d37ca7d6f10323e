"""A line of `publish`: what is read, and the exact words about what is wrong."""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipeline.change_lines import parse_line
from pipeline.errors import ChangeError
from pipeline.lifecycle import Change, event_of
from schemas.errors import Fault
from schemas.events import Family
from schemas.notifications import EventConfig, Notification
from schemas.resources import Job
from tests.unit.schemas.raw_records import nested
from tests.unit.schemas.samples import FULL_BATCH, json_values

JOB = {"JobId": "job-97zcl3wt", "JobName": "test job"}
LINE = {
    "Region": "ap-guangzhou",
    "Time": "2026-01-02T03:04:05Z",
    "Before": "STARTING",
    "After": "RUNNING",
    "Job": JOB,
    "Notifications": [{"TopicName": "job-message", "EventConfigs": [{"EventName": "JOB_RUNNING"}]}],
}
ASKED = (Notification("job-message", (EventConfig("JOB_RUNNING"),)),)
STATES = "SUBMITTED, PENDING, RUNNABLE, STARTING, RUNNING, SUCCEED, FAILED, FAILED_INTERRUPTED"
EVENT_NAME = "Notifications[0].EventConfigs[0].EventName"
FAMILIES = "Job, Task, TaskInstance, ComputeNode, ComputeEnv"


def line(**changed: Any) -> bytes:
    """The good line with some fields set, or left out where they are `...`."""
    fields = {name: value for name, value in (LINE | changed).items() if value is not ...}
    return json.dumps(fields).encode()


def told(text: bytes) -> list[str]:
    """What parse_line, or the rules after it, say about a line."""
    with pytest.raises(ChangeError) as caught:
        event_of(parse_line(text).change)
    return str(caught.value).splitlines()


def test_the_line_of_the_design_is_a_change_with_its_notifications() -> None:
    read = parse_line(line())
    assert read.change == Change("ap-guangzhou", "2026-01-02T03:04:05Z", "RUNNING", Job.parse(JOB), before="STARTING")
    assert read.notifications == ASKED


def test_what_an_observer_may_know_beyond_is_read() -> None:
    more = {"Attempt": 2, "Sequence": "0007", "Traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
    change = parse_line(line(**more)).change
    assert (change.attempt, change.sequence, change.traceparent) == (2, "0007", more["Traceparent"])


@pytest.mark.parametrize("absent", [None, ...])
@pytest.mark.parametrize("name", ["Before", "Notifications", "Attempt", "Sequence", "Traceparent"])
def test_an_optional_field_may_be_null_or_absent(name: str, absent: Any) -> None:
    read = parse_line(line(**{name: absent}))
    found = {
        "Before": read.change.before,
        "Notifications": read.notifications,
        "Attempt": read.change.attempt,
        "Sequence": read.change.sequence,
        "Traceparent": read.change.traceparent,
    }
    assert found[name] is None


@pytest.mark.parametrize("family", Family)
def test_each_family_is_read_under_its_name(family: Family) -> None:
    read = parse_line(line(**{"Job": ..., family: FULL_BATCH[family]}))
    assert read.change.resource.family is family


def test_the_guides_spelling_is_read_inside_a_line_too() -> None:
    guide = [{"topic_name": "job-message", "event_configs": [{"event_name": "JobRunning"}]}]
    assert parse_line(line(Notifications=guide)).notifications == ASKED
    assert parse_line(line(Notifications=..., notifications=guide)).notifications == ASKED


def test_a_null_in_one_spelling_does_not_hide_the_other() -> None:
    assert parse_line(line(Notifications=None, notifications=LINE["Notifications"])).notifications == ASKED


def test_a_time_with_an_offset_becomes_utc() -> None:
    assert parse_line(line(Time="2026-01-02T11:04:05.7+08:00")).change.time == "2026-01-02T03:04:05Z"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (line(Region=...), "Region: MissingParameter: is missing"),
        (line(Region=5), "Region: InvalidParameterValue: must be a string, got 5"),
        (line(Region=""), "Region: InvalidParameterValue: is empty"),
        (line(Time=...), "Time: MissingParameter: is missing"),
        (line(Time=5), "Time: InvalidParameterValue: must be a string, got 5"),
        (
            line(Time="yesterday"),
            "Time: InvalidParameterValue: 'yesterday' is not like 2026-01-02T03:04:05Z",
        ),
        (
            line(Time="2026-01-02T03:04:05"),
            "Time: InvalidParameterValue: '2026-01-02T03:04:05' is not like 2026-01-02T03:04:05Z",
        ),
        (line(Time=""), "Time: InvalidParameterValue: '' is not like 2026-01-02T03:04:05Z"),
        (line(After=...), "After: MissingParameter: is missing"),
        (line(After=None), "After: MissingParameter: is missing"),
        (line(After=True), "After: InvalidParameterValue: must be a string, got True"),
        (
            line(After="DONE"),
            f"After: InvalidParameterValue: 'DONE' is not a state of a Job; allowed are {STATES}",
        ),
        (line(Before=5), "Before: InvalidParameterValue: must be of type str, got 5"),
        (line(Attempt="2"), "Attempt: InvalidParameterValue: must be of type int, got '2'"),
        (line(Attempt=True), "Attempt: InvalidParameterValue: must be of type int, got True"),
        (line(Attempt=1.5), "Attempt: InvalidParameterValue: must be of type int, got 1.5"),
        (line(Sequence=7), "Sequence: InvalidParameterValue: must be of type str, got 7"),
        (line(Traceparent=7), "Traceparent: InvalidParameterValue: must be of type str, got 7"),
        (line(Job=...), f"line: MissingParameter: needs exactly one of {FAMILIES}; found none"),
        (
            line(Task=FULL_BATCH[Family.TASK]),
            f"line: MissingParameter: needs exactly one of {FAMILIES}; found Job, Task",
        ),
        (line(Job={"JobName": "x"}), "Job.JobId: MissingParameter: is missing"),
        (
            line(Job=JOB | {"JobId": ""}),
            "Job.JobId: InvalidParameterValue: String should have at least 1 character (got '')",
        ),
        (
            line(Job=5),
            "Job: InvalidParameterValue: Input should be a valid dictionary or instance of Job (got 5)",
        ),
        (
            line(Job=JOB | {"JobState": "PENDING"}),
            "Job.JobState: InvalidParameterValue: is 'PENDING', but After is 'RUNNING'",
        ),
        (line(After_="x"), "After_: UnknownParameter: is not a field of a line"),
        (
            line(Notifications={"Topic": "t"}),
            "Notifications: InvalidParameterValue: must be a list, got {'Topic': 't'}",
        ),
        (
            line(Notifications=[{"TopicName": "t", "EventConfigs": [{"EventName": "JOB_DONE"}]}]),
            f"{EVENT_NAME}: InvalidParameterValue: 'JOB_DONE' is not an event name (such as JOB_FAILED)",
        ),
    ],
)
def test_each_bad_line_is_told_in_these_words(text: bytes, words: str) -> None:
    assert told(text) == [words]


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"5", b"null", b"{} {}", b"\xff", b'{"Region":NaN}', b"{'a': 1}"])
def test_what_is_no_json_object_is_told_as_such(text: bytes) -> None:
    (words,) = told(text)
    assert words.startswith("line: InvalidParameterValue: not a JSON object: ")


def test_everything_that_is_wrong_with_a_line_is_told_at_once() -> None:
    bad = line(Region=..., Time="x", Before=5, Job={"JobName": 1}, Notifications=[1], Color="red")
    assert told(bad) == [
        "Region: MissingParameter: is missing",
        "Job.JobId: MissingParameter: is missing",
        "Job.JobName: InvalidParameterValue: Input should be a valid string (got 1)",
        "Before: InvalidParameterValue: must be of type str, got 5",
        "Notifications[0]: InvalidParameterValue: must be an object, got 1",
        "Time: InvalidParameterValue: 'x' is not like 2026-01-02T03:04:05Z",
        "Color: UnknownParameter: is not a field of a line",
    ]


def test_unknown_fields_are_told_in_the_order_of_the_line() -> None:
    names = [f"X{number}" for number in range(20)]
    bad = line(**dict.fromkeys(names, 1))
    assert told(bad) == [f"{name}: UnknownParameter: is not a field of a line" for name in names]


def refused_or_read(text: bytes) -> None:
    try:
        read = parse_line(text)
    except ChangeError as error:
        faults = error.faults
    else:
        faults = [Fault("none", "none", "none")]
        assert isinstance(read.change, Change)
    assert faults
    assert all(fault.path and fault.code and fault.reason for fault in faults)


@given(st.binary(max_size=100))
@example(b"[" * 100_000)
def test_any_bytes_are_a_change_or_refused(text: bytes) -> None:
    refused_or_read(text)


@given(
    st.dictionaries(
        st.sampled_from([*LINE, "Attempt", "Sequence", "Traceparent", "notifications", *Family, "X"]), json_values
    )
)
def test_any_json_in_any_field_is_a_change_or_refused(changed: dict[str, Any]) -> None:
    refused_or_read(line(**changed))


@pytest.mark.parametrize("time", ["9999-12-31T23:59:59-01:00", "0001-01-01T00:00:00+01:00"])
def test_a_time_at_the_edge_of_the_calendar_is_refused_like_any_other(time: str) -> None:
    refused_or_read(line(Time=time))


@pytest.mark.parametrize(
    "field",
    [
        "Region",
        "Before",
        "Attempt",
        "Job",
        "Notifications",
    ],
)
def test_json_nested_however_deep_is_refused_by_name(field: str) -> None:
    for depth in (20_000, *range(1000, 900, -1)):
        text = line(**{field: "@"}).replace(b'"@"', nested(depth).encode())
        with pytest.raises(ChangeError):
            parse_line(text)
