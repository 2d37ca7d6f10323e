r"""Ids that anybody can compute again: the event id, and the CMQ msgId.

event id    the first 32 hexadecimal digits of SHA-256 over the compact JSON array of strings (UTF-8, not escaped)
                [region, resource path, event name, event time, attempt fields present, as "Name=value" …]
            The same transition, the same id, whoever saw it. Attempt fields (resources.py) tell two attempts at the
            same task instance or node apart; an empty one counts as absent
msgId       decimal digits of a 63-bit number: the first 8 bytes of SHA-256 over event id + "\n" + CMQ topic name, top
            bit cleared. The same for every subscription and every attempt
            Of a text that came without a msgId: over topic name + "\n" + partition + "\n" + offset
The recipes are fixed by golden values in the tests: ids are remembered by subscribers.
"""

from hashlib import sha256

import msgspec

from schemas.events import BatchEvent, Family
from schemas.resources import RESOURCES

_encode = msgspec.json.Encoder().encode


def event_id(event: BatchEvent, path: str) -> str:
    """The id of an event of the resource that stands at this path."""
    parts = [event.region, path, event.name, event.time]
    batch = event.batch
    for field in _ATTEMPT_FIELDS[event.family]:
        value = batch.get(field)
        if value:
            parts.append(f"{field}={value}")
    return sha256(_encode(parts)).hexdigest()[:32]


def message_id(an_event_id: str, topic_name: str) -> str:
    """The msgId of an event in a CMQ topic."""
    return _decimal(f"{an_event_id}\n{topic_name}")


def text_message_id(topic_name: str, partition: int, offset: int) -> str:
    """The msgId of a text of a CMQ topic, by where it lies."""
    return _decimal(f"{topic_name}\n{partition}\n{offset}")


def _decimal(text: str) -> str:
    return str(int.from_bytes(sha256(text.encode()).digest()[:8], "big") & 0x7FFF_FFFF_FFFF_FFFF)


_ATTEMPT_FIELDS: dict[Family, tuple[str, ...]] = {
    family: resource.attempt_fields for family, resource in RESOURCES.items()
}
