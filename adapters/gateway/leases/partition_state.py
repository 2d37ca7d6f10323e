"""What became of the offsets of one partition of a queue.

Shape   PartitionState: take, settle, release, rewind, trim, bury, show change it, each as an entry says; advance(now)
        lets leases and delays end
States  at or above `frontier` nothing has happened. Below, an offset is settled (a bit), leased, put off, about to be
        buried, or visible: its lease or delay is over, or a rewind took it out of the settled set
Time    leases and delays end by advance() alone, which is no entry: a restored state gets there by the same call. A
        lease that is over keeps its count and first time, and has the number 0, which no handle has
Order   `visible` is in order of becoming visible. What a rewind left open is found by a scan, a little at a time, since
        millions may be
Memory  a bit for each offset above the lowest unsettled one; about 190 bytes for a message that was received and not
        deleted, 150 for one that is put off. Both are bounded by the limits on messages in flight
"""

import heapq
from collections import OrderedDict
from collections.abc import Collection, Iterable, Sequence

import msgspec

from adapters.gateway.leases.bitmap import Bitmap

_FEW = 64


class Lease(msgspec.Struct, gc=False):
    """The last receive of a message; number 0: it is over, or undone."""

    number: int
    until_ms: int
    count: int
    first_ms: int


class Grave(msgspec.Struct, frozen=True):
    """Where a message is to be buried; see entries.Burying."""

    target: str
    ends: tuple[int, ...]


class PartitionState:
    """The state of one partition; does no I/O and knows no clock."""

    __slots__ = ("_due", "_scan", "burying", "delays", "frontier", "held", "leases", "settled", "visible")

    def __init__(self, frontier: int = 0, settled: Bitmap | None = None) -> None:
        self.frontier = frontier
        self.settled = Bitmap(frontier) if settled is None else settled
        self.leases: dict[int, Lease] = {}
        self.delays: dict[int, int] = {}
        self.burying: dict[int, Grave] = {}
        self.held = 0
        """Leases in force."""

        self.visible: OrderedDict[int, None] = OrderedDict()
        self._due: list[tuple[int, int, tuple[int, ...]]] = []
        """A heap of what ends when: time, lease number (0: a delay), offsets; with what has ended otherwise."""

        self._scan = self.settled.base
        """Open offsets below are all in `visible`."""

    def take(self, number: int, until_ms: int, at_ms: int, offsets: tuple[int, ...]) -> None:
        """Lease offsets below the frontier."""
        leases, visible = self.leases, self.visible
        for offset in offsets:
            lease = leases.get(offset)
            if lease is None:
                leases[offset] = Lease(number, until_ms, 1, at_ms)
                self.held += 1
                if self.delays:
                    self.delays.pop(offset, None)
            else:
                self.held += not lease.number
                lease.number = number
                lease.until_ms = until_ms
                lease.count += 1
            if visible:
                visible.pop(offset, None)
        self._will_end(until_ms, number, offsets)

    def move(self, upto: int, leased: Collection[int], delayed: Sequence[int], dues: Sequence[int]) -> None:
        """Move the frontier up; what is neither leased nor put off there is settled."""
        low = self.frontier
        if upto <= low:
            return
        kept = {offset for offset in leased if offset >= low}
        kept.update(delayed)
        if len(kept) < upto - low:
            at = low
            for offset in sorted(kept):
                self.settled.fill(at, offset)
                at = offset + 1
            self.settled.fill(at, upto)
            self.settled.trim()
        if self._scan == low:
            self._scan = upto
        self.frontier = upto
        for offset, due_ms in zip(delayed, dues, strict=True):
            self.delays[offset] = due_ms
            self._will_end(due_ms, 0, (offset,))

    def settle(self, offsets: Iterable[int]) -> None:
        """They are done with."""
        for offset in offsets:
            if offset >= self.frontier:
                raise ValueError(f"offset {offset} settled beyond the frontier {self.frontier}")
            self._forget(offset)
            self.settled.add(offset)
        self.settled.trim()

    def release(self, number: int, offsets: Iterable[int]) -> None:
        """Undo a lease that is in force; what it had is the first to be visible."""
        for offset in offsets:
            lease = self.leases.get(offset)
            if lease is None or lease.number != number:
                continue
            self.held -= 1
            lease.number = 0
            lease.count -= 1
            if not lease.count:
                del self.leases[offset]
            self.visible[offset] = None
            self.visible.move_to_end(offset, last=False)

    def rewind(self, offset: int) -> None:
        """Take everything from there on out of the settled set; what is leased or put off stays so."""
        self.settled.clear(offset, self.frontier)
        self._scan = min(self._scan, offset)

    def trim(self, low: int) -> None:
        """Settle everything below."""
        for offset in [*self.leases, *self.delays, *self.burying, *self.visible]:
            if offset < low:
                self._forget(offset)
        self.frontier = max(self.frontier, low)
        self.settled.fill_below(low)
        self._scan = max(self._scan, low)

    def bury(self, offset: int, grave: Grave) -> None:
        """It is on its way to the dead letters."""
        if (lease := self.leases.get(offset)) is not None and lease.number:
            lease.number = 0  # over, when the entry is read again: nothing else is buried
            self.held -= 1
        self.delays.pop(offset, None)  # over as well
        self.visible.pop(offset, None)
        self.burying[offset] = grave

    def show(self, offset: int) -> None:
        """It does not go to the dead letters after all."""
        if self.burying.pop(offset, None) is not None:
            self.visible[offset] = None

    def hide(self, offset: int) -> None:
        """Let nobody take it until it is buried or shown; a restored state does not know of it."""
        self.visible.pop(offset, None)

    def is_hidden(self, offset: int) -> bool:
        """Whether nobody can take it, although nothing that is in the journal is in the way."""
        lease = self.leases.get(offset)
        held = (lease is not None and lease.number) or offset in self.delays or offset in self.burying
        return not held and offset not in self.visible and offset not in self.settled

    def unhide(self, offset: int) -> None:
        """It may be taken again."""
        if self.is_hidden(offset):
            self.visible[offset] = None

    def advance(self, now_ms: int) -> None:
        """End the leases and delays whose time has come."""
        due = self._due
        while due and due[0][0] <= now_ms:
            due_ms, number, offsets = heapq.heappop(due)
            for offset in offsets:
                if self._ends(offset, number, due_ms):
                    if number:
                        self.leases[offset].number = 0
                        self.held -= 1
                    else:
                        del self.delays[offset]
                    self.visible[offset] = None

    def next_due_ms(self) -> int | None:
        """When a lease or a delay ends next."""
        while self._due:
            at_ms, number, offsets = self._due[0]
            if any(self._ends(offset, number, at_ms) for offset in offsets):
                return at_ms
            heapq.heappop(self._due)
        return None

    def open_up(self, wanted: int) -> None:
        """Put what a rewind left open among the visible, until there are so many."""
        if self._scan >= self.frontier or len(self.visible) >= wanted:
            return
        for offset in self.settled.missing(self._scan, self.frontier):
            if offset in self.leases or offset in self.delays or offset in self.burying or offset in self.visible:
                continue
            self.visible[offset] = None
            if len(self.visible) >= wanted:
                self._scan = offset + 1
                return
        self._scan = self.frontier

    def unsettled(self) -> int:
        """How many offsets below the frontier are not settled."""
        base = self.settled.base
        return max(0, self.frontier - base - self.settled.count(base, self.frontier))

    def first_unsettled(self) -> int | None:
        """The lowest offset below the frontier that is not settled."""
        return next(self.settled.missing(self.settled.base, self.frontier), None)

    def restored(self) -> None:
        """The dictionaries were filled in from a snapshot."""
        self.held = sum(1 for lease in self.leases.values() if lease.number)
        over = [(lease.until_ms, offset) for offset, lease in self.leases.items() if not lease.number]
        self.visible = OrderedDict.fromkeys(offset for _, offset in sorted(over))
        for offset in self.burying:
            self.visible.pop(offset, None)
        self._scan = self.settled.base
        self._collect_due()

    def _ends(self, offset: int, number: int, at_ms: int) -> bool:
        if not number:
            return self.delays.get(offset) == at_ms
        lease = self.leases.get(offset)
        return lease is not None and lease.number == number

    def _forget(self, offset: int) -> None:
        lease = self.leases.pop(offset, None)
        if lease is not None and lease.number:
            self.held -= 1
            return
        self.visible.pop(offset, None)
        self.delays.pop(offset, None)
        self.burying.pop(offset, None)

    def _will_end(self, at_ms: int, number: int, offsets: tuple[int, ...]) -> None:
        if len(self._due) > _FEW + 2 * (self.held + len(self.delays)):
            self._collect_due()  # most of what is noted has ended otherwise
        if offsets:
            heapq.heappush(self._due, (at_ms, number, offsets))

    def _collect_due(self) -> None:
        groups: dict[tuple[int, int], list[int]] = {}
        for offset, lease in self.leases.items():
            if lease.number:
                groups.setdefault((lease.until_ms, lease.number), []).append(offset)
        for offset, due_ms in self.delays.items():
            groups.setdefault((due_ms, 0), []).append(offset)
        self._due = [(at_ms, number, tuple(offsets)) for (at_ms, number), offsets in groups.items()]
        heapq.heapify(self._due)
