"""What a delivery asks of those around it: who hears its reports, its gate, who records its attempts."""

from typing import Protocol

from pipeline.item import Item
from pipeline.outcome import Outcome
from pipeline.ports import DeadLetter, Push


class Reports(Protocol):
    """What the consumer thread hears; each call only appends."""

    def settled(self, item: Item) -> None:
        """Delivered, or dropped as the policy says."""

    def hold(self, item: Item, due_ms: int) -> None:
        """The head of its lane is to be held until then; the lane stands still until collect()."""

    def bury(self, item: Item, letter: DeadLetter) -> None:
        """To the dead letters; the lane stands still until release()."""

    def held_ended(self, item: Item, outcome: Outcome, due_ms: int | None, letter: DeadLetter | None) -> None:
        """The attempt for a held key: due again, or a dead letter, or delivered."""


class Gate(Protocol):
    """Whether this process may still believe that its partitions are its own."""

    def is_open(self, now_s: float) -> bool:
        """Shut when no commit was acknowledged for too long."""
        ...


class Spans(Protocol):
    """Who records attempts for OpenTelemetry."""

    def begin(self, item: Item) -> Push:
        """An attempt begins; returns what is to be sent."""
        ...

    def ended(self, item: Item, outcome: Outcome) -> None:
        """It has ended."""
