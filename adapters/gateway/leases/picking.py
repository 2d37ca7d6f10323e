"""What one receive takes of one partition, before it is done.

Shape   Pick gathers; changes(...) gives the entries that say it
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from adapters.gateway.leases.entries import Settled, Taken
from adapters.gateway.leases.partition_state import PartitionState
from adapters.gateway.leases.shelf import Shelf

if TYPE_CHECKING:
    from adapters.gateway.slot_ports import Body


class Pick:
    """Of one partition."""

    __slots__ = ("bodies", "delayed", "dues", "partition", "settled", "shelf", "state", "upto")

    def __init__(self, state: PartitionState, partition: int, shelf: Shelf) -> None:
        self.state = state
        self.partition = partition
        self.shelf = shelf
        self.bodies: list[Body] = []
        self.settled: list[int] = []
        self.delayed: list[int] = []
        self.dues: list[int] = []
        self.upto = 0

    def changes(self, queue: int, number: int, until_ms: int, now_ms: int) -> Iterator[Settled | Taken]:
        """The entries; the lease has this number."""
        if self.settled:
            yield Settled(queue, self.partition, tuple(self.settled))
        if self.bodies or self.upto:
            offsets = tuple(body.offset for body in self.bodies)
            yield Taken(
                queue,
                self.partition,
                number if offsets else 0,
                until_ms if offsets else 0,
                now_ms if offsets else 0,
                offsets,
                self.upto,
                tuple(self.delayed),
                tuple(self.dues),
            )
