"""What became of a queue's messages, by partition.

Shape   QueueState: apply(entry) changes it, partition(n) gives a partition's state; whether a handle is good
Numbers a lease number is never given twice in a queue, not even after a rewind: it is the next that no entry has named
"""

from collections.abc import Callable
from typing import Any

from adapters.gateway.leases.entries import Burying, Released, Rewound, Settled, Shown, Taken, Trimmed
from adapters.gateway.leases.handle import Place
from adapters.gateway.leases.partition_state import Grave, PartitionState

Change = Taken | Settled | Released | Rewound | Trimmed | Burying | Shown


class QueueState:
    """The state of one queue; `number` is the short one of its slot."""

    __slots__ = ("next_lease", "number", "partitions", "topic_id")

    def __init__(self, number: int, topic_id: str, next_lease: int = 1) -> None:
        self.number = number
        self.topic_id = topic_id
        self.next_lease = next_lease
        self.partitions: dict[int, PartitionState] = {}

    def partition(self, number: int) -> PartitionState:
        """The state of a partition; of a new one nothing is known."""
        state = self.partitions.get(number)
        if state is None:
            state = self.partitions[number] = PartitionState()
        return state

    def apply(self, change: Change) -> None:
        """Take up a change, a new one or one of the journal."""
        _APPLY[type(change)](self, self.partition(change.partition), change)

    def take(self, state: PartitionState, taken: Taken) -> None:
        """See entries.Taken."""
        state.move(taken.upto, taken.offsets, taken.delayed, taken.dues)
        if taken.offsets:
            state.take(taken.number, taken.until_ms, taken.at_ms, taken.offsets)
            self.next_lease = max(self.next_lease, taken.number + 1)

    def holds(self, place: Place) -> bool:
        """Whether a handle, good by its proof and its time, is of the message's last lease."""
        state = self.partitions.get(place.partition)
        lease = state.leases.get(place.offset) if state else None
        return lease is not None and lease.number == place.number

    def is_settled(self, place: Place) -> bool:
        """Whether its message is done with."""
        state = self.partitions.get(place.partition)
        return state is not None and place.offset in state.settled

    def held(self) -> int:
        """Leases in force."""
        return sum(state.held for state in self.partitions.values())


_APPLY: dict[type, Callable[[QueueState, PartitionState, Any], None]] = {
    Taken: QueueState.take,
    Settled: lambda _, state, entry: state.settle(entry.offsets),
    Released: lambda _, state, entry: state.release(entry.number, entry.offsets),
    Rewound: lambda _, state, entry: state.rewind(entry.offset),
    Trimmed: lambda _, state, entry: state.trim(entry.low),
    Burying: lambda _, state, entry: state.bury(entry.offset, Grave(entry.target, entry.ends)),
    Shown: lambda _, state, entry: state.show(entry.offset),
}
