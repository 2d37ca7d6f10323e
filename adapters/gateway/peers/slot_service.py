"""What this replica answers for the slots that it owns, whoever asks: its own clients' calls, or another replica.

Shape   SlotService(view, slots, writer): await serve(request) -> Answer; of_slot(slot, entry, request) for who has both
Errors  NotMineError: nothing was done; SlotLostError, CmqError: as the slot and the writer raise them
Names   a request names a queue by name and Kafka topic id: the entry is our own, and if it is another one, or none, the
        registry is read to its end before the queue is said to be no more
"""

import logging
from typing import Protocol

from adapters.gateway.errors import Row
from adapters.gateway.peers.peer_messages import (
    CatchUpRequest,
    Counted,
    CountsRequest,
    DeleteMessagesRequest,
    Done,
    GiveBackRequest,
    Made,
    ManageRequest,
    Messages,
    NotMineError,
    ReceiveRequest,
    Request,
    RewindRequest,
    SlotRequest,
    Verdicts,
)
from adapters.gateway.registry.registry_state import RegistryState
from adapters.gateway.slot_ports import Slot
from pipeline.cmq_registry import QueueEntry
from pipeline.errors import PipelineError

log = logging.getLogger(__name__)

MANAGING_SLOT = 0
"""Its owner writes the registry."""

Served = Done | Messages | Verdicts | Counted | Made


class View(Protocol):
    """What is needed of the RegistryView."""

    state: RegistryState

    async def catch_up(self) -> None:
        """As RegistryView's."""


class SlotDirectory(Protocol):
    """What is ours, and who owns the rest (Slots)."""

    async def owned(self, slot: int) -> Slot | None:
        """The slot, once it can be used; None if it is not ours."""
        ...

    async def address_of(self, slot: int) -> str | None:
        """Where its owner is, as far as anybody knows."""
        ...

    def not_mine(self, slot: int, address: str) -> None:
        """That address does not own it, or does not answer: ask again."""


class Writer(Protocol):
    """What is needed of the RegistryWriter."""

    async def manage(self, request: ManageRequest) -> Done | Made:
        """As RegistryWriter's."""
        ...


class SlotService:
    """Answers requests."""

    def __init__(self, view: View, slots: SlotDirectory, writer: Writer) -> None:
        self._view = view
        self._slots = slots
        self._writer = writer

    async def serve(self, request: Request) -> Served:
        """Do what is asked, if it is ours to do.

        Raises:
            NotMineError, SlotLostError, CmqError: see above.
        """
        match request:
            case CatchUpRequest():
                await self._view.catch_up()
                return Done()
            case ReceiveRequest() | DeleteMessagesRequest() | GiveBackRequest() | CountsRequest() | RewindRequest():
                entry = await self._entry(request.name, request.topic_id)
                return await self.of_slot(await self._own(entry.slot), entry, request)
            case _:
                await self._own(MANAGING_SLOT)
                return await self._writer.manage(request)

    @staticmethod
    async def of_slot(slot: Slot, entry: QueueEntry, request: SlotRequest) -> Served:
        """As serve(), of a slot that is ours.

        Raises:
            SlotLostError, CmqError: as the slot does; INTERNAL where Kafka did not answer.
        """
        try:
            return await _done(slot, entry, request)
        except PipelineError as error:
            what = {"request": type(request).__name__, "queue": entry.name, "error": str(error)}
            log.warning("slot_request_failed", extra=what)
            raise Row.INTERNAL.error() from error

    async def _own(self, slot: int) -> Slot:
        own = await self._slots.owned(slot)
        if own is None:
            raise NotMineError
        return own

    async def _entry(self, name: str, topic_id: str) -> QueueEntry:
        entry = self._view.state.queue(name)
        if entry is None or entry.topic_id != topic_id:
            await self._view.catch_up()
            entry = self._view.state.queue(name)
        if entry is None or entry.topic_id != topic_id:
            raise Row.NO_QUEUE.error()
        return entry


async def _done(slot: Slot, entry: QueueEntry, request: SlotRequest) -> Served:
    match request:
        case ReceiveRequest(count=count, wait_s=wait_s):
            return Messages(await slot.receive(entry, count, wait_s))
        case DeleteMessagesRequest(handles=handles):
            rows = await slot.delete_messages(entry, handles)
            return Verdicts([None if row is None else row.name for row in rows])
        case GiveBackRequest(handles=handles):
            await slot.give_back(entry, handles)
        case RewindRequest(start_s=start_s):
            await slot.rewind(entry, start_s)
        case CountsRequest():
            return Counted(await slot.counts(entry))
    return Done()
