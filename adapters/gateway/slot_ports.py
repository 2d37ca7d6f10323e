"""What lies between a queue's state and Kafka: a slot's journal, and the readers of bodies.

A slot is a partition of `cmq.slots`: the journal of the states of the queues that belong to it. Its owner is its only
writer. State is changed at once, the change's entries are appended, and nobody is answered before they are durable: a
failed append means that somebody else owns the slot now, and the whole state is dropped.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

import msgspec

from adapters.gateway.errors import Row
from adapters.gateway.ports import Message, QueueCounts
from pipeline.cmq_registry import QueueEntry
from pipeline.headers import Headers


class SlotState(Protocol):
    """What a slot's journal is about; restored by its reader, changed by its owner. Does no I/O."""

    def apply(self, entry: bytes) -> None:
        """Take up one entry of the journal, in order."""

    def snapshot(self) -> Iterable[bytes]:
        """The whole state, in parts of at most 512 kB."""
        ...

    def restore(self, parts: Sequence[bytes]) -> None:
        """Take up what snapshot() gave, in place of all that is known."""


class Slot(Protocol):
    """The queues of a slot, in the hands of its owner. Every call names the queue by its registry entry.

    All raise SlotLostError where the slot was lost before the answer was durable, and CmqError for the client.
    """

    async def receive(self, queue: QueueEntry, count: int, wait_s: float) -> list[Message]:
        """As Queues.receive. Rows: NO_MESSAGE (after wait_s), TOO_MANY_IN_FLIGHT."""
        ...

    async def delete_messages(self, queue: QueueEntry, handles: Sequence[str]) -> list[Row | None]:
        """As Queues.delete_messages."""
        ...

    async def give_back(self, queue: QueueEntry, handles: Sequence[str]) -> None:
        """Nobody took what these receives gave: make it visible again, as if it had not been received."""
        ...

    async def counts(self, queue: QueueEntry) -> QueueCounts:
        """How many messages it has, by state."""
        ...

    async def rewind(self, queue: QueueEntry, start_s: int) -> None:
        """As Queues.rewind."""
        ...

    def heed(self, queue: QueueEntry) -> None:
        """Its attributes have changed: what is given from now on goes by them, to those that wait already, too."""

    async def drop(self, queue: QueueEntry) -> None:
        """It was deleted: forget its state, end its polls."""
        ...

    def close(self) -> None:
        """The slot goes: wake every poll with SlotLostError, stop reading."""


class SlotLostError(Exception):
    """The slot belongs to somebody else now, or nobody knows: what was appended may be void."""


class SlotJournal(Protocol):
    """The journal of a slot that we own. The event loop's thread calls it."""

    @property
    def alive(self) -> bool:
        """Whether we own it, as far as we know."""
        ...

    def append(self, entries: Sequence[bytes]) -> asyncio.Future[None]:
        """Append entries in order; done when they are durable and still ours. Without entries: just ask that.

        Entries of a millisecond or two share one record: the future may be shared, too.

        Raises (the future):
            SlotLostError: drop the state, answer an error.
        """
        ...


class Body(msgspec.Struct, frozen=True, gc=False):
    """A message as it lies in its queue's Kafka topic."""

    partition: int
    offset: int
    timestamp_ms: int
    value: bytes
    headers: Headers


class BodyListener(Protocol):
    """Told about bodies, on the event loop's thread."""

    def on_bodies(self, bodies: Sequence[Body]) -> None:
        """From the tail or wanted; of one partition, in order of offsets within the tail."""

    def on_missing(self, partition: int, offsets: Sequence[int]) -> None:
        """What was wanted and is not there any more: expired, or never a message."""

    def on_start(self, partition: int, low: int) -> None:
        """Offsets below are not in the log any more."""

    def on_end(self, partition: int, offset: int) -> None:
        """The tail was read up to the log's end: no message lies below that was not told. A reader may say so."""


class BodyReaders(Protocol):
    """Read queue topics without a group: tails, and single offsets again. The event loop's thread calls it."""

    def follow(self, topic: str, partition: int, offset: int, listener: BodyListener, topic_id: str = "") -> None:
        """Read on from there, until unfollow(); read_committed; with an id only while the topic has it."""

    def unfollow(self, topic: str, partition: int) -> None:
        """Stop; nothing more comes after this call."""

    def set_paused(self, topic: str, partition: int, paused: bool) -> None:  # noqa: FBT001
        """Stop reading for a while."""

    def want(self, topic: str, partition: int, offsets: Sequence[int]) -> None:
        """Read these again: each comes as a body or as missing, to the listener that follows the partition."""


OnLoop = Callable[[Callable[[], None]], object]
"""Runs a function on the event loop's thread, soon: loop.call_soon_threadsafe."""
