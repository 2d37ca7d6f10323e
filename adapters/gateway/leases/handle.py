"""Receipt handles: which lease of which message, until when, and a proof that we gave it.

Shape   Handles(key).make(topic id, lease) -> text; .read(text, topic id, now) -> Place or None
Form    `<topic id>:<partition>:<offset>:<lease number>:<end of the lease, Unix ms>:<MAC>`, all of `[A-Za-z0-9:_-]`,
        for one client takes only `[A-Za-z0-9%#:_-]` and at most 256 of them
Proof   keyed BLAKE2b of 128 bits, compared in constant time before anything else is looked at; it takes a third of what
        HMAC-SHA256 does, and there are two for each message
Source  cmq.md 3.1, 7: a handle is of a receive, not of a message, and ends with the visibility time
"""

import hmac
from base64 import urlsafe_b64encode
from hashlib import blake2b, sha256

import msgspec

LONGEST = 256
_PURPOSE = b"receipt handle"
"""Sets these MACs apart from others that are made with the same key; at most 16 bytes."""


class Place(msgspec.Struct, frozen=True, gc=False):
    """What a handle is for."""

    partition: int
    offset: int
    number: int
    until_ms: int


class Handles:
    """Makes handles, and knows its own again: any replica that has the same key does."""

    def __init__(self, key: bytes) -> None:
        if not key:
            raise ValueError("an empty key proves nothing")
        self._key = sha256(key).digest()  # of a length that BLAKE2b takes

    def make(self, topic_id: str, partition: int, offset: int, number: int, until_ms: int) -> str:
        """The handle of a lease."""
        text = f"{topic_id}:{partition}:{offset}:{number}:{until_ms}"
        return f"{text}:{self._mac(text.encode()).decode()}"

    def read(self, handle: str, topic_id: str, now_ms: int) -> Place | None:
        """What it is for; None if we never gave it, for another topic or another time."""
        if len(handle) > LONGEST or not handle.isascii():
            return None
        text, _, mac = handle.rpartition(":")
        if not hmac.compare_digest(self._mac(text.encode()), mac.encode()):
            return None
        of, partition, offset, number, until_ms = text.rsplit(":", 4)
        place = Place(int(partition), int(offset), int(number), int(until_ms))
        return place if of == topic_id and now_ms < place.until_ms else None

    def _mac(self, text: bytes) -> bytes:
        mac = blake2b(text, key=self._key, digest_size=16, person=_PURPOSE)
        return urlsafe_b64encode(mac.digest())[:22]
