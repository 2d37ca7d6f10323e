"""Taking a slot over: claim it, read it up to the claim, own it.

Shape   TakeOver(writer, reader, address).take(slot, on_lost) -> Taken(state, journal, read_bytes)
Safety  the claim comes first and the reading ends at it. What a former owner has acknowledged lies below our claim
        (journal_record.py), so it is read; what it still sends lies above and is void. Whoever claims after us voids
        our records in the same way: our first append does not get the offset that it expects, so we answer nobody. It
        does not matter why a slot is taken over, nor how many try at a time: the last claim has it
Errors  SlotLostError: not claimed, or not read in time; nothing is owned then, and a claim that may lie there harms
        nobody but a former owner, who claims anew
"""

from collections.abc import Callable

import msgspec

from adapters.gateway.journal.journal_record import new_epoch
from adapters.gateway.journal.journal_writer import JournalWriter
from adapters.gateway.journal.slot_journal import KafkaSlotJournal
from adapters.gateway.journal.slot_reader import SlotReader
from adapters.gateway.slot_ports import SlotState


class Taken(msgspec.Struct, frozen=True):
    """A slot that is ours; read_bytes is what had to be read behind its last snapshot."""

    state: SlotState
    journal: KafkaSlotJournal
    read_bytes: int


class TakeOver:
    """Takes slots over for one replica."""

    def __init__(self, writer: JournalWriter, reader: SlotReader, address: str) -> None:
        self._writer = writer
        self._reader = reader
        self._address = address

    async def take(self, slot: int, on_lost: Callable[[str], None]) -> Taken:
        """Make a slot ours.

        Raises:
            SlotLostError: it is not; JournalVersionError, or what the state raised: it cannot be restored.
        """
        epoch = new_epoch()
        claimed_at = await self._writer.claim(slot, epoch, self._address)
        restored = await self._reader.read(slot, claimed_at, epoch)
        journal = KafkaSlotJournal(slot, epoch, claimed_at, self._writer, on_lost)
        return Taken(restored.state, journal, restored.entry_bytes)
