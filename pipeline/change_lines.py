"""A line of `publish` -> a change and, where the line carries them, its notifications.

Shape   parse_line(bytes) -> ChangeLine
Errors  ChangeError with every fault of the line, each with the path of its field; never another exception
Source  design section 8, "A line of publish"
"""

from typing import Any

import msgspec

from pipeline.errors import ChangeError
from pipeline.lifecycle import Change, utc_time
from schemas.errors import Fault, NotificationsError, ResourceError, shown
from schemas.events import Family
from schemas.notifications import Notification, parse_notifications
from schemas.resources import RESOURCES, Resource


class ChangeLine(msgspec.Struct, frozen=True):
    """One line, read."""

    change: Change
    notifications: tuple[Notification, ...] | None


_OPTIONAL = {"Before": str, "Sequence": str, "Attempt": int, "Traceparent": str}
_KNOWN = {"Region", "Time", "After", "Notifications", "notifications", *_OPTIONAL, *Family}


def parse_line(line: bytes) -> ChangeLine:
    """Read one JSON line.

    Raises:
        ChangeError: everything that is wrong with it.
    """
    try:
        fields = msgspec.json.decode(line, type=dict[str, Any])
    except (ValueError, RecursionError) as error:
        raise ChangeError([Fault("line", "InvalidParameterValue", f"not a JSON object: {error}")]) from error
    faults: list[Fault] = []
    texts = {name: _text(fields, name, faults) for name in ("Region", "Time", "After")}
    resource = _resource(fields, faults)
    optional = {name: _optional(fields, name, kind, faults) for name, kind in _OPTIONAL.items()}
    notifications = _notifications(fields, faults)
    time = _time(texts["Time"], faults)
    faults.extend(Fault(name, "UnknownParameter", "is not a field of a line") for name in fields if name not in _KNOWN)
    if faults or resource is None:
        raise ChangeError(faults)
    change = Change(
        texts["Region"],
        time,
        texts["After"],
        resource,
        optional["Before"],
        optional["Attempt"],
        optional["Sequence"],
        optional["Traceparent"],
    )
    return ChangeLine(change, notifications)


def _text(fields: dict[str, Any], name: str, faults: list[Fault]) -> str:
    value = fields.get(name)
    if value is None:
        faults.append(Fault(name, "MissingParameter", "is missing"))
    elif not isinstance(value, str):
        faults.append(Fault(name, "InvalidParameterValue", f"must be a string, got {shown(value)}"))
    else:
        return value
    return ""


def _optional(fields: dict[str, Any], name: str, kind: type, faults: list[Fault]) -> Any:  # noqa: ANN401  kind decides
    value = fields.get(name)
    if value is not None and (not isinstance(value, kind) or isinstance(value, bool)):
        faults.append(Fault(name, "InvalidParameterValue", f"must be of type {kind.__name__}, got {shown(value)}"))
        return None
    return value


def _time(text: str, faults: list[Fault]) -> str:
    try:
        return utc_time(text) if text else text
    except ValueError:
        faults.append(Fault("Time", "InvalidParameterValue", f"{shown(text)} is not like 2026-01-02T03:04:05Z"))
        return text


def _resource(fields: dict[str, Any], faults: list[Fault]) -> Resource | None:
    present = [family for family in Family if family in fields]
    if len(present) != 1:
        found = f"found {', '.join(present)}" if present else "found none"
        faults.append(Fault("line", "MissingParameter", f"needs exactly one of {', '.join(Family)}; {found}"))
        return None
    try:
        return RESOURCES[present[0]].parse(fields[present[0]])
    except ResourceError as error:
        faults.extend(error.faults)
        return None


def _notifications(fields: dict[str, Any], faults: list[Fault]) -> tuple[Notification, ...] | None:
    source = fields.get("Notifications")
    if source is None:
        source = fields.get("notifications")
    if source is None:
        return None
    try:
        return parse_notifications(source)
    except NotificationsError as error:
        faults.extend(error.faults)
        return None
