"""BatchEvent <-> the text of a CMQ message, and its Base64.

Shape   message_text(event) -> b'{"Events":[…]}', message_body(event) -> its Base64
Form    compact JSON, UTF-8, non-ASCII unescaped; envelope keys in the order of the guide's sample, the `Batch` object
        in its own order, unknown fields last. The sample comes out byte for byte
Errors  reading is total: CmqMessageError, never another exception
Source  guide "Event Notice & Callback": the COMPUTE_NODE_CREATED sample, the only one published
"""

import binascii
from typing import Any

import msgspec

from schemas.errors import CmqMessageError
from schemas.events import EVENT_FAMILIES, BatchEvent, EventVar, Family

_encode = msgspec.json.Encoder().encode

_ENVELOPE = frozenset({"EventVersion", "EventTime", "Region", "Batch", "EventName", "EventVars"})


class _Envelope(msgspec.Struct):
    """One element of `Events`, read strictly enough to be an event again."""

    EventVersion: str
    EventTime: str
    Region: str
    Batch: dict[str, Any]
    EventName: str
    EventVars: list[EventVar]


def message_text(event: BatchEvent) -> bytes:
    """The text of the message that carries this event."""
    envelope = {
        "EventVersion": event.version,
        "EventTime": event.time,
        "Region": event.region,
        "Batch": event.batch,
        "EventName": event.name,
        "EventVars": event.event_vars,
    }
    if event.extra is not None:
        envelope |= event.extra
    return _encode({"Events": (envelope,)})


def message_body(event: BatchEvent) -> bytes:
    """The Base64 of the text: what `msgBody` holds."""
    return binascii.b2a_base64(message_text(event), newline=False)


def parse_text(text: bytes | str) -> list[BatchEvent]:
    """Read the text of a message; more than one event was never seen, but the envelope is a list.

    Raises:
        CmqMessageError: the text is not JSON of this shape.
    """
    try:
        document = msgspec.json.decode(text)
        elements = msgspec.convert(document, dict[str, list[dict[str, Any]]])["Events"]
        return [_event(element) for element in elements]
    except (ValueError, KeyError, RecursionError) as error:
        raise CmqMessageError(f"not a CMQ message of Batch events: {error}") from error


def parse_body(body: bytes | str) -> list[BatchEvent]:
    """Read the Base64 of a message.

    Raises:
        CmqMessageError: not Base64, or not of that text.
    """
    try:
        text = binascii.a2b_base64(body, strict_mode=True)
    except ValueError as error:
        raise CmqMessageError(f"not Base64: {error}") from error
    return parse_text(text)


def _event(element: dict[str, Any]) -> BatchEvent:
    envelope = msgspec.convert(element, _Envelope)
    extra = {name: value for name, value in element.items() if name not in _ENVELOPE}
    return BatchEvent(
        _family(envelope),
        envelope.EventName,
        envelope.EventTime,
        envelope.Region,
        envelope.Batch,
        tuple(envelope.EventVars),
        envelope.EventVersion,
        extra or None,
    )


def _family(envelope: _Envelope) -> Family:
    """By the event's name; by what the object holds for a name this version does not know."""
    known = EVENT_FAMILIES.get(envelope.EventName)
    if known is not None:
        return known
    batch = envelope.Batch
    if "ComputeNodeId" in batch:
        return Family.COMPUTE_NODE
    if "JobId" not in batch:
        return Family.COMPUTE_ENV
    if "TaskName" not in batch:
        return Family.JOB
    return Family.TASK_INSTANCE if "TaskInstanceIndex" in batch else Family.TASK
