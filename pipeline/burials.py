"""Dead letters that wait for their transaction.

Shape   Burials: add(), some() -> those of the next transaction, refused(), written(), forget()
Refused one dead letter that the broker refuses must not hold up the others: each refusal halves the next transaction,
        until the one that is to blame is alone. It goes without its value, which stays in its topic; partition and
        offset are in its headers
Bounds  no I/O, no clock; the consumer thread is the only caller
"""

import logging

import msgspec

from pipeline.held import HeldKey
from pipeline.item import Item
from pipeline.ports import DeadLetter

log = logging.getLogger(__name__)

MOST = 500
"""Dead letters in one transaction."""


class Burial(msgspec.Struct, frozen=True):
    """A dead letter to be written; `held` where the event is a held key's next one."""

    item: Item
    letter: DeadLetter
    held: HeldKey | None


class Burials:
    """Those of one input, in order."""

    def __init__(self) -> None:
        self._waiting: list[Burial] = []
        self._limit = MOST

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def add(self, item: Item, letter: DeadLetter, held: HeldKey | None = None) -> None:
        """One more."""
        self._waiting.append(Burial(item, letter, held))

    def some(self) -> list[Burial]:
        """Those of the next transaction."""
        return self._waiting[: self._limit]

    def written(self, burials: list[Burial]) -> None:
        """The transaction with some() is acknowledged."""
        self._waiting = self._waiting[len(burials) :]
        self._limit = MOST

    def refused(self, burials: list[Burial], reason: str) -> None:
        """The broker has refused one of some()."""
        self._limit = max(1, len(burials) // 2)
        if len(burials) != 1:
            return
        only = burials[0]
        where = {"partition": only.item.record.partition, "offset": only.item.record.offset}
        log.error("dead_letter_without_value", extra=where | {"error": reason})
        bare = msgspec.structs.replace(only.letter.record, value=None, headers=[])
        letter = msgspec.structs.replace(only.letter, record=bare, reason=f"{only.letter.reason}; no value: {reason}")
        self._waiting[0] = msgspec.structs.replace(only, letter=letter)

    def forget(self, partitions: set[int]) -> None:
        """Let go of partitions."""
        self._waiting = [one for one in self._waiting if one.item.record.partition not in partitions]
