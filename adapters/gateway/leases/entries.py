"""The entries of a slot's journal: every change of its queues' state, as few bytes as will do.

Shape   encode(entry) -> bytes, decode(bytes) -> Entry; MessagePack arrays whose first element says which
Queues  go by a short number of their slot, which Opened ties to the id of their Kafka topic
Apply   an entry says what became of offsets, never what was: the same entries in the same order give the same state
"""

import msgspec


class Opened(msgspec.Struct, frozen=True, array_like=True, tag=0, gc=False):
    """A queue of the slot has this number from now on."""

    queue: int
    topic_id: str


class Taken(msgspec.Struct, frozen=True, array_like=True, tag=1):
    """Messages were leased, put off or passed over.

    Attributes:
        number: of the lease, never given twice in a queue; 0 if nothing is leased.
        until_ms: then the leases end.
        at_ms: when it was; the first time, for those that were never received.
        offsets: what is leased.
        delayed: what is put off, and `dues` until when; of these only new ones.
        upto: the frontier from now on, if that is further. What lies below it and is in no list is settled: no
            messages (transaction markers, aborted records), or expired ones.
    """

    queue: int
    partition: int
    number: int
    until_ms: int
    at_ms: int
    offsets: tuple[int, ...]
    upto: int
    delayed: tuple[int, ...] = ()
    dues: tuple[int, ...] = ()


class Settled(msgspec.Struct, frozen=True, array_like=True, tag=2):
    """Deleted, expired, not there any more, or a dead letter that is written."""

    queue: int
    partition: int
    offsets: tuple[int, ...]


class Released(msgspec.Struct, frozen=True, array_like=True, tag=3):
    """A lease undone, as if it had never been: nobody got the answer. Only what it still holds is named."""

    queue: int
    partition: int
    number: int
    offsets: tuple[int, ...]


class Rewound(msgspec.Struct, frozen=True, array_like=True, tag=4, gc=False):
    """Nothing from this offset on counts as settled."""

    queue: int
    partition: int
    offset: int


class Trimmed(msgspec.Struct, frozen=True, array_like=True, tag=5, gc=False):
    """The log begins here now: everything below is settled."""

    queue: int
    partition: int
    low: int


class Burying(msgspec.Struct, frozen=True, array_like=True, tag=6):
    """A message is about to become a dead letter; Settled says that it has, Shown that it shall not.

    Attributes:
        target: the dead-letter queue.
        ends: of the target's partitions, before anything was written: from there on it is looked for.
    """

    queue: int
    partition: int
    offset: int
    target: str
    ends: tuple[int, ...]


class Shown(msgspec.Struct, frozen=True, array_like=True, tag=7, gc=False):
    """A message that was to become a dead letter is visible again."""

    queue: int
    partition: int
    offset: int


class Dropped(msgspec.Struct, frozen=True, array_like=True, tag=8, gc=False):
    """The queue was deleted; its topic id is void."""

    queue: int


Entry = Opened | Taken | Settled | Released | Rewound | Trimmed | Burying | Shown | Dropped

_ENCODER = msgspec.msgpack.Encoder()
_DECODER: msgspec.msgpack.Decoder[Entry] = msgspec.msgpack.Decoder(Entry)


def encode(entry: Entry) -> bytes:
    """An entry's bytes."""
    return _ENCODER.encode(entry)


def decode(data: bytes) -> Entry:
    """An entry from its bytes.

    Raises:
        msgspec.ValidationError, msgspec.DecodeError: it is none of ours.
    """
    return _DECODER.decode(data)
