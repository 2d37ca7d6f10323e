"""A slot's state as parts of at most 512 kB, and back.

Shape   write(...) -> parts, read(parts) -> the same; a part is a MessagePack array of items, small ones share a part
Items   the head, then of each queue its head, its partitions, and their bits, leases, delays and graves in pieces
Time    nothing here knows of it: what has ended since is found by the first advance()
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

import msgspec

from adapters.gateway.leases.bitmap import Bitmap
from adapters.gateway.leases.partition_state import Grave, Lease, PartitionState
from adapters.gateway.leases.queue_state import QueueState

LARGEST_PART = 512_000
_ROOM = 440_000
_PIECE_BYTES = 65_536
_PIECE = 2_000
"""So many leases are at most 90 kB: an item never fills a part."""

FORM = 1

_T = TypeVar("_T")


class _Head(msgspec.Struct, array_like=True, tag=0):
    form: int
    next_queue: int
    gone: list[str]


class _Queue(msgspec.Struct, array_like=True, tag=1):
    number: int
    topic_id: str
    next_lease: int


class _Partition(msgspec.Struct, array_like=True, tag=2):
    number: int
    frontier: int
    base: int


class _Bits(msgspec.Struct, array_like=True, tag=3):
    bits: bytes


class _Leases(msgspec.Struct, array_like=True, tag=4):
    offsets: list[int]
    numbers: list[int]
    untils_ms: list[int]
    counts: list[int]
    firsts_ms: list[int]


class _Delays(msgspec.Struct, array_like=True, tag=5):
    offsets: list[int]
    dues_ms: list[int]


class _Graves(msgspec.Struct, array_like=True, tag=6):
    offsets: list[int]
    targets: list[str]
    ends: list[tuple[int, ...]]


_Item = _Head | _Queue | _Partition | _Bits | _Leases | _Delays | _Graves

_ENCODER = msgspec.msgpack.Encoder()
_PARTS: msgspec.msgpack.Decoder[list[_Item]] = msgspec.msgpack.Decoder(list[_Item])


def write(next_queue: int, gone: list[str], queues: Iterable[QueueState]) -> list[bytes]:
    """The parts, made at once: the state goes on changing."""
    parts: list[bytes] = []
    items: list[msgspec.Raw] = []
    size = 0
    for item in _items(next_queue, gone, queues):
        data = _ENCODER.encode(item)
        if size + len(data) > _ROOM:
            parts.append(_ENCODER.encode(items))
            items, size = [], 0
        items.append(msgspec.Raw(data))
        size += len(data)
    parts.append(_ENCODER.encode(items))
    return parts


def read(parts: Sequence[bytes]) -> tuple[int, list[str], list[QueueState]]:
    """What was written.

    Raises:
        msgspec.ValidationError, msgspec.DecodeError: it is none of ours.
        ValueError: it is of a later form.
    """
    next_queue, gone = 0, list[str]()
    queues: list[QueueState] = []
    partition = PartitionState()
    for part in parts:
        for item in _PARTS.decode(part):
            match item:
                case _Head():
                    if item.form != FORM:
                        raise ValueError(f"a snapshot of form {item.form}; this release reads form {FORM}")
                    next_queue, gone = item.next_queue, item.gone
                case _Queue():
                    queues.append(QueueState(item.number, item.topic_id, item.next_lease))
                case _Partition():
                    bitmap = Bitmap(item.base)
                    partition = queues[-1].partitions[item.number] = PartitionState(item.frontier, bitmap)
                case _:
                    _fill(partition, item)
    for queue in queues:
        for one in queue.partitions.values():
            one.restored()
    return next_queue, gone, queues


def _fill(partition: PartitionState, item: _Bits | _Leases | _Delays | _Graves) -> None:
    match item:
        case _Bits(bits):
            partition.settled.bits += bits
        case _Leases(offsets, numbers, untils, counts, firsts):
            leases = map(Lease, numbers, untils, counts, firsts)
            partition.leases.update(zip(offsets, leases, strict=True))
        case _Delays(offsets, dues):
            partition.delays.update(zip(offsets, dues, strict=True))
        case _Graves(offsets, targets, ends):
            partition.burying.update(zip(offsets, map(Grave, targets, ends), strict=True))


def _items(next_queue: int, gone: list[str], queues: Iterable[QueueState]) -> Iterator[_Item]:
    yield _Head(FORM, next_queue, gone)
    for queue in queues:
        yield _Queue(queue.number, queue.topic_id, queue.next_lease)
        for number, partition in queue.partitions.items():
            yield _Partition(number, partition.frontier, partition.settled.base)
            yield from _pieces(partition)


def _pieces(partition: PartitionState) -> Iterator[_Item]:
    bits = partition.settled.bits
    for at in range(0, len(bits), _PIECE_BYTES):
        yield _Bits(bytes(bits[at : at + _PIECE_BYTES]))
    for some in _by_piece(list(partition.leases.items())):
        leases = [lease for _, lease in some]
        yield _Leases(
            [offset for offset, _ in some],
            [lease.number for lease in leases],
            [lease.until_ms for lease in leases],
            [lease.count for lease in leases],
            [lease.first_ms for lease in leases],
        )
    for put_off in _by_piece(list(partition.delays.items())):
        yield _Delays([offset for offset, _ in put_off], [due for _, due in put_off])
    for graves in _by_piece(list(partition.burying.items())):
        yield _Graves(
            [offset for offset, _ in graves], [one.target for _, one in graves], [one.ends for _, one in graves]
        )


def _by_piece(items: list[_T]) -> Iterator[list[_T]]:
    for at in range(0, len(items), _PIECE):
        yield items[at : at + _PIECE]
