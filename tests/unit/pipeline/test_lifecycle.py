"""State before, state after -> event or nothing; and what is said about a change that makes no sense."""

from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import ChangeError
from pipeline.lifecycle import ON_ENTERING, Change, event_of, utc_time
from schemas.errors import Fault
from schemas.events import EVENT_FAMILIES, Family
from schemas.resources import RESOURCES, Resource
from tests.unit.schemas.samples import FULL_BATCH, REQUIRED, STATE_FIELDS

TIME = "2026-01-02T03:04:05Z"

WORK = {
    "SUBMITTED": None,
    "PENDING": None,
    "RUNNABLE": None,
    "STARTING": None,
    "RUNNING": "RUNNING",
    "SUCCEED": "SUCCEED",
    "FAILED": "FAILED",
    "FAILED_INTERRUPTED": "FAILED_INTERRUPTED",
}
TABLE: dict[Family, dict[str, str | None]] = {
    Family.JOB: {state: event and f"JOB_{event}" for state, event in WORK.items()},
    Family.TASK: {state: event and f"TASK_{event}" for state, event in WORK.items()},
    Family.TASK_INSTANCE: {state: event and f"TASK_INSTANCE_{event}" for state, event in WORK.items()},
    Family.COMPUTE_NODE: {
        "PENDING": None,
        "SUBMITTED": None,
        "CREATING": None,
        "CREATED": "COMPUTE_NODE_CREATED",
        "CREATION_FAILED": "COMPUTE_NODE_CREATION_FAILED",
        "RUNNING": "COMPUTE_NODE_RUNNING",
        "ABNORMAL": "COMPUTE_NODE_ABNORMAL",
        "DELETING": "COMPUTE_NODE_DELETING",
    },
    Family.COMPUTE_ENV: {"CREATED": "COMPUTE_ENV_CREATED", "DELETED": "COMPUTE_ENV_DELETED"},
}
"""What entering a state is, as the reference has it."""

ENTERING = [(family, state, event) for family, states in TABLE.items() for state, event in states.items()]
PAIRS = [(family, before, after) for family, states in TABLE.items() for before in states for after in states]


def resource(family: Family, **fields: Any) -> Resource:
    return RESOURCES[family].parse(REQUIRED[family] | fields)


def change(family: Family, before: str | None, after: str, **other: Any) -> Change:
    what: dict[str, Any] = {"region": "ap-guangzhou", "time": TIME, "resource": resource(family)} | other
    return Change(before=before, after=after, **what)


def faults_of(refused: Change) -> list[Fault]:
    with pytest.raises(ChangeError) as caught:
        event_of(refused)
    return caught.value.faults


def test_the_table_of_the_code_is_this_one() -> None:
    assert {family: dict(states) for family, states in ON_ENTERING.items()} == TABLE


def test_every_event_is_emitted_by_exactly_one_state() -> None:
    emitted = [(event, family) for family, states in ON_ENTERING.items() for event in states.values() if event]
    assert sorted(emitted) == sorted(EVENT_FAMILIES.items())


@pytest.mark.parametrize(("family", "state", "event"), ENTERING)
def test_at_first_sight_a_state_is_the_event_of_entering_it(family: Family, state: str, event: str | None) -> None:
    found = event_of(change(family, None, state))
    assert (found and found.name) == event


@pytest.mark.parametrize(("family", "before", "after"), PAIRS)
def test_whatever_was_left_the_state_entered_decides(family: Family, before: str, after: str) -> None:
    found = event_of(change(family, before, after))
    assert (found and found.name) == (None if before == after else TABLE[family][after])


@pytest.mark.parametrize("family", Family)
def test_the_event_carries_the_resource_in_wire_order_with_the_state_filled_in(family: Family) -> None:
    state = list(TABLE[family])[-1]
    state_field = STATE_FIELDS[family]
    fields = {name: value for name, value in FULL_BATCH[family].items() if name != state_field}
    event = event_of(change(family, None, state, resource=RESOURCES[family].parse(fields | {"New": 1})))
    assert event is not None
    assert (event.family, event.time, event.region) == (family, TIME, "ap-guangzhou")
    assert (event.version, event.event_vars, event.extra) == ("1.0", (), None)
    expected = {name: state if name == state_field else value for name, value in FULL_BATCH[family].items()}
    assert list(event.batch.items()) == [*expected.items(), ("New", 1)]


@pytest.mark.parametrize("family", Family)
@pytest.mark.parametrize("where", ["Before", "After"])
def test_an_unknown_state_is_named_with_what_is_allowed(family: Family, where: str) -> None:
    known = next(iter(TABLE[family]))
    refused = change(family, "DONE", known) if where == "Before" else change(family, known, "DONE")
    allowed = ", ".join(TABLE[family])
    assert faults_of(refused) == [
        Fault(where, "InvalidParameterValue", f"'DONE' is not a state of a {family}; allowed are {allowed}")
    ]


@pytest.mark.parametrize("family", [family for family in Family if STATE_FIELDS[family]])
def test_a_state_field_that_contradicts_after_is_an_error_that_names_both(family: Family) -> None:
    field = STATE_FIELDS[family]
    assert field is not None
    refused = change(family, None, "RUNNING", resource=resource(family, **{field: "PENDING"}))
    assert faults_of(refused) == [
        Fault(f"{family}.{field}", "InvalidParameterValue", "is 'PENDING', but After is 'RUNNING'")
    ]


@pytest.mark.parametrize("family", [family for family in Family if STATE_FIELDS[family]])
def test_a_state_field_that_agrees_is_fine(family: Family) -> None:
    field = STATE_FIELDS[family]
    assert field is not None
    assert event_of(change(family, None, "RUNNING", resource=resource(family, **{field: "RUNNING"}))) is not None


def test_all_faults_of_a_change_are_told_at_once() -> None:
    refused = change(Family.JOB, "X", "Y", region="", time="yesterday")
    assert [fault.path for fault in faults_of(refused)] == ["Region", "Time", "Before", "After"]


BAD_TIMES = [
    "",
    "2026-01-02",
    "2026-01-02T03:04:05",
    "2026-01-02T03:04:05+00:00",
    "2026-01-02T03:04:05.000Z",
    "2026-01-02 03:04:05Z",
    "2026-13-02T03:04:05Z",
    "2026-00-02T03:04:05Z",
    "2026-01-32T03:04:05Z",
    "2026-01-00T03:04:05Z",
    "2026-01-02T24:04:05Z",
    "2026-01-02T03:60:05Z",
    "2026-01-02T03:04:61Z",
    "2026-01-02T03:04:05Z\n",
    "٢٠٢٦-01-02T03:04:05Z",
]


@pytest.mark.parametrize("time", BAD_TIMES)
def test_a_time_of_another_form_is_refused(time: str) -> None:
    assert faults_of(change(Family.JOB, None, "RUNNING", time=time)) == [
        Fault("Time", "InvalidParameterValue", f"{time!r} is not like 2026-01-02T03:04:05Z")
    ]


@pytest.mark.parametrize("day", ["02-30", "02-31", "04-31", "06-31", "09-31", "11-31"])
def test_a_day_that_its_month_never_has_is_refused(day: str) -> None:
    (fault,) = faults_of(change(Family.JOB, None, "RUNNING", time=f"2026-{day}T03:04:05Z"))
    assert fault.path == "Time"


def test_a_leap_second_is_a_time() -> None:
    assert event_of(change(Family.JOB, None, "RUNNING", time="2016-12-31T23:59:60Z")) is not None


class TestUtcTime:
    @pytest.mark.parametrize(
        ("text", "wire"),
        [
            (TIME, TIME),
            ("2026-01-02T03:04:05+00:00", TIME),
            ("2026-01-02T11:04:05+08:00", TIME),
            ("2026-01-01T22:04:05.999-05:00", TIME),
            ("2026-01-02T03:04:05.123456Z", TIME),
            ("2026-01-02 03:04:05Z", TIME),
        ],
    )
    def test_any_offset_becomes_utc_and_fractions_are_dropped(self, text: str, wire: str) -> None:
        assert utc_time(text) == wire

    @pytest.mark.parametrize("text", ["2026-01-02T03:04:05", "2026-01-02"])
    def test_a_time_without_offset_is_refused_with_the_reason(self, text: str) -> None:
        with pytest.raises(ValueError, match=f"^'{text}' has no offset from UTC$"):
            utc_time(text)

    @pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01T00:00:00Z", "2026-01-02T25:00:00Z"])
    def test_what_is_no_time_is_refused(self, text: str) -> None:
        with pytest.raises(ValueError, match=r"\S"):
            utc_time(text)

    @given(
        st.text(max_size=30)
        | st.datetimes(datetime(1000, 1, 2), datetime(9999, 12, 30), timezones=st.timezones()).map(  # noqa: DTZ001
            lambda moment: moment.isoformat()
        )
    )
    def test_any_text_is_a_time_that_the_wire_takes_or_a_value_error(self, text: str) -> None:
        assert self.read(text)

    @pytest.mark.parametrize(
        "text", ["9999-12-31T23:59:59-01:00", "0001-01-01T00:00:00+01:00", "0999-01-01T00:00:00+00:00"]
    )
    def test_so_is_a_time_at_the_edges_of_the_calendar(self, text: str) -> None:
        assert self.read(text)

    @staticmethod
    def read(text: str) -> bool:
        """Whether it was refused as it should be, or is a time that an event may have."""
        try:
            wire = utc_time(text)
        except ValueError:
            return True
        return event_of(change(Family.JOB, None, "RUNNING", time=wire)) is not None
