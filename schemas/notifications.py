"""What SubmitJob and CreateComputeEnv say about notifications: Notification, EventConfig, EventVar.

Shape   parse_notifications(source) -> tuple of Notification. The source is a bare list, `{"Notifications": […]}`, a
        whole SubmitJob or CreateComputeEnv request, its `Job` or `ComputeEnv` object alone, or the SDK's own request
        objects; keys as the API (`TopicName`) or the guide (`topic_name`) spells them
Errors  NotificationsError with all faults at once, each with its path (`Notifications[0].EventConfigs[2].EventName`)
        and the Batch API's own error code
Liberal counts and lengths of configs and vars are documented nowhere and not limited. Which call accepts which
        event is: documented, its refusal is not; an env event in a job's notifications is inert, so it is let through
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import msgspec

from schemas.errors import Fault, NotificationsError, shown
from schemas.events import EventVar, canonical_event_name
from schemas.names import MAX_NAME_LENGTH, name_fault

WRAPPERS = ("Job", "ComputeEnv")


class EventConfig(msgspec.Struct, frozen=True):
    """Which event is wanted, by its canonical name, and which variables go with it."""

    event_name: str
    event_vars: tuple[EventVar, ...] = ()


class Notification(msgspec.Struct, frozen=True):
    """One CMQ topic and the events that go there."""

    topic_name: str
    event_configs: tuple[EventConfig, ...]


def parse_notifications(source: object) -> tuple[Notification, ...]:
    """Read notifications in any of the forms above.

    Raises:
        NotificationsError: all faults, in the order of the input.
    """
    faults: list[Fault] = []
    parsed = [_notification(item, path, faults) for path, item in _items(_unwrap(source), "Notifications", faults)]
    _refuse_repeated_pairs(parsed, faults)
    if faults:
        raise NotificationsError(faults)
    return tuple(
        Notification(topic, tuple(config for config in configs if config is not None)) for topic, configs in parsed
    )


def _plain(value: object) -> object:
    """The SDK's objects keep their fields behind `_serialize()`."""
    serialize = getattr(value, "_serialize", None)
    return serialize() if callable(serialize) else value


def _get(mapping: Mapping[str, Any], name: str) -> object:
    """A field under the API's spelling, or the guide's."""
    snake = "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")
    for spelling in (name, snake):
        if mapping.get(spelling) is not None:
            return mapping[spelling]
    return None


def _unwrap(source: object) -> object:
    source = _plain(source)
    for wrapper in WRAPPERS:
        if isinstance(source, Mapping) and (inner := _get(source, wrapper)) is not None:
            source = _plain(inner)
    if isinstance(source, Mapping):
        # A request without notifications is a request that wants none, as it is to the API. A mapping of
        # anything else is not a request: answering "none" would hide a mistyped file.
        known = {"Notifications", "notifications"} | {"JobName", "Tasks", "EnvName", "EnvData", "Placement"}
        if not known & set(source):
            return source
        wanted = _get(source, "Notifications")
        return [] if wanted is None else wanted
    return source


def _items(value: object, path: str, faults: list[Fault]) -> Iterator[tuple[str, object]]:
    if not isinstance(value, list | tuple):
        faults.append(Fault(path, "InvalidParameterValue", f"must be a list, got {shown(value)}"))
        return
    for index, item in enumerate(value):
        yield f"{path}[{index}]", _plain(item)


def _mapping(value: object, path: str, faults: list[Fault]) -> Mapping[str, Any] | None:
    if isinstance(value, Mapping):
        return value
    faults.append(Fault(path, "InvalidParameterValue", f"must be an object, got {shown(value)}"))
    return None


class _Read(NamedTuple):
    """One notification as it was read; None stands where a config was refused, so that positions keep."""

    topic_name: str
    event_configs: list[EventConfig | None]


def _notification(item: object, path: str, faults: list[Fault]) -> _Read:
    if (fields := _mapping(item, path, faults)) is None:
        return _Read("", [])
    topic = _topic_name(_get(fields, "TopicName"), f"{path}.TopicName", faults)
    configs_path = f"{path}.EventConfigs"
    configs = _get(fields, "EventConfigs")
    if configs is None:
        faults.append(Fault(configs_path, "MissingParameter", "is missing"))
        configs = ()
    elif configs in ([], ()):
        faults.append(Fault(configs_path, "InvalidParameterValue", "is empty: this notification asks for no event"))
    parsed = [_event_config(config, at, faults) for at, config in _items(configs, configs_path, faults)]
    _refuse_repeated_names([c.event_name if c else None for c in parsed], configs_path, faults)
    return _Read(topic or "", parsed)


def _topic_name(value: object, path: str, faults: list[Fault]) -> str | None:
    if value is None:
        faults.append(Fault(path, "MissingParameter", "is missing"))
        return None
    if not isinstance(value, str):
        faults.append(Fault(path, "InvalidParameter.NotificationTopicName", f"must be a string, got {shown(value)}"))
        return None
    if (reason := name_fault(value)) is not None:
        too_long = "TooLong" if len(value) > MAX_NAME_LENGTH else ""
        code = f"InvalidParameter.NotificationTopicName{too_long}"
        faults.append(Fault(path, code, f"{shown(value)} {reason}"))
        return None
    return value


def _event_config(item: object, path: str, faults: list[Fault]) -> EventConfig | None:
    if (fields := _mapping(item, path, faults)) is None:
        return None
    name = _get(fields, "EventName")
    canonical = canonical_event_name(name) if isinstance(name, str) else None
    if name is None:
        faults.append(Fault(f"{path}.EventName", "MissingParameter", "is missing"))
    elif canonical is None:
        reason = f"{shown(name)} is not an event name (such as JOB_FAILED)"
        faults.append(Fault(f"{path}.EventName", "InvalidParameterValue", reason))
    event_vars = _get(fields, "EventVars")
    parsed = [
        _event_var(var, at, faults)
        for at, var in _items(() if event_vars is None else event_vars, f"{path}.EventVars", faults)
    ]
    return None if canonical is None else EventConfig(canonical, tuple(v for v in parsed if v is not None))


def _event_var(item: object, path: str, faults: list[Fault]) -> EventVar | None:
    if (fields := _mapping(item, path, faults)) is None:
        return None
    texts: dict[str, str] = {}
    for field in ("Name", "Value"):
        value = _get(fields, field)
        if value is None:
            faults.append(Fault(f"{path}.{field}", "MissingParameter", "is missing"))
        elif not isinstance(value, str) or not _encodable(value):
            reason = f"must be a string, got {shown(value)}"
            faults.append(Fault(f"{path}.{field}", "InvalidParameterValue", reason))
        else:
            texts[field] = value
    return EventVar(**texts) if len(texts) == 2 else None


def _refuse_repeated_names(names: list[str | None], path: str, faults: list[Fault]) -> None:
    for index, name in enumerate(names):
        if name is not None and name in names[:index]:
            at = f"{path}[{index}].EventName"
            reason = f"{name} is repeated, first in EventConfigs[{names.index(name)}]"
            faults.append(Fault(at, "InvalidParameter.NotificationEventNameDuplicate", reason))


def _refuse_repeated_pairs(parsed: list[_Read], faults: list[Fault]) -> None:
    """The scope of the duplicate-name error is not stated; two configs for one topic would send one event twice."""
    first: dict[tuple[str, str], int] = {}
    for index, (topic, configs) in enumerate(parsed):
        for position, config in enumerate(configs):
            if config is None or not topic:
                continue
            before = first.setdefault((topic, config.event_name), index)
            if before != index:
                at = f"Notifications[{index}].EventConfigs[{position}].EventName"
                reason = f"{config.event_name} to topic {topic} is repeated, first in Notifications[{before}]"
                faults.append(Fault(at, "InvalidParameter.NotificationEventNameDuplicate", reason))


def _encodable(text: str) -> bool:
    """False for a lone surrogate, which no wire can carry."""
    return not any("\ud800" <= c <= "\udfff" for c in text)
