"""What the event loop tells the consumer thread: appended there, taken here, in order, without a lock.

Shape   Inbox keeps the Reports port of the delivery; take() gives what has come, wait() waits until there is enough
Cost    a report is an append; only one that a waiting thread wants wakes it: a thread switch an event would cost more
        than all the rest
"""

import threading
from collections import deque

import msgspec

from pipeline.item import Item
from pipeline.outcome import Delivered, Failed, Outcome
from pipeline.ports import DeadLetter


class Settled(msgspec.Struct, frozen=True, gc=False):
    """Delivered, or dropped as the policy says."""

    item: Item


class ToHold(msgspec.Struct, frozen=True):
    """The head of a lane that is to be held until then."""

    item: Item
    due_ms: int


class Collected(msgspec.Struct, frozen=True):
    """The lane of a head that is to be held, in order; it takes no more items."""

    item: Item
    followers: list[Item]


class ToBury(msgspec.Struct, frozen=True):
    """An item for the dead letters."""

    item: Item
    letter: DeadLetter


class HeldEnded(msgspec.Struct, frozen=True):
    """The attempt for a held key has ended: due again then, or a dead letter, or neither.

    Where it `goes_on` the delivery attempts what else it has of the key; otherwise it has given that back.
    """

    item: Item
    outcome: Outcome
    due_ms: int | None
    letter: DeadLetter | None

    @property
    def goes_on(self) -> bool:
        """Whether the event is done with."""
        return self.due_ms is None and self.letter is None and isinstance(self.outcome, Delivered | Failed)


NOBODY_WAITS = 1 << 62

Report = Settled | ToHold | Collected | ToBury | HeldEnded


class Inbox:
    """One subscription's."""

    def __init__(self) -> None:
        self._reports: deque[Report] = deque()
        self._enough = NOBODY_WAITS
        self._wanted = threading.Event()

    def put(self, report: Report) -> None:
        """Append; wakes the consumer thread if that is what it waits for."""
        self._reports.append(report)
        if len(self._reports) >= self._enough:
            self._enough = NOBODY_WAITS
            self._wanted.set()

    def settled(self, item: Item) -> None:
        """See Reports."""
        self.put(Settled(item))

    def hold(self, item: Item, due_ms: int) -> None:
        """See Reports."""
        self.put(ToHold(item, due_ms))

    def bury(self, item: Item, letter: DeadLetter) -> None:
        """See Reports."""
        self.put(ToBury(item, letter))

    def held_ended(self, item: Item, outcome: Outcome, due_ms: int | None, letter: DeadLetter | None) -> None:
        """See Reports."""
        self.put(HeldEnded(item, outcome, due_ms, letter))

    def take(self) -> list[Report]:
        """All that has come."""
        reports = self._reports
        return [reports.popleft() for _ in range(len(reports))]

    def wait(self, timeout_s: float, enough: int) -> None:
        """Wait until so many reports lie here."""
        self._wanted.clear()
        self._enough = enough
        if len(self._reports) < enough:
            self._wanted.wait(timeout_s)
        self._enough = NOBODY_WAITS
