"""How much may lie between the source and its settling: of one input, and of each partition.

Shape   Room(ledger, bounds): there, step, limit() before a poll; fill(items), free(items), forget(partition) as they
        come and go; full() -> partitions that have enough unsettled for now
Bounds  events and bytes of an input; MAX_UNSETTLED events of a partition, so that the map of what is settled fits into
        its commit. All subscriptions of a process share TOTAL_EVENTS and TOTAL_BYTES: many have less each
Bytes   what a record and its request take, and OVERHEAD for the objects around them
"""

from collections.abc import Iterable

import msgspec

from pipeline.item import Item
from pipeline.ledger import OffsetLedger

MAX_EVENTS = 5_000
MAX_BYTES = 16 << 20
TOTAL_EVENTS = 100_000
TOTAL_BYTES = 256 << 20
LEAST_EVENTS = 500
LEAST_BYTES = 1 << 20
OVERHEAD = 2 << 10

MAX_UNSETTLED = 2_500
BATCH = 1_000
"""At most so many records are read in one go."""


class Bounds(msgspec.Struct):
    """Of one input. All inputs of a process may have the same one: what it says may change under them."""

    events: int = MAX_EVENTS
    bytes: int = MAX_BYTES

    @property
    def step(self) -> int:
        """Room for so many makes a read worth it, because many small batches cost more than few."""
        return min(BATCH, self.events // 5)

    def share(self, subscriptions: int) -> None:
        """From now on there are so many HTTP subscriptions."""
        self.events, self.bytes = msgspec.structs.astuple(share(subscriptions))


def share(subscriptions: int) -> Bounds:
    """What each of so many subscriptions may hold."""
    events = max(LEAST_EVENTS, min(MAX_EVENTS, TOTAL_EVENTS // subscriptions))
    return Bounds(events, max(LEAST_BYTES, min(MAX_BYTES, TOTAL_BYTES // subscriptions)))


class Room:
    """What is left of an input's bounds."""

    def __init__(self, ledger: OffsetLedger, bounds: Bounds) -> None:
        self._ledger = ledger
        self._bounds = bounds
        self._bytes: dict[int, int] = {}
        """By assignment."""

        self._full: set[int] = set()

    @property
    def there(self) -> bool:
        """Whether more may be read: room for a step at least."""
        return self._ledger.outstanding() <= self._bounds.events - self._bounds.step and self.bytes < self._bounds.bytes

    @property
    def bytes(self) -> int:
        """What lies there."""
        return sum(self._bytes.values())

    @property
    def step(self) -> int:
        """How many events should be settled before it is worth to look again."""
        return max(1, min(self._bounds.step, self._ledger.outstanding() // 4))

    def limit(self) -> int:
        """How many records may be read now."""
        return min(BATCH, self._bounds.events - self._ledger.outstanding())

    def full(self) -> set[int]:
        """Partitions that have enough; they are read on when half of that is settled."""
        for partition in self._ledger.assigned():
            unsettled = self._ledger.outstanding(partition)
            if unsettled > MAX_UNSETTLED:
                self._full.add(partition)
            elif unsettled < MAX_UNSETTLED // 2:
                self._full.discard(partition)
        return self._full

    def fill(self, items: Iterable[Item]) -> None:
        """These lie here from now on."""
        for item in items:
            self._bytes[item.assignment] = self._bytes.get(item.assignment, 0) + item.size + OVERHEAD

    def free(self, *items: Item) -> None:
        """These lie here no longer; those of an assignment that is over were let go of with it."""
        for item in items:
            if item.assignment in self._bytes:
                self._bytes[item.assignment] -= item.size + OVERHEAD

    def forget(self, partition: int) -> None:
        """The partition goes, with all that lies here of it; the ledger still knows it."""
        self._bytes.pop(self._ledger.assignment(partition) or 0, None)
        self._full.discard(partition)
