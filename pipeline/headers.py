"""The record headers of an event: CloudEvents' Kafka binding, binary mode, and what the CMQ text lacks.

Shape   event_headers(event, change, id) -> list of (name, bytes)
Carried here only, so that the CMQ JSON stays as documented: id, previous state, attempt, sequence, traceparent
Source  CloudEvents 1.0, Kafka protocol binding; CAM resource names for the source
"""

from pipeline.lifecycle import Change
from schemas.avro import CONTENT_TYPE
from schemas.events import BatchEvent

Headers = list[tuple[str, str | bytes | None]]

EVENT_ID = "ce_id"
TRACEPARENT = "traceparent"

TYPE_PREFIX = "com.tencentcloud.batch."

_FIXED: Headers = [("ce_specversion", b"1.0"), ("content-type", CONTENT_TYPE.encode())]


def event_headers(event: BatchEvent, change: Change, event_id: str) -> Headers:
    """Headers for the record that carries the event."""
    headers = [
        *_FIXED,
        (EVENT_ID, event_id.encode()),
        ("ce_source", f"qcs::batch:{event.region}".encode()),
        ("ce_type", f"{TYPE_PREFIX}{event.name}".encode()),
        ("ce_subject", change.resource.path().encode()),
        ("ce_time", event.time.encode()),
    ]
    if change.before is not None:
        headers.append(("ce_previousstate", change.before.encode()))
    if change.attempt is not None:
        headers.append(("ce_attempt", str(change.attempt).encode()))
    if change.sequence is not None:
        headers.append(("ce_sequence", change.sequence.encode()))
    if change.traceparent is not None:
        headers.append((TRACEPARENT, change.traceparent.encode()))
    return headers


def find_header(headers: Headers | None, name: str) -> bytes | None:
    """The last value of a header, as Kafka's clients read them; None if it is not there."""
    for one, value in reversed(headers or ()):
        if one == name:
            return value if isinstance(value, bytes) else None
    return None
