"""Order per key, concurrency across keys.

Shape   Lanes: add(item), take() -> next item that may be attempted, done(item), again(item), give_up(item), drop(…)
Rule    one item of a lane is out at a time, and it is the lane's oldest. A lane is a (partition, key)
Bounds  no I/O, no clock: the delivery's event loop is the only caller. How much may lie here is the caller's to say
"""

from collections import deque
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

LaneKey = tuple[int, bytes | None]


class LaneItem(Protocol):
    """What lanes need to know of an item."""

    @property
    def lane(self) -> LaneKey:
        """Partition and record key."""
        ...


ItemT = TypeVar("ItemT", bound=LaneItem)


class Lanes(Generic[ItemT]):
    """Queues of items, one a key, and the heads that are ready."""

    def __init__(self) -> None:
        self._lanes: dict[LaneKey, deque[ItemT]] = {}
        self._ready: deque[ItemT] = deque()

    def __len__(self) -> int:
        return sum(map(len, self._lanes.values()))

    @property
    def ready(self) -> bool:
        """Whether a head may be taken."""
        return bool(self._ready)

    def add(self, item: ItemT) -> None:
        """Put an item behind the others of its key."""
        lane = self._lanes.get(item.lane)
        if lane is None:
            self._lanes[item.lane] = deque((item,))
            self._ready.append(item)
        else:
            lane.append(item)

    def take(self) -> ItemT | None:
        """The next head that may be attempted; it stays its lane's head until done()."""
        return self._ready.popleft() if self._ready else None

    def done(self, item: ItemT) -> None:
        """The head is settled: its follower is ready."""
        if not self.holds(item):
            return
        lane = self._lanes[item.lane]
        lane.popleft()
        if lane:
            self._ready.append(lane[0])
        else:
            del self._lanes[item.lane]

    def again(self, item: ItemT) -> None:
        """The head may be attempted again."""
        if self.holds(item):
            self._ready.append(item)

    def holds(self, item: ItemT) -> bool:
        """Whether the item is still its lane's head: not if its partition was dropped meanwhile."""
        lane = self._lanes.get(item.lane)
        return lane is not None and lane[0] is item

    def head(self, key: LaneKey) -> ItemT | None:
        """The oldest item of a key."""
        lane = self._lanes.get(key)
        return None if lane is None else lane[0]

    def items(self, head: ItemT) -> list[ItemT]:
        """The items of this head's lane, in order; none if the head has gone."""
        return list(self._lanes[head.lane]) if self.holds(head) else []

    def take_if(self, wanted: Callable[[ItemT], bool]) -> list[ItemT]:
        """The heads that may be attempted and are such; they stay their lanes' heads until done()."""
        taken = [item for item in self._ready if wanted(item)]
        if taken:
            self._ready = deque(item for item in self._ready if not wanted(item))
        return taken

    def length(self, key: LaneKey) -> int:
        """How many items of a key lie here."""
        return len(self._lanes.get(key, ()))

    def withdraw(self, item: ItemT) -> bool:
        """Take a head that has just become ready back from those that may be attempted."""
        if self._ready and self._ready[-1] is item:
            self._ready.pop()
            return True
        return False

    def give_up(self, item: ItemT) -> list[ItemT]:
        """End the lane of this head; returns its items in order, none if the head has gone."""
        if not self.holds(item):
            return []
        return list(self._lanes.pop(item.lane))

    def drop(self, partitions: set[int]) -> None:
        """Forget all items of these partitions."""
        for key in [key for key in self._lanes if key[0] in partitions]:
            del self._lanes[key]
        self._ready = deque(item for item in self._ready if item.lane[0] not in partitions)
