"""What an event is: BatchEvent, its five families, the 19 event names.

Shape   BatchEvent is immutable and holds the `Batch` object as a plain dict in wire order; on the hot path nothing
        is validated again, what came from outside was (resources.py, notifications.py, avro.py)
Source  Batch API 3.0 reference (the names), guide "Event Notice & Callback" (the envelope)
"""

import enum
from collections.abc import Mapping
from typing import Any

import msgspec


class Family(enum.StrEnum):
    """Whose state changed. The value is the API's name of the object, as in a line of `publish`."""

    JOB = "Job"
    TASK = "Task"
    TASK_INSTANCE = "TaskInstance"
    COMPUTE_NODE = "ComputeNode"
    COMPUTE_ENV = "ComputeEnv"


EVENT_FAMILIES: Mapping[str, Family] = {
    "JOB_RUNNING": Family.JOB,
    "JOB_SUCCEED": Family.JOB,
    "JOB_FAILED": Family.JOB,
    "JOB_FAILED_INTERRUPTED": Family.JOB,
    "TASK_RUNNING": Family.TASK,
    "TASK_SUCCEED": Family.TASK,
    "TASK_FAILED": Family.TASK,
    "TASK_FAILED_INTERRUPTED": Family.TASK,
    "TASK_INSTANCE_RUNNING": Family.TASK_INSTANCE,
    "TASK_INSTANCE_SUCCEED": Family.TASK_INSTANCE,
    "TASK_INSTANCE_FAILED": Family.TASK_INSTANCE,
    "TASK_INSTANCE_FAILED_INTERRUPTED": Family.TASK_INSTANCE,
    "COMPUTE_ENV_CREATED": Family.COMPUTE_ENV,
    "COMPUTE_ENV_DELETED": Family.COMPUTE_ENV,
    "COMPUTE_NODE_CREATED": Family.COMPUTE_NODE,
    "COMPUTE_NODE_CREATION_FAILED": Family.COMPUTE_NODE,
    "COMPUTE_NODE_RUNNING": Family.COMPUTE_NODE,
    "COMPUTE_NODE_ABNORMAL": Family.COMPUTE_NODE,
    "COMPUTE_NODE_DELETING": Family.COMPUTE_NODE,
}
"""All 19 event names, in the order of the API reference, with the family each belongs to."""

EVENT_NAMES = tuple(EVENT_FAMILIES)

_BY_FOLDED_NAME = {name.replace("_", ""): name for name in EVENT_NAMES}


def canonical_event_name(text: str) -> str | None:
    """Turn either spelling (`JOB_FAILED`, `JobFailed`) into the API's; None if it is not an event name.

    CamelCase is documented for two names only and whether case matters is unknown, so case is ignored.
    """
    return _BY_FOLDED_NAME.get(text.replace("_", "").upper())


class EventVar(msgspec.Struct, frozen=True):
    """One of the extra variables that a notification adds to each message."""

    Name: str
    Value: str


class BatchEvent(msgspec.Struct, frozen=True):
    """One lifecycle event.

    Attributes:
        family: whose event it is; decides the Avro schema.
        name: the event name; one this version does not know yet is carried through.
        time: ISO 8601, UTC, whole seconds, trailing Z.
        region: long form, e.g. `ap-guangzhou`; not checked against a list.
        batch: the `Batch` object: known fields in wire order, absent ones left out, then unknown ones as they came.
        event_vars: the variables of the matching event config.
        version: `EventVersion`.
        extra: unknown fields of the envelope, as they came.
    """

    family: Family
    name: str
    time: str
    region: str
    batch: dict[str, Any]
    event_vars: tuple[EventVar, ...] = ()
    version: str = "1.0"
    extra: dict[str, Any] | None = None
