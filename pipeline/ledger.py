"""Offsets settled in any order -> what to commit: how far, and the map of what is settled beyond.

Shape   OffsetLedger, one for all assigned partitions: assign, received, settle, snapshot, committed, revoke
Units   offsets are ints as Kafka counts them; a snapshot's offset is the next to read
Fence   each assignment of a partition has its own number; a settle that carries another one changes nothing. Kafka
        itself fences members, not partitions: it accepts a live member's commit of a partition it no longer owns
Gaps    offsets need not be dense (transaction markers, compaction, retention): only what was received is waited for
Map     what a restored map has as settled is not received again, and stays in the map until the commit has passed it
Errors  LedgerError: an offset was settled that was not waiting, or received out of order
Bounds  memory and the cost of a snapshot grow with what is unsettled, not with what is settled behind a gap.
        No Kafka, no clock, no lock: the consumer thread is its only caller
"""

from collections import OrderedDict, deque
from collections.abc import Collection, Iterable
from itertools import pairwise

import msgspec

from pipeline.errors import LedgerError


class Snapshot(msgspec.Struct, frozen=True):
    """What one commit of a partition says.

    Attributes:
        offset: everything before it is settled.
        runs: beyond it, lengths of unsettled and settled runs in turn (commit_note.py).
        version: hand it back to committed().
    """

    offset: int
    runs: tuple[int, ...]
    version: int


class _Partition:
    __slots__ = ("assignment", "committed_version", "next_offset", "restored", "unsettled", "version")

    def __init__(self, assignment: int, start: int, restored: Iterable[tuple[int, int]]) -> None:
        self.assignment = assignment
        self.next_offset = start
        self.unsettled: OrderedDict[int, int] = OrderedDict()
        """Offsets, and when each was published."""

        self.restored = deque(restored)
        self.version = 0
        self.committed_version = 0


class OffsetLedger:
    """What is settled, by partition."""

    def __init__(self) -> None:
        self._partitions: dict[int, _Partition] = {}
        self._assignments = 0

    def assign(self, partition: int, start: int, settled: Iterable[tuple[int, int]] = ()) -> int:
        """Begin a partition at an offset, with the ranges [from, to) settled beyond it; returns its number."""
        self._assignments += 1
        self._partitions[partition] = _Partition(self._assignments, start, settled)
        return self._assignments

    def revoke(self, partition: int) -> None:
        """Forget a partition; results that are still on their way change nothing."""
        self._partitions.pop(partition, None)

    def assignment(self, partition: int) -> int | None:
        """The number of the current assignment, None if the partition is not ours."""
        state = self._partitions.get(partition)
        return None if state is None else state.assignment

    def assigned(self) -> list[int]:
        """The partitions that are ours."""
        return list(self._partitions)

    def position(self, partition: int) -> int:
        """The next offset that the partition will receive."""
        return self._partitions[partition].next_offset

    def received(self, partition: int, offset: int, published_ms: int = 0) -> bool:
        """Note a record; False if it was settled before, in the map that the partition began with."""
        state = self._partitions[partition]
        if offset < state.next_offset:
            raise LedgerError(f"partition {partition}: offset {offset} received after {state.next_offset - 1}")
        state.next_offset = offset + 1
        while state.restored and state.restored[0][1] <= offset:
            state.restored.popleft()
        if state.restored and state.restored[0][0] <= offset:
            return False
        state.unsettled[offset] = published_ms
        return True

    def settle(self, partition: int, assignment: int, offset: int) -> bool:
        """Note that a record is done; False if the partition has moved on."""
        state = self._partitions.get(partition)
        if state is None or state.assignment != assignment:
            return False
        if offset not in state.unsettled:
            raise LedgerError(f"partition {partition}: offset {offset} settled but not waiting")
        del state.unsettled[offset]
        state.version += 1
        return True

    def snapshot(self, partition: int, also: Collection[int] = ()) -> Snapshot:
        """What a commit would say now, were these offsets settled too."""
        state = self._partitions[partition]
        unsettled = [offset for offset in state.unsettled if offset not in also] if also else list(state.unsettled)
        start = unsettled[0] if unsettled else state.next_offset
        return Snapshot(start, _runs(start, unsettled, state), state.version)

    def changed(self) -> list[int]:
        """Partitions with something settled since the last acknowledged commit."""
        return [part for part, state in self._partitions.items() if state.version != state.committed_version]

    def committed(self, partition: int, assignment: int, version: int) -> None:
        """Note that the commit of a snapshot was acknowledged."""
        state = self._partitions.get(partition)
        if state is not None and state.assignment == assignment:
            state.committed_version = max(version, state.committed_version)

    def outstanding(self, partition: int | None = None) -> int:
        """How many received records are not settled: of one partition, or of all."""
        if partition is not None:
            return len(self._partitions[partition].unsettled)
        return sum(len(state.unsettled) for state in self._partitions.values())

    def oldest_ms(self) -> int | None:
        """When the oldest record that is not settled was published; None without one."""
        known = (ms for state in self._partitions.values() for ms in state.unsettled.values() if ms > 0)
        return min(known, default=None)

    def gap(self) -> int:
        """How many offsets are settled beyond the first unsettled one of their partition."""
        return sum(map(_gap, self._partitions.values()))


def _gap(state: _Partition) -> int:
    if not state.unsettled:
        return 0
    restored = sum(high - max(low, state.next_offset) for low, high in state.restored if high > state.next_offset)
    return state.next_offset - next(iter(state.unsettled)) - len(state.unsettled) + restored


def _runs(start: int, unsettled: list[int], state: _Partition) -> tuple[int, ...]:
    """Unsettled and settled lengths in turn from `start`, ending with a settled one; empty if nothing is beyond a gap.

    Between two unsettled records all is settled: what was received and done, and what is no record at all.
    """
    bounds: list[tuple[int, int]] = []  # settled ranges
    for before, after in pairwise(unsettled):
        if after > before + 1:
            bounds.append((before + 1, after))
    if unsettled and unsettled[-1] + 1 < state.next_offset:
        bounds.append((unsettled[-1] + 1, state.next_offset))
    bounds += [(max(low, state.next_offset), high) for low, high in state.restored if high > state.next_offset]
    runs: list[int] = []
    at = start
    for low, high in bounds:
        if runs and low == at:
            runs[-1] += high - low
        else:
            runs += [low - at, high - low]
        at = high
    return tuple(runs)
