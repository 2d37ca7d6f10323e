"""What the queues of a slot share: its state, its journal, its clock, and the bounds.

Shape   SlotContext: change(entries) does them and appends them; ended once the slot is lost or given up
Errors  a failed append ends the slot: whatever the failure was, what has been appended may be void
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from adapters.gateway.leases.entries import Entry
from adapters.gateway.leases.handle import Handles
from adapters.gateway.leases.limits import ByteBudget, Limits
from adapters.gateway.leases.queue_logs import QueueLogs
from adapters.gateway.leases.slot_state import QueueStates
from adapters.gateway.slot_ports import BodyReaders, SlotJournal, SlotLostError
from pipeline.clock import Clock

if TYPE_CHECKING:
    from adapters.gateway.leases.queue_run import QueueRun


def _nothing(*_: object) -> None:
    """Nobody has to be told."""


log = logging.getLogger(__name__)


class SlotContext:
    """Of one slot, for as long as we own it."""

    def __init__(
        self,
        states: QueueStates,
        journal: SlotJournal,
        readers: BodyReaders,
        logs: QueueLogs,
        clock: Clock,
        handles: Handles,
        limits: Limits,
        budget: ByteBudget,
    ) -> None:
        self.states = states
        self.readers = readers
        self.logs = logs
        self.clock = clock
        self.handles = handles
        self.limits = limits
        self.budget = budget
        self.ended = False
        self.on_lost: Callable[[], None] = _nothing
        self.arm: Callable[[QueueRun], None] = _nothing
        """Be there when something that is waited for becomes visible by itself."""

        self._journal = journal
        self._last: asyncio.Future[None] | None = None

    def change(self, *changes: Entry) -> "asyncio.Future[None]":
        """Do it now; durable when the future is done."""
        change = self.states.change
        return self.append([change(entry) for entry in changes])

    def append(self, entries: Sequence[bytes]) -> "asyncio.Future[None]":
        """Append what was done."""
        future = self._journal.append(entries)
        if future is not self._last:
            self._last = future
            future.add_done_callback(self._on_appended)
        return future

    async def durable(self, future: "asyncio.Future[None] | None" = None) -> None:
        """Wait until an append is durable; by default, the last one: an answer may rest on what it says.

        Raises:
            SlotLostError: the slot is somebody else's.
        """
        future = self._last if future is None else future
        if future is None:
            return
        try:
            await asyncio.shield(future)  # it is shared: who goes away must not take it from others
        except SlotLostError:
            self.lose()
            raise

    async def confirm(self) -> None:
        """Wait until it is sure that the slot was ours when this was called: what our state says was then so.

        Raises:
            SlotLostError: the slot is somebody else's.
        """
        await self.durable(self.append([]))

    def check(self) -> None:
        """Whether we may still answer.

        Raises:
            SlotLostError: the slot is somebody else's.
        """
        if not self.ended and not self._journal.alive:
            self.lose()
        if self.ended:
            raise SlotLostError("the slot is not ours any more")

    def lose(self) -> None:
        """The slot is lost."""
        if not self.ended:
            self.on_lost()

    def _on_appended(self, future: "asyncio.Future[None]") -> None:
        if future.cancelled() or (error := future.exception()) is not None:
            if not future.cancelled() and not isinstance(error, SlotLostError):
                log.error("journal_failed", exc_info=error)
            self.lose()
