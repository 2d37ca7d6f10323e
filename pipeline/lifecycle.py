"""State before, state after -> event.

Shape   Change says whose state went from what to what; event_of(change) -> BatchEvent, or None where entering that
        state is no event (SUBMITTED, PENDING, …, or a state that was not left)
Rules   only entry into certain states emits (tables below). Which transitions are legal is inferred, so none is
        refused: steps may be skipped, FAILED is not final (RetryJobs), RUNNING may repeat for a new attempt
Errors  ChangeError with every fault: an unknown state, a bad time, a state field that contradicts `After`
Source  Batch state machines; the environment has no state, so its `After` is CREATED or DELETED
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec

from pipeline.errors import ChangeError
from schemas.errors import Fault
from schemas.events import BatchEvent, Family
from schemas.resources import Resource

_WORK_STATES = (
    "SUBMITTED",
    "PENDING",
    "RUNNABLE",
    "STARTING",
    "RUNNING",
    "SUCCEED",
    "FAILED",
    "FAILED_INTERRUPTED",
)
_WORK_EVENTS = ("RUNNING", "SUCCEED", "FAILED", "FAILED_INTERRUPTED")
_NODE_STATES = (
    "PENDING",
    "SUBMITTED",
    "CREATING",
    "CREATED",
    "CREATION_FAILED",
    "RUNNING",
    "ABNORMAL",
    "DELETING",
)
_NODE_EVENTS = ("CREATED", "CREATION_FAILED", "RUNNING", "ABNORMAL", "DELETING")
_ENV_STATES = ("CREATED", "DELETED")


def _entering(prefix: str, states: tuple[str, ...], emitting: tuple[str, ...]) -> dict[str, str | None]:
    return {state: f"{prefix}_{state}" if state in emitting else None for state in states}


ON_ENTERING: Mapping[Family, Mapping[str, str | None]] = {
    Family.JOB: _entering("JOB", _WORK_STATES, _WORK_EVENTS),
    Family.TASK: _entering("TASK", _WORK_STATES, _WORK_EVENTS),
    Family.TASK_INSTANCE: _entering("TASK_INSTANCE", _WORK_STATES, _WORK_EVENTS),
    Family.COMPUTE_NODE: _entering("COMPUTE_NODE", _NODE_STATES, _NODE_EVENTS),
    Family.COMPUTE_ENV: _entering("COMPUTE_ENV", _ENV_STATES, _ENV_STATES),
}
"""Every state of every family, with the event that entering it is."""


class Change(msgspec.Struct, frozen=True):
    """One observed transition.

    Attributes:
        region: long form, e.g. `ap-guangzhou`.
        time: ISO 8601, UTC, whole seconds, trailing Z (`utc_time` makes one).
        after: the state entered.
        resource: whose state it is; its own state field may be left out.
        before: the state left; None at first sight.
        attempt, sequence: told to subscribers in headers, where the observer knows them.
        traceparent: W3C trace context, passed on as it is.
    """

    region: str
    time: str
    after: str
    resource: Resource
    before: str | None = None
    attempt: int | None = None
    sequence: str | None = None
    traceparent: str | None = None


def event_of(change: Change) -> BatchEvent | None:
    """The event that this change is.

    Raises:
        ChangeError: all that is wrong with the change.
    """
    resource = change.resource
    states = ON_ENTERING[resource.family]
    own = resource.state()
    if (
        change.after not in states
        or (change.before is not None and change.before not in states)
        or (own is not None and own != change.after)
        or not _WIRE_TIME.match(change.time)
        or not change.region
    ):
        raise ChangeError(_faults(change, own))
    name = states[change.after]
    if name is None or change.before == change.after:
        return None
    return BatchEvent(resource.family, name, change.time, change.region, resource.to_batch(change.after))


def _faults(change: Change, own: str | None) -> list[Fault]:
    resource = change.resource
    states = ON_ENTERING[resource.family]
    allowed = f"is not a state of a {resource.family}; allowed are {', '.join(states)}"
    faults = []
    if not change.region:
        faults.append(Fault("Region", "InvalidParameterValue", "is empty"))
    if not _WIRE_TIME.match(change.time):
        faults.append(Fault("Time", "InvalidParameterValue", f"{change.time!r} is not like 2026-01-02T03:04:05Z"))
    if change.before is not None and change.before not in states:
        faults.append(Fault("Before", "InvalidParameterValue", f"{change.before!r} {allowed}"))
    if change.after not in states:
        faults.append(Fault("After", "InvalidParameterValue", f"{change.after!r} {allowed}"))
    elif own is not None and own != change.after:
        path = f"{resource.family}.{resource.state_field}"
        faults.append(Fault(path, "InvalidParameterValue", f"is {own!r}, but After is {change.after!r}"))
    return faults


_WIRE_TIME = re.compile(
    r"(?!0000)\d{4}-(?:0[13578]-(?:0[1-9]|[12]\d|3[01])|1[02]-(?:0[1-9]|[12]\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\d|30)"
    r"|02-(?:0[1-9]|[12]\d))T(?:[01]\d|2[0-3]):[0-5]\d:(?:[0-5]\d|60)Z\Z",
    re.ASCII,
)
"""The shape alone, and days that a month never has; 02-29 is let through in every year."""


def utc_time(text: str) -> str:
    """Turn any ISO 8601 time with an offset into the form of the wire; fractions of a second are dropped.

    Raises:
        ValueError: not such a time, or one without an offset.
    """
    if _WIRE_TIME.match(text):
        return text
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no offset from UTC")
    try:
        utc = moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError(f"{text!r} is no year of the calendar in UTC") from error
    return utc.replace(microsecond=0, tzinfo=None).isoformat() + "Z"
