"""How much a slot's owner may keep in memory, and how many messages may be out.

Shape   Limits, the same for every queue; ByteBudget, one object for all slots of the replica
Bounds  all bodies at hand are within the budget, but for one fetch of each queue that is being asked: it must go on
"""

import msgspec


class Limits(msgspec.Struct, frozen=True):
    """Of each queue.

    Attributes:
        in_flight: received and neither deleted nor visible again; beyond it 6070.
        delayed: put off and known by name; those behind them wait in the log. So many may also wait to be buried for
            their age.
        delayed_most: put off by clients; beyond it 6070.
        prefetch: bodies at hand of a partition, and prefetch_bytes of them.
        again: bodies at hand, or on their way, of messages that are visible again.
        idle_s: a queue that nobody asks for so long is not read any more.
    """

    in_flight: int = 100_000
    delayed: int = 100_000
    delayed_most: int = 20_000
    prefetch: int = 1_000
    prefetch_bytes: int = 4 * 1024 * 1024
    again: int = 256
    idle_s: float = 60.0


class ByteBudget:
    """Counts bytes; one thread."""

    __slots__ = ("_limit", "used")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.used = 0

    @property
    def left(self) -> int:
        """How many more there may be; below 0 where a queue went on regardless."""
        return self._limit - self.used
