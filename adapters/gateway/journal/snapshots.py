"""Snapshots: so that a take-over reads little, and the log does not grow for ever.

Shape   Snapshots(trim): add(slot, state, journal, read_bytes), remove(slot), start(), close(), all on the event loop's
        thread. SnapshotRule.due(…) is the decision
When    something has changed, and 60 s have passed or 8 MB of entries have gathered; at once after a take-over that had
        to read a megabyte. First ones are spread over the 60 s, so that 64 slots do not all write at a time; one slot
        a look
Safety  a snapshot is taken and all its parts are sent in one go on the loop's thread, behind what was appended before,
        so it is the state at its place in the log. The log is trimmed when all parts are acknowledged, in the chain
"""

import asyncio
import logging
import random
from collections.abc import Callable

import msgspec

from adapters.gateway.journal.slot_journal import KafkaSlotJournal, NotSentError
from adapters.gateway.slot_ports import SlotLostError, SlotState

log = logging.getLogger(__name__)

MUCH_READ_BYTES = 1 << 20
LOOK_S = 0.1

Trim = Callable[[int, int], None]
"""Delete the records of a slot before an offset, soon; tells nobody."""


class SnapshotRule(msgspec.Struct, frozen=True):
    """When a slot is to have a snapshot: so long after the last one, or with so many bytes of entries since."""

    every_s: float = 60.0
    entries_bytes: int = 8 << 20

    def due(self, changed_bytes: int, since_s: float) -> bool:
        """Whether, with so many bytes of entries since the last one, so many seconds ago."""
        return changed_bytes >= self.entries_bytes or (changed_bytes > 0 and since_s >= self.every_s)


AS_A_RULE = SnapshotRule()


class _Kept(msgspec.Struct, eq=False):
    state: SlotState
    journal: KafkaSlotJournal
    read_bytes: int
    since_s: float
    entry_bytes: int = 0
    """As the journal counted at the last snapshot."""

    under_way: bool = False

    @property
    def changed_bytes(self) -> int:
        return self.read_bytes + self.journal.entry_bytes - self.entry_bytes


class Snapshots:
    """Takes the snapshots of the slots that we own."""

    def __init__(self, trim: Trim, rule: SnapshotRule = AS_A_RULE) -> None:
        self._trim = trim
        self._rule = rule
        self._kept: dict[int, _Kept] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()

    def add(self, slot: int, state: SlotState, journal: KafkaSlotJournal, read_bytes: int) -> None:
        """Look after a slot that was taken over."""
        soon = read_bytes >= MUCH_READ_BYTES
        ago_s = self._rule.every_s * (1.0 if soon else random.random())  # noqa: S311  spreads load, hides nothing
        self._kept[slot] = _Kept(state, journal, read_bytes, self._loop.time() - ago_s)

    def remove(self, slot: int) -> None:
        """It is not ours any more."""
        self._kept.pop(slot, None)

    def start(self) -> None:
        """Begin to look."""
        self._timer = self._loop.call_later(LOOK_S, self._look)

    def close(self) -> None:
        """Take no more."""
        if self._timer is not None:
            self._timer.cancel()

    def _look(self) -> None:
        self._timer = self._loop.call_later(LOOK_S, self._look)
        now_s = self._loop.time()
        for slot, kept in self._kept.items():
            if not kept.under_way and self._rule.due(kept.changed_bytes, now_s - kept.since_s):
                self._take(slot, kept)
                return

    def _take(self, slot: int, kept: _Kept) -> None:
        kept.under_way = True
        done = kept.journal.append_snapshot(kept.state.snapshot())
        kept.read_bytes, kept.entry_bytes = 0, kept.journal.entry_bytes
        kept.since_s = self._loop.time()
        done.add_done_callback(lambda done: self._taken(slot, kept, done))

    def _taken(self, slot: int, kept: _Kept, done: "asyncio.Future[int]") -> None:
        kept.under_way = False
        match done.exception():
            case None:
                self._trim(slot, done.result())
            case SlotLostError():
                pass  # the owner is told by the journal
            case NotSentError() as error:
                kept.read_bytes += 1  # it has still changed
                log.warning("slot_snapshot_failed", extra={"slot": slot, "error": str(error)})
            case error:
                raise error
