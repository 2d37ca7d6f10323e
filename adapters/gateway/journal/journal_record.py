"""The records of `cmq.slots`, and which of them count.

Shape   encode(record) -> bytes; JournalFold().take(offset, bytes), in order from the log's start on, tells what applies
Records Claim(epoch, address): from here on the slot is its writer's. Entries and Part carry the epoch of their claim
        and their place, the offset at which their writer expects them
Fence   A record counts if, and only if, every record from the last claim below it up to itself is of that claim's epoch
        and lies at its place. A writer acknowledges a record if, and only if, the broker has told it, for every one
        from its claim up to that record, the offset that was expected (slot_journal.py). That is the same condition:
        offsets are dense (nothing is transactional, nothing compacted) and no two records share one. So what was
        acknowledged counts for every reader, now and later, whatever comes behind it; a claim that lies behind it read
        it. What a former owner sends after a claim is of another epoch and void, and never acknowledged, for its offset
        is not the expected one. Where a record of the middle failed, those behind it lie at other places than expected:
        readers never see an effect without its cause
Epoch   drawn at random by each claim. It need not grow, for the log's order alone decides; and it stays right where a
        number made of offsets would not, in a topic that was made again
Start   the log begins with a claim at offset 0, or with the first part of an acknowledged snapshot, behind which it was
        trimmed: its epoch is then the one that counts
Errors  JournalVersionError: written by a later version. Bytes that are no record of ours break the chain like a record
        of another epoch, for the writer too
"""

import secrets

import msgspec

from pipeline.topics import TopicSpec, topic_spec

SLOTS_TOPIC = "cmq.slots"
SLOTS = 64
RECORD_MAX_BYTES = 512 << 10
"""What a snapshot's part or the entries of one record may have; a single append's entries may have more."""

SENDABLE_BYTES = 1_000_000
_TOPIC_MAX_BYTES = 1 << 20
_SEGMENT_BYTES = 32 << 20
"""What was trimmed leaves the disk by whole segments, never the active one."""

_HEAD = b"\xc1\x01"
"""A byte that no MessagePack begins with, and the version."""


class JournalVersionError(Exception):
    """The journal has records of a later version."""


class Claim(msgspec.Struct, frozen=True, array_like=True, tag=1):
    """From here on the slot belongs to whoever wrote this; address tells people who."""

    epoch: bytes
    address: str


class Entries(msgspec.Struct, frozen=True, array_like=True, tag=2):
    """Entries of a slot's state, in order."""

    epoch: bytes
    place: int
    entries: list[bytes]


class Part(msgspec.Struct, frozen=True, array_like=True, tag=3):
    """One of the parts of a snapshot, which lie next to each other; count 0: a snapshot without parts."""

    epoch: bytes
    place: int
    index: int
    count: int
    data: bytes


class Snapshot(msgspec.Struct, frozen=True):
    """A snapshot that is complete: everything before it is in it."""

    parts: list[bytes]


Record = Claim | Entries | Part

_ENCODER = msgspec.msgpack.Encoder()
_DECODER: msgspec.msgpack.Decoder[Record] = msgspec.msgpack.Decoder(Record)


def slots_spec(replication_factor: int) -> TopicSpec:
    """The topic: kept for ever, trimmed behind snapshots."""
    spec = topic_spec(SLOTS_TOPIC, SLOTS, replication_factor, -1, _TOPIC_MAX_BYTES)
    return msgspec.structs.replace(spec, config=spec.config | {"segment.bytes": str(_SEGMENT_BYTES)})


def new_epoch() -> bytes:
    """An epoch that no other claim has."""
    return secrets.token_bytes(8)


def encode(record: Record) -> bytes:
    """A record's value."""
    return _HEAD + _ENCODER.encode(record)


def decode(value: bytes | None) -> Record | None:
    """The record of a value; None if it is none of ours.

    Raises:
        JournalVersionError: it is one of ours that we cannot read.
    """
    if not value or value[:1] != _HEAD[:1]:
        return None
    if value[:2] != _HEAD:
        raise JournalVersionError(f"a record of version {value[1:2].hex()}, which this version cannot read")
    try:
        return _DECODER.decode(memoryview(value)[2:])
    except msgspec.MsgspecError:
        return None


class JournalFold:
    """Takes the records of a slot in order, from the log's start on, and says what each one means."""

    def __init__(self) -> None:
        self.void = 0
        """How many records did not count."""

        self._begun = False
        self._epoch = b""
        self._next = -1
        """Where the chain goes on; once passed by it stays behind, so the chain is broken until the next claim."""

        self._parts: list[bytes] = []

    def take(self, offset: int, value: bytes | None) -> Claim | Entries | Snapshot | None:
        """What applies with this record; None: it is void, or a part of what is not complete."""
        record = decode(value)
        if isinstance(record, Claim):
            self._begun, self._epoch, self._next = True, record.epoch, offset + 1
            self._parts = []
            return record
        if not self._begun:
            self._begun = True
            if isinstance(record, Part) and record.index == 0:
                self._epoch, self._next = record.epoch, offset
        if record is None or record.epoch != self._epoch or not offset == record.place == self._next:
            self.void += 1
            self._parts = []
            return None
        self._next = offset + 1
        if isinstance(record, Entries):
            self._parts = []  # of a snapshot that was given up
            return record
        return self._collect(record)

    def _collect(self, part: Part) -> Snapshot | None:
        if part.index == 0:
            self._parts = []
        elif part.index != len(self._parts):
            return None
        self._parts.append(part.data)
        if len(self._parts) < part.count:
            return None
        if part.count == 0:
            self._parts = []
        parts, self._parts = self._parts, []
        return Snapshot(parts)
