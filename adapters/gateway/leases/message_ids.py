"""What a queue topic's record says beside its body: its id, when it was sent, until when it is put off.

Shape   message_id, enqueue_time_s, delay_until_ms of a Body; derived_id(topic id, partition, offset) for the sender too
Id      the header where there is one (queue subscriptions, dead letters), else made of topic id, partition and offset:
        whoever knows where the message lies knows its id, without any state
Errors  none: a header that is not what it should be counts as absent, for anybody may write into a topic
"""

from hashlib import sha256

from adapters.gateway.slot_ports import Body
from pipeline.free_text import MESSAGE_ID
from pipeline.headers import find_header
from pipeline.transform import PUBLISH_TIME

DELAY_UNTIL = "cmq_delay_until"
"""Unix milliseconds, ASCII decimal."""

_LONGEST_ID = 64
_LONGEST_NUMBER = 16


def derived_id(topic_id: str, partition: int, offset: int) -> str:
    """Decimal digits of a 63-bit number: the first 8 bytes of SHA-256 over the three, top bit cleared."""
    digest = sha256(f"{topic_id}\n{partition}\n{offset}".encode()).digest()
    return str(int.from_bytes(digest[:8], "big") & 0x7FFF_FFFF_FFFF_FFFF)


def message_id(topic_id: str, body: Body) -> str:
    """The msgId of a message."""
    given = find_header(body.headers, MESSAGE_ID) if body.headers else None
    if given is not None and 0 < len(given) <= _LONGEST_ID and given.isalnum():
        return given.decode()
    return derived_id(topic_id, body.partition, body.offset)


def enqueue_time_s(body: Body) -> int:
    """When it was sent, Unix seconds."""
    published = _number(body, PUBLISH_TIME)
    return body.timestamp_ms // 1000 if published is None else published


def delay_until_ms(body: Body) -> int:
    """It is not to be received before; 0 if it is not put off."""
    return _number(body, DELAY_UNTIL) or 0


def _number(body: Body, name: str) -> int | None:
    value = find_header(body.headers, name) if body.headers else None
    if value is None or len(value) > _LONGEST_NUMBER or not value.isdigit():
        return None
    return int(value)
