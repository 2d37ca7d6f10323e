"""A record -> what is sent of it, made when its turn comes.

Shape   Preparation(transform, on_unwanted)(item) sets the item's push, or why there is none: refused, or unwanted.
        ahead(record) is called before, by a thread that may wait: after it the former does not
"""

from collections.abc import Callable

from pipeline.item import Item
from pipeline.ports import Push
from pipeline.transform import Refusal, Transform, Unwanted


class Preparation:
    """One subscription's; any thread may call."""

    def __init__(self, transform: Transform, on_unwanted: Callable[[], None]) -> None:
        self._push = transform.push
        self.ahead = transform.ahead
        self._on_unwanted = on_unwanted

    def __call__(self, item: Item) -> None:
        """Make an item ready to be attempted, or to be disposed of."""
        match self._push(item.record):
            case Push() as push:
                item.push = push
            case Refusal(reason):
                item.refused = reason
            case Unwanted():
                item.unwanted = True
                self._on_unwanted()
