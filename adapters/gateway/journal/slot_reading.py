"""Reading one slot back: what its records come to, up to one's own claim.

Shape   Reading(slot, until, epoch, state).take(offset, bytes) for each record from the log's start on -> Restored with
        the claim, else None; begin_anew says that records are missing
Errors  SlotLostError: the claim is not there, so somebody else has the slot; JournalVersionError; what the state raises
"""

import msgspec

from adapters.gateway.journal.journal_record import Claim, Entries, JournalFold, Snapshot
from adapters.gateway.slot_ports import SlotLostError, SlotState


class Restored(msgspec.Struct, frozen=True):
    """A slot's state up to a claim; entry_bytes is what was read behind its last snapshot."""

    state: SlotState
    entry_bytes: int


class Reading:
    """A slot that is being read."""

    def __init__(self, slot: int, until: int, epoch: bytes, state: SlotState) -> None:
        """From the log's start, with an empty state, to the claim at until."""
        self.slot = slot
        self.begin_anew = False
        """The log was trimmed while it was read: what was read is not all."""

        self._until = until
        self._epoch = epoch
        self._state = state
        self._fold = JournalFold()
        self._last: int | None = None
        self._entry_bytes = 0

    def take(self, offset: int, value: bytes | None) -> Restored | None:
        """One record; the result if it was the claim.

        Raises:
            SlotLostError: there is no such claim.
        """
        if self._last is not None and offset != self._last + 1:
            self.begin_anew = True
            return None
        if offset > self._until:
            raise SlotLostError(f"slot {self.slot}: claimed by somebody else, and the log trimmed behind that")
        self._last = offset
        took = self._fold.take(offset, value)
        if offset == self._until:
            if isinstance(took, Claim) and took.epoch == self._epoch:
                return Restored(self._state, self._entry_bytes)
            raise SlotLostError(f"slot {self.slot}: another log than that with our claim")
        match took:
            case Entries(entries=entries):
                for entry in entries:
                    self._state.apply(entry)
                self._entry_bytes += len(value or b"")
            case Snapshot(parts):
                self._state.restore(parts)
                self._entry_bytes = 0
            case _:
                pass
        return None
