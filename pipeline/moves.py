"""What a transaction of an input writes: where its held keys stand now, and dead letters.

Shape   writes_of(names, keys, moves, burials) -> writes; Move is what changes in one partition; point_of(moves,
        burials) is the kill point of such a transaction
Bounds  no I/O; it changes nothing
"""

from collections.abc import Mapping, Sequence

import msgspec

from pipeline.burials import Burial
from pipeline.dead_letter import dead_letter_headers
from pipeline.held import HeldKey, HeldKeys, HeldPhase
from pipeline.held_record import held_key, write_state
from pipeline.ports import Write


class Names(msgspec.Struct, frozen=True):
    """The topics of one input, and its number in the held records."""

    events: str
    held: str
    dead_letters: str
    source: int


class Move(msgspec.Struct, frozen=True):
    """What a transaction moves in one partition: these keys; `also` are offsets that it settles."""

    partition: int
    keys: HeldKeys
    held: list[HeldKey]
    also: list[int]

    @property
    def wanted(self) -> bool:
        """Whether there is anything."""
        return bool(self.held)


def writes_of(
    names: Names, keys: Mapping[int, HeldKeys], moves: Sequence[Move], burials: Sequence[Burial]
) -> list[Write]:
    """Records and tombstones of the keys that move, each dead letter, and what that means for its key."""

    def of_key(partition: int, held: HeldKey, *, past_next: bool = False) -> Write:
        value = None
        if held.phase is not HeldPhase.RELEASING:
            value = write_state(held.state(keys[partition].position, past_next=past_next))
        return Write(names.held, partition, held_key(names.source, held.key), value)

    buried = {burial.held for burial in burials if burial.held is not None}
    writes = [of_key(move.partition, held) for move in moves for held in move.held if held not in buried]
    for burial in burials:
        record = burial.item.record
        headers = dead_letter_headers(burial.letter, names.events)
        writes.append(Write(names.dead_letters, record.partition, record.key, burial.letter.record.value, headers))
        if burial.held is not None:
            writes.append(of_key(record.partition, burial.held, past_next=True))
    return writes


def point_of(moves: Sequence[Move], burials: Sequence[Burial]) -> str:
    """By the gravest of what it does: dead letters, then releases."""
    if burials:
        return "in-dead-letter-write"
    releasing = any(held.phase is HeldPhase.RELEASING for move in moves for held in move.held)
    return "in-release" if releasing else "in-held-transaction"
