"""The slots of this replica: taken over when the group assigns them, given away when it revokes them.

Shape   Slots(cluster, address, make_state, make_slot, on_failed): await start(), owned(slot), address_of(slot),
        not_mine(slot, address), await close(). All on the event loop's thread
Lost    a slot that was lost while the group still assigns it to us is claimed anew: after a pause, and only if the
        group's coordinator says that it is ours. A process that was stopped for a minute would otherwise take its
        former slots from their new owners before it has heard that it was put out of the group
Errors  owned() gives None for what is not ours; a take-over that fails is tried again as long as the slot is assigned.
        A slot that cannot be restored, such as one with records of a later version, is told in the log and holds up no
        other
"""

import asyncio
import logging
from collections.abc import Callable
from typing import NamedTuple

import msgspec

from adapters.gateway.figures import SlotFigures
from adapters.gateway.journal.directory import Directory
from adapters.gateway.journal.journal_record import SLOTS_TOPIC
from adapters.gateway.journal.journal_writer import JournalWriter
from adapters.gateway.journal.membership import GROUP, Membership
from adapters.gateway.journal.slot_journal import KafkaSlotJournal
from adapters.gateway.journal.slot_reader import SlotReader
from adapters.gateway.journal.snapshots import AS_A_RULE, SnapshotRule, Snapshots
from adapters.gateway.journal.take_over import TakeOver
from adapters.gateway.journal.trimming import Trimming
from adapters.gateway.slot_ports import Slot, SlotJournal, SlotLostError, SlotState
from pipeline.cluster import Cluster

log = logging.getLogger(__name__)

AT_A_TIME = 16
PAUSE_S = 0.2
PAUSE_MAX_S = 3.0

MakeSlot = Callable[[int, SlotState, SlotJournal], Slot]


class Where(NamedTuple):
    """The journals' topic, and the group that shares them out."""

    topic: str = SLOTS_TOPIC
    group: str = GROUP


WHERE = Where()


class _Holding(msgspec.Struct, eq=False):
    """A slot that the group assigns to us."""

    number: int
    ready: "asyncio.Future[None]"
    """Done whenever the holding has changed: look again."""

    task: "asyncio.Task[None] | None" = None
    slot: Slot | None = None
    journal: KafkaSlotJournal | None = None
    reason: str = ""
    """Why the last try to take it over has failed."""


class Slots:
    """What this replica owns, and who owns the rest."""

    def __init__(
        self,
        cluster: Cluster,
        address: str,
        make_state: Callable[[], SlotState],
        make_slot: MakeSlot,
        on_failed: Callable[[Exception], None],
        where: Where = WHERE,
        rule: SnapshotRule = AS_A_RULE,
        figures: SlotFigures | None = None,
    ) -> None:
        """Nothing is asked of the brokers yet.

        Args:
            address: where the other replicas reach us.
            make_state: an empty state; it is restored on another thread before make_slot gets it.
            on_failed: hears what this replica cannot go on with.
        """
        topic, group = where
        self._address = address
        self._make_slot = make_slot
        self._loop = asyncio.get_running_loop()
        self._figures = figures or SlotFigures()
        self._on_failed = on_failed
        self._writer = JournalWriter(cluster, self._died, topic, self._figures.appended)
        self._reader = SlotReader(cluster, make_state, self._died, topic)
        self._take_over = TakeOver(self._writer, self._reader, address)
        self._snapshots = Snapshots(Trimming(cluster, topic).trim, rule)
        self._directory = Directory(cluster, topic, group)
        self._membership = Membership(cluster, address, self, on_failed, topic, group)
        self._turns = asyncio.Semaphore(AT_A_TIME)
        self._holdings: dict[int, _Holding] = {}

    async def start(self) -> None:
        """Join the group; slots come soon."""
        self._writer.start()
        self._reader.start()
        self._snapshots.start()
        self._membership.start()

    async def close(self) -> None:
        """Let go of all slots and leave the group, so that others have them at once."""
        self.on_revoked(set(self._holdings))
        await self._membership.close()
        self.on_revoked(set(self._holdings))
        self._snapshots.close()
        await self._reader.close()
        await self._writer.close()

    async def owned(self, slot: int) -> Slot | None:
        """The slot, once it is restored; None if it is not ours."""
        while (holding := self._holdings.get(slot)) is not None:
            if holding.slot is not None:
                return holding.slot
            await asyncio.shield(holding.ready)
        return None

    def owned_now(self) -> dict[int, Slot]:
        """All slots that are ours and restored."""
        return {number: holding.slot for number, holding in self._holdings.items() if holding.slot is not None}

    def trouble(self) -> str | None:
        """Why none of the slots that the group gives us can be taken over; None: one is ours, or none has failed."""
        reasons = [holding.reason for holding in self._holdings.values() if holding.reason]
        return reasons[0] if reasons and not self.owned_now() else None

    async def address_of(self, slot: int) -> str | None:
        """Where the slot's owner is; None: nobody is known now, ask again."""
        return await self._directory.address_of(slot)

    def not_mine(self, slot: int, address: str) -> None:
        """That address has said that the slot is not its own."""
        self._directory.not_mine(slot, address)

    def on_assigned(self, slots: set[int]) -> None:
        """From the membership."""
        for number in slots - self._holdings.keys():
            holding = self._holdings[number] = _Holding(number, self._loop.create_future())
            holding.task = self._loop.create_task(self._take(holding, again=False))

    def on_revoked(self, slots: set[int]) -> None:
        """From the membership."""
        for number in slots & self._holdings.keys():
            holding = self._holdings.pop(number)
            if holding.task is not None:
                holding.task.cancel()
            if holding.journal is not None:
                holding.journal.close()
            self._let_go(holding)

    def _died(self, part: str) -> None:
        """From a thread that ends: without it no slot would be taken over, or no change be acknowledged, for good."""
        self._loop.call_soon_threadsafe(self._on_failed, RuntimeError(f"the thread {part} has ended"))

    def _let_go(self, holding: _Holding) -> None:
        self._snapshots.remove(holding.number)
        slot, holding.slot, holding.journal = holding.slot, None, None
        ready, holding.ready = holding.ready, self._loop.create_future()
        if not ready.done():
            ready.set_result(None)
        if slot is not None:
            slot.close()

    async def _take(self, holding: _Holding, *, again: bool) -> None:
        """Take a slot over, however often it must be tried; cancelled when it is not to be ours any more."""
        pause_s = PAUSE_S
        while True:
            try:
                if not again or await self._directory.confirms(holding.number, self._address):
                    async with self._turns:
                        await self._take_once(holding)
                    return
            except SlotLostError as error:
                holding.reason = str(error)
                log.warning("slot_not_taken", extra={"slot": holding.number, "reason": str(error)})
            except Exception as error:
                # Not fatal: it would end this replica, and then each one that the slot moves to.
                holding.reason = repr(error)
                log.exception("slot_unreadable", extra={"slot": holding.number})
            again = True
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, PAUSE_MAX_S)

    async def _take_once(self, holding: _Holding) -> None:
        since_s = self._loop.time()
        taken = await self._take_over.take(holding.number, lambda reason: self._lost(holding, reason))
        holding.journal = taken.journal
        holding.slot = self._make_slot(holding.number, taken.state, taken.journal)
        self._snapshots.add(holding.number, taken.state, taken.journal, taken.read_bytes)
        holding.ready.set_result(None)
        holding.reason = ""
        took_s = self._loop.time() - since_s
        self._figures.taken(took_s)
        took_ms = round(1000 * took_s)
        log.debug("slot_taken", extra={"slot": holding.number, "read_bytes": taken.read_bytes, "took_ms": took_ms})

    def _lost(self, holding: _Holding, _reason: str) -> None:
        """From the journal, which has said why."""
        if self._holdings.get(holding.number) is not holding:
            return
        self._figures.lost()
        self._let_go(holding)
        holding.task = self._loop.create_task(self._take(holding, again=True))
