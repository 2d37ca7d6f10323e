"""The record of a held key in `cmq.<topic>.<subscription>.held`.

Shape   HeldState <-> record value; held_key(input, key) <-> record key; a tombstone releases the key
Key     one byte for the input (event topic or redrive topic), one that tells a null key from others (a compacted topic
        refuses null keys), then the event's key, or its SHA-256 if that is over 1 KiB
Value   JSON of HeldState; offsets are deltas, at most MAX_WRITTEN of them, `complete_through` says how far the list
        reaches. The event itself stays in its topic: no copy
Errors  reading is total: HeldRecordError for anything else
"""

from hashlib import sha256

import msgspec

MAX_KEY = 1 << 10
MAX_WRITTEN = 250
"""Deltas of three or four digits: about 1 KiB."""

EVENTS = 0
REDRIVE = 1


class HeldRecordError(ValueError):
    """A record of a held topic that is not ours."""


class HeldState(msgspec.Struct, frozen=True, array_like=True):
    """What is known of a held key.

    Attributes:
        frontier: everything of the key before this offset is settled.
        attempts: at the key's next event so far.
        first_attempt_ms, last_attempt_ms: Unix milliseconds; 0 without an attempt.
        due_ms: when it may be attempted again.
        known: deltas to the offsets of the key's next events, the first to the frontier, each other to the one before.
        complete_through: up to this offset of the partition `known` holds all the key's events.
        key: the event's key, where the record key holds its hash only.
        published_ms: when the key's next event was published, at the latest; 0 where nobody noted it.
    """

    frontier: int
    attempts: int
    first_attempt_ms: int
    last_attempt_ms: int
    due_ms: int
    known: tuple[int, ...]
    complete_through: int
    key: bytes | None = None
    published_ms: int = 0


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(HeldState)


def held_key(source: int, key: bytes | None) -> bytes:
    """The record key of a held key."""
    if key is None:
        return bytes((source, 0))
    return bytes((source, 1)) + (key if len(key) <= MAX_KEY else sha256(key).digest())


def write_state(state: HeldState) -> bytes:
    """The record value."""
    return _encoder.encode(state)


def read_record(record_key: bytes | None, value: bytes) -> tuple[int, bytes | None, HeldState]:
    """The input, the event's key and the state of a record.

    Raises:
        HeldRecordError: it is not such a record.
    """
    source, own = _read_key(record_key)
    try:
        state = _decoder.decode(value)
    except (ValueError, RecursionError) as error:
        raise HeldRecordError(f"not a held key: {error}") from error
    return source, state.key if state.key is not None else own, state


def released_key(record_key: bytes | None) -> tuple[int, bytes | None, None]:
    """The input and the event's key, or the hash of that, of a tombstone.

    Raises:
        HeldRecordError: it is not such a record.
    """
    return *_read_key(record_key), None


def _read_key(record_key: bytes | None) -> tuple[int, bytes | None]:
    if record_key is None or len(record_key) < 2:
        raise HeldRecordError(f"not the key of a held key: {record_key!r:.80}")
    return record_key[0], None if record_key[1] == 0 else record_key[2:]
