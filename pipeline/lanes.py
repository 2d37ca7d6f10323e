"""Order per key, concurrency across keys.

Shape   Lanes: add(item), take() -> next item that may be attempted, done(item), again(item), give_up(item), drop(…)
Rule    one item of a lane is out at a time, and it is the lane's oldest. A lane is a (partition, key)
Cost    an item knows its queue: a lane is looked up when an item is added and when its last one is done
Bounds  no I/O, no clock: the delivery's event loop is the only caller. How much may lie here is the caller's to say
"""

from collections import deque
from collections.abc import Callable
from typing import Any, Generic, Protocol, TypeVar

LaneKey = tuple[int, bytes | None]


class LaneItem(Protocol):
    """What lanes need to know of an item."""

    queue: Any
    """The items of its key, oldest first, itself among them; empty once they are forgotten. The lanes set it."""

    @property
    def lane(self) -> LaneKey:
        """Partition and record key."""


ItemT = TypeVar("ItemT", bound=LaneItem)


class Lanes(Generic[ItemT]):
    """Queues of items, one a key, and the heads that are ready."""

    def __init__(self) -> None:
        self._lanes: dict[LaneKey, deque[ItemT]] = {}
        self.ready: deque[ItemT] = deque()
        """Heads that may be attempted."""

    def __len__(self) -> int:
        return sum(map(len, self._lanes.values()))

    def add(self, item: ItemT) -> None:
        """Put an item behind the others of its key."""
        key = item.lane
        queue = self._lanes.get(key)
        if queue is None:
            item.queue = self._lanes[key] = deque((item,))
            self.ready.append(item)
        else:
            item.queue = queue
            queue.append(item)

    def take(self) -> ItemT:
        """The next head that may be attempted, of those that are ready; it stays its lane's head until done()."""
        return self.ready.popleft()

    def done(self, item: ItemT) -> None:
        """The head is settled: its follower is ready."""
        queue = item.queue
        if not queue or queue[0] is not item:
            return
        queue.popleft()
        if queue:
            self.ready.append(queue[0])
        else:
            del self._lanes[item.lane]

    def again(self, item: ItemT) -> None:
        """The head may be attempted again."""
        if self.holds(item):
            self.ready.append(item)

    @staticmethod
    def holds(item: ItemT) -> bool:
        """Whether the item is still its lane's head: not if its partition was dropped meanwhile."""
        return bool(item.queue) and item.queue[0] is item

    def items(self, head: ItemT) -> list[ItemT]:
        """The items of this head's lane, in order; none if the head has gone."""
        return list(head.queue) if self.holds(head) else []

    def take_if(self, wanted: Callable[[ItemT], bool]) -> list[ItemT]:
        """The heads that may be attempted and are such; they stay their lanes' heads until done()."""
        taken: list[ItemT] = []
        left: deque[ItemT] = deque()
        for item in self.ready:
            (taken if wanted(item) else left).append(item)
        self.ready = left
        return taken

    def withdraw(self, item: ItemT) -> bool:
        """Take a head that has just become ready back from those that may be attempted."""
        if self.ready and self.ready[-1] is item:
            self.ready.pop()
            return True
        return False

    def give_up(self, item: ItemT) -> list[ItemT]:
        """End the lane of this head; returns its items in order, none if the head has gone."""
        items = self.items(item)
        if items:
            del self._lanes[item.lane]
            item.queue.clear()
        return items

    def drop(self, partitions: set[int]) -> None:
        """Forget all items of these partitions."""
        for key in [key for key in self._lanes if key[0] in partitions]:
            self._lanes.pop(key).clear()
        self.ready = deque(item for item in self.ready if item.lane[0] not in partitions)
