"""A request to whoever owns a slot: this replica, or one hop away.

Shape   SlotRouter(slots, peers, service, address): delete(entry, handles), of_queue(entry, request) and manage(request)
        until 8 s are over; receive(entry, count, wait_s) until the poll's end; spread() has every replica read the
        registry
Again   where the one that was asked does not own the slot, has lost it, or cannot be reached, the directory is asked
        again after a pause, doubling from 20 to 200 ms
Leases  what a receive gave that nobody waits for any more is given back, if its owner can be reached; else it becomes
        visible again by time
Errors  CmqError; INTERNAL when there was no answer in time, NO_MESSAGE for a receive. Whether an earlier try may have
        been heeded is told by Managed.again, and of a handle by INTERNAL
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple, cast

from adapters.gateway.errors import CmqError, Row
from adapters.gateway.peers.peer_client import Peers
from adapters.gateway.peers.peer_messages import (
    CatchUpRequest,
    DeleteMessagesRequest,
    GiveBackRequest,
    ManageRequest,
    Messages,
    NotMineError,
    PeerLostError,
    ReceiveRequest,
    SlotRequest,
    Verdicts,
)
from adapters.gateway.peers.slot_service import MANAGING_SLOT, Served, SlotDirectory, SlotService
from adapters.gateway.slot_ports import Slot, SlotLostError
from pipeline.cmq_registry import QueueEntry

log = logging.getLogger(__name__)

ANSWER_S = 8.0
"""Before a client gives up, which waits for 10 s."""

SLACK_S = 2.0
"""How much longer than a poll its answer may take."""

PAUSE_S = 0.02
PAUSE_MOST_S = 0.2
SPREAD_S = 1.0
SLOTS = 64


class Managed(NamedTuple):
    """How a management call ended.

    Attributes:
        error: the row that it was refused with.
        again: an earlier try may have done it already.
    """

    answer: Served | None
    error: CmqError | None
    again: bool


class _Asked(NamedTuple):
    """A request, made anew for each try, and how it is done where the slot is ours."""

    request: Callable[[], SlotRequest | ManageRequest]
    locally: Callable[[Slot], Awaitable[Served]]


class _Tries:
    """How long to go on asking, and what is known of the tries so far."""

    __slots__ = ("_pause_s", "again", "loop", "until_s")

    def __init__(self, until_s: float, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.until_s = until_s
        self.again = False
        self._pause_s = PAUSE_S

    async def pause(self) -> bool:
        """Wait a little; False: there is no time for another try."""
        if self.loop.time() + self._pause_s >= self.until_s:
            return False
        await asyncio.sleep(self._pause_s)
        self._pause_s = min(2 * self._pause_s, PAUSE_MOST_S)
        return True


class SlotRouter:
    """Finds the owner."""

    def __init__(
        self,
        slots: SlotDirectory,
        peers: Peers,
        service: SlotService,
        address: str,
        forwarding: Callable[[], None] | None = None,
    ) -> None:
        """Nothing is asked yet.

        Args:
            slots: what is ours, and who owns the rest.
            peers: made with give_back of this router as what hears of unclaimed messages.
            service: answers for what is ours.
            address: our own, as the directory tells it.
            forwarding: told before each call that goes to another replica.
        """
        self._forwarding = forwarding
        self._slots = slots
        self._peers = peers
        self._service = service
        self._address = address
        self._loop = asyncio.get_running_loop()
        self._chores: set[asyncio.Task[None]] = set()

    async def receive(self, entry: QueueEntry, count: int, wait_s: float) -> Messages:
        """Receive from a queue.

        Raises:
            CmqError: as the slot does; NO_MESSAGE also where nobody could be asked before the poll's end.
        """
        end_s = self._loop.time() + wait_s

        def request() -> ReceiveRequest:
            return ReceiveRequest(entry.name, entry.topic_id, count, max(0.0, end_s - self._loop.time()))

        tries = _Tries(end_s, self._loop)
        try:
            answer = await self._ask_owner(entry, request, tries, end_s + SLACK_S)
        except TimeoutError:
            answer = None
        if not isinstance(answer, Messages):
            raise Row.NO_MESSAGE.error()
        return answer

    async def of_queue(self, entry: QueueEntry, request: SlotRequest) -> Served:
        """Any other request of the owner of a queue's slot; each may be made twice.

        Raises:
            CmqError: as the slot does; INTERNAL.
        """
        return await self._answered(entry, request, self._tries())

    async def delete(self, entry: QueueEntry, handles: Sequence[str]) -> list[Row | None]:
        """Delete messages; what each came to.

        A handle that a later try refuses may be too old by then, and an earlier one have deleted its message: nobody
        knows, so it is INTERNAL.

        Raises:
            CmqError: as of_queue.
        """
        tries = self._tries()
        request = DeleteMessagesRequest(entry.name, entry.topic_id, list(handles))
        answer = cast("Verdicts", await self._answered(entry, request, tries))
        rows = [None if row is None else Row[row] for row in answer.rows]
        return [Row.INTERNAL if row is Row.BAD_HANDLE else row for row in rows] if tries.again else rows

    async def manage(self, request: ManageRequest) -> Managed:
        """A request of the owner of slot 0."""
        tries = self._tries()

        def locally(_: Slot) -> Awaitable[Served]:
            return self._service.serve(request)

        try:
            async with asyncio.timeout_at(tries.until_s):
                while True:
                    answer = await self._try(MANAGING_SLOT, _Asked(lambda: request, locally), tries, tries.until_s)
                    if answer is not None:
                        return Managed(answer, None, tries.again)
                    if not await tries.pause():
                        break
        except CmqError as error:
            return Managed(None, error, tries.again)
        except TimeoutError:
            pass
        return Managed(None, Row.INTERNAL.error(), again=True)

    async def spread(self) -> None:
        """Have every replica that the directory knows read the registry to its end; wait a second at most."""
        try:
            async with asyncio.timeout(SPREAD_S):
                addresses = set(await asyncio.gather(*map(self._slots.address_of, range(SLOTS))))
        except TimeoutError:
            log.info("replicas_unknown")
            return
        asked = sorted(address for address in addresses if address is not None and address != self._address)
        calls = (self._peers.call(address, CatchUpRequest(), SPREAD_S) for address in asked)
        for address, told in zip(asked, await asyncio.gather(*calls, return_exceptions=True), strict=True):
            if isinstance(told, BaseException):
                log.info("replica_not_told", extra={"peer": address, "error": repr(told)})

    def give_back(self, address: str, request: ReceiveRequest, messages: Messages) -> None:
        """Nobody waits for these any more (Peers' unclaimed)."""
        handles = [message.receipt_handle for message in messages.messages]
        asked = GiveBackRequest(request.name, request.topic_id, handles)
        chore = self._loop.create_task(self._give_back(address, asked))
        self._chores.add(chore)
        chore.add_done_callback(self._chores.discard)

    def close(self) -> None:
        """Leave undone what nobody waits for."""
        for chore in self._chores:
            chore.cancel()

    async def _give_back(self, address: str, request: GiveBackRequest) -> None:
        try:
            await self._peers.call(address, request, ANSWER_S)
        except (CmqError, NotMineError, PeerLostError, SlotLostError) as error:
            log.info("lease_left_to_time", extra={"peer": address, "error": repr(error)})

    def _tries(self) -> _Tries:
        return _Tries(self._loop.time() + ANSWER_S, self._loop)

    async def _answered(self, entry: QueueEntry, request: SlotRequest, tries: _Tries) -> Served:
        try:
            answer = await self._ask_owner(entry, lambda: request, tries, tries.until_s)
        except TimeoutError as error:
            raise Row.INTERNAL.error() from error
        if answer is None:
            raise Row.INTERNAL.error()
        return answer

    async def _ask_owner(
        self, entry: QueueEntry, request: Callable[[], SlotRequest], tries: _Tries, answer_by_s: float
    ) -> Served | None:
        """Ask until there is an answer; None: no time for another try.

        Raises:
            CmqError: the answer; TimeoutError: none by then.
        """

        def locally(own: Slot) -> Awaitable[Served]:
            return self._service.of_slot(own, entry, request())

        asked = _Asked(request, locally)
        async with asyncio.timeout_at(answer_by_s):
            while True:
                answer = await self._try(entry.slot, asked, tries, answer_by_s)
                if answer is not None or not await tries.pause():
                    return answer

    async def _try(self, slot: int, asked: _Asked, tries: _Tries, answer_by_s: float) -> Served | None:
        """Ask once; None: ask again."""
        address: str | None = None
        try:
            own = await self._slots.owned(slot)
            if own is not None:
                return await asked.locally(own)
            address = await self._slots.address_of(slot)
            if address is not None and address != self._address:
                if self._forwarding is not None:
                    self._forwarding()
                return await self._peers.call(address, asked.request(), answer_by_s - self._loop.time())
        except NotMineError:
            pass
        except (PeerLostError, SlotLostError):
            tries.again = True
        if address is not None:
            self._slots.not_mine(slot, address)  # or the directory is behind, and takes us for the owner
        return None
