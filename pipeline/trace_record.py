"""What the topic `cmq.trace` holds: attempts of traced subscriptions, for whoever asks why an event did not arrive.

Shape   TraceEntry, one for each attempt that has ended and each dead letter that was written; blocks(entries) -> record
        values, read_block(value) -> entries; trace_partition(key, partitions) says where an event's entries are
Form    one record for the entries that came together of one subscription and one trace partition: its key is the
        subscription's label, its value a version byte and a msgpack array of entries, each an array. New fields are
        added at the end of an entry, and older readers leave them out
Place   by the event's key, not the record's: whoever asks about one job reads one partition
Bounds  a record MAX_BYTES at most, a reason MAX_REASON characters, a key or id MAX_ID bytes
Errors  TraceBlockError: a record that is no such block, or of a version that we do not know
"""

from collections.abc import Iterator
from zlib import crc32

import msgspec

VERSION = b"\x01"

MAX_BYTES = 256 << 10
MAX_REASON = 200
MAX_ID = 1 << 10

DELIVERED = "delivered"
FAILED = "failed"
GONE = "gone"
UNSENT = "unsent"
ABANDONED = "abandoned"
DEAD_LETTER = "dead letter"
"""No attempt: the dead letter is durable. It is written for what was never attempted, too."""


class TraceBlockError(ValueError):
    """A record of the trace topic that we cannot read."""


class TraceEntry(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An attempt that has ended, or a dead letter.

    Attributes:
        time_ms: when the attempt began, or the dead letter was acknowledged; Unix milliseconds.
        source: which input partition and offset are of: the event topic, or the redrive topic (held_record.py).
        event_id, msg_id: empty where the record had none.
        attempt: its number; of a dead letter how many there were.
        outcome: one of the words above.
        next_try_ms: when the next attempt is due; None if there is none, or nobody knows yet.
    """

    time_ms: int
    source: int
    partition: int
    offset: int
    key: bytes | None
    event_id: bytes
    msg_id: str
    attempt: int
    outcome: str
    status: int | None
    reason: str | None
    duration_ms: float | None
    next_try_ms: int | None


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[TraceEntry]).decode


def trace_partition(key: bytes | None, partitions: int) -> int:
    """The partition of the trace topic that holds the entries of events with this key."""
    return crc32(key) % partitions if key else 0


def blocks(entries: list[TraceEntry]) -> Iterator[tuple[bytes, int]]:
    """The values of as many records as it takes, and how many entries each holds."""
    value = VERSION + _encode(entries)
    if len(value) <= MAX_BYTES or len(entries) == 1:
        yield value, len(entries)
    else:
        half = len(entries) // 2
        yield from blocks(entries[:half])
        yield from blocks(entries[half:])


def read_block(value: bytes | None) -> list[TraceEntry]:
    """The entries of a record.

    Raises:
        TraceBlockError: it is no such record.
    """
    if value is None or value[:1] != VERSION:
        raise TraceBlockError(f"no block of trace entries of version {VERSION[0]}")
    try:
        return _decode(value[1:])
    except (ValueError, RecursionError) as error:
        raise TraceBlockError(f"no block of trace entries: {error}") from error
