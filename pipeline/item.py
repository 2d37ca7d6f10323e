"""An event on its way to an HTTP endpoint, and an attempt at it that has ended.

Shape   Item, from the consumer thread to the event loop and back in its reports; Attempt, for logs and metrics
"""

from typing import Any

import msgspec

from pipeline.outcome import Outcome
from pipeline.ports import Push, Record

EXPIRED = "expired: older than max_age_s"

UNMADE = Push("", b"")
"""Of an item that has not had its turn: what is sent is made of its record then, on the event loop's own thread. Two
threads that both compute would take turns by the millisecond."""


class Item(msgspec.Struct, gc=False):
    """An event on its way to an endpoint.

    Attributes:
        refused: why the record cannot be delivered at all.
        unwanted: the subscription did not ask for it.
        seen: it may have been attempted before this process knew it: its next failure is nobody's first.
        held: it is the next event of a held key, or follows that.
        buried: a dead letter has been asked for.
    """

    record: Record
    assignment: int
    push: Push = UNMADE
    refused: str | None = None
    unwanted: bool = False
    attempts: int = 0
    first_attempt_ms: int | None = None
    last_attempt_ms: int | None = None
    started_s: float = 0.0
    queue: Any = ()
    seen: bool = False
    held: bool = False
    buried: bool = False

    @property
    def lane(self) -> tuple[int, bytes | None]:
        """Partition and record key."""
        return self.record.partition, self.record.key

    @property
    def size(self) -> int:
        """Bytes that lie in memory for it, but for the small ones and what is made of it for an attempt."""
        return len(self.record.value or b"")


class Attempt(msgspec.Struct, frozen=True, gc=False):
    """One attempt that has ended, for logs, metrics and traces: what its item says may be of the next one already."""

    item: Item
    number: int
    outcome: Outcome
    duration_s: float
    retry_in_s: float | None
    started_ms: int = 0
