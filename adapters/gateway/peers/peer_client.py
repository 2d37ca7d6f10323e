"""Asking other replicas.

Shape   Peers(key, give_back): await call(address, request, timeout_s) -> Answer; close(). One connection an address,
        made when it is first needed and shared by all calls to it
Errors  what the other replica raised (peer_messages.heard); PeerLostError: no connection, none any more, or no answer
        in time. A call whose connection ends fails at once
Leases  an answer to a receive that comes when nobody waits any more is handed to unclaimed(address, request, messages)
Backoff an address that could not be reached is not tried again for a while, doubling from 50 ms to 1 s
"""

import asyncio
import itertools
import logging
from collections.abc import Callable

from adapters.gateway.peers.peer_link import HELLO_S, Link
from adapters.gateway.peers.peer_messages import (
    Answer,
    Counted,
    Done,
    Made,
    Messages,
    PeerLostError,
    ReceiveRequest,
    Request,
    Verdicts,
    heard,
)
from adapters.gateway.peers.peer_protocol import Call, Cancel, ClientHandshake, Ping, Reply, read_reply

log = logging.getLogger(__name__)

BACKOFF_S = 0.05
BACKOFF_MOST_S = 1.0
KEPT = 256
"""Addresses that are remembered; replicas come and go, each with a new one."""

Unclaimed = Callable[[str, ReceiveRequest, Messages], None]


class Peers:
    """All other replicas."""

    def __init__(self, key: bytes, unclaimed: Unclaimed) -> None:
        self._key = key
        self._unclaimed = unclaimed
        self._peers: dict[str, _Peer] = {}

    async def call(
        self, address: str, request: Request, timeout_s: float
    ) -> Done | Messages | Verdicts | Counted | Made:
        """Ask the replica at an address, `host:port`.

        Raises:
            CmqError, NotMineError, SlotLostError: as the other replica did.
            PeerLostError: nobody knows what came of it.
        """
        peer = self._peers.get(address)
        if peer is None:
            self._forget_some()
            peer = self._peers[address] = _Peer(address, self._key, self._unclaimed)
        try:
            async with asyncio.timeout(timeout_s):
                return heard(await peer.call(request, timeout_s))
        except TimeoutError as error:
            raise PeerLostError(f"{address} does not answer") from error

    def close(self) -> None:
        """End all connections; calls under way fail."""
        for peer in self._peers.values():
            peer.close()

    def _forget_some(self) -> None:
        for address in [address for address, peer in self._peers.items() if not peer.connected]:
            if len(self._peers) >= KEPT:
                del self._peers[address]


class _Peer:
    """One other replica, and the connection to it, if there is one."""

    def __init__(self, address: str, key: bytes, unclaimed: Unclaimed) -> None:
        host, _, port = address.rpartition(":")
        self._where = host.strip("[]"), int(port)
        self._address = address
        self._key = key
        self._unclaimed = unclaimed
        self._loop = asyncio.get_running_loop()
        self._connection: _Connection | None = None
        self._backoff_s = BACKOFF_S
        self._not_before_s = 0.0

    @property
    def connected(self) -> bool:
        """Whether there is a connection, or one is being made."""
        return self._connection is not None

    async def call(self, request: Request, timeout_s: float) -> Answer:
        """Ask; time-outs are the caller's."""
        connection = self._connection
        if connection is None:
            if self._loop.time() < self._not_before_s:
                raise PeerLostError(f"{self._address} could not be reached just now")
            connection = self._connection = _Connection(self._key, self._claim, self._ended)
            connection.dial(*self._where)
        if not connection.ready.done():
            await asyncio.shield(connection.ready)
        else:
            connection.ready.result()
        self._backoff_s = BACKOFF_S
        return await connection.ask(request, timeout_s)

    def close(self) -> None:
        """End the connection."""
        if self._connection is not None:
            self._connection.close()

    def _claim(self, request: ReceiveRequest, messages: Messages) -> None:
        self._unclaimed(self._address, request, messages)

    def _ended(self, *, was_ready: bool) -> None:
        self._connection = None
        if not was_ready:
            self._not_before_s = self._loop.time() + self._backoff_s
            self._backoff_s = min(2 * self._backoff_s, BACKOFF_MOST_S)


class _Connection:
    """One connection, from dialling to its end."""

    def __init__(
        self, key: bytes, claim: Callable[[ReceiveRequest, Messages], None], ended: Callable[..., None]
    ) -> None:
        self._link = Link(self, ClientHandshake(key))
        self._claim = claim
        self._tell_end = ended
        self._over = False
        self._loop = asyncio.get_running_loop()
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Answer]] = {}
        self._left: dict[int, Request] = {}
        """Calls that nobody waits for; the other side answers them all the same."""

        self.ready: asyncio.Future[None] = self._loop.create_future()
        self._dialling: asyncio.Task[None] | None = None

    def dial(self, host: str, port: int) -> None:
        """Begin to connect; `ready` tells how it went."""
        self._dialling = asyncio.create_task(self._dial(host, port))

    async def _dial(self, host: str, port: int) -> None:
        try:
            async with asyncio.timeout(HELLO_S):
                await self._loop.create_connection(lambda: self._link, host, port)
        except (OSError, TimeoutError) as error:
            log.info("peer_unreachable", extra={"peer": f"{host}:{port}", "error": repr(error)})
            self.on_end()
        except asyncio.CancelledError:
            self.on_end()
            raise

    async def ask(self, request: Request, timeout_s: float) -> Answer:
        """Send a call and wait for its answer."""
        number = next(self._numbers)
        answer: asyncio.Future[Answer] = self._loop.create_future()
        self._waiting[number] = answer
        self._link.send(Call(number, timeout_s, request))
        try:
            return await answer
        except asyncio.CancelledError:
            self._leave(number, request, answer)
            raise

    def close(self) -> None:
        """End it."""
        if self._dialling is not None and not self._dialling.done():
            self._dialling.cancel()
        self._link.close()

    def on_ready(self) -> None:
        """Calls may be sent."""
        self.ready.set_result(None)

    def on_payload(self, payload: bytes) -> None:
        """An answer."""
        match read_reply(payload):
            case Reply(number, answer):
                waiting = self._waiting.pop(number, None)
                if waiting is not None and not waiting.done():
                    waiting.set_result(answer)
                elif (request := self._left.pop(number, None)) is not None:
                    self._unwanted(request, answer)
            case _:
                pass  # that it is there is all that a Pong says

    def on_tick(self) -> None:
        """Ask whether the other side is there."""
        self._link.send(Ping())

    def on_end(self) -> None:
        """All calls fail."""
        if self._over:
            return
        self._over = True
        was_ready = self.ready.done()
        self._tell_end(was_ready=was_ready)
        if not was_ready:
            self.ready.set_exception(PeerLostError("no connection"))
            self.ready.exception()  # nobody may wait any more
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(PeerLostError("the connection ended"))
        self._waiting.clear()
        self._left.clear()

    def _leave(self, number: int, request: Request, answer: asyncio.Future[Answer]) -> None:
        """Whoever asked has gone: before the answer came, or when it was just there."""
        self._waiting.pop(number, None)
        if answer.done() and not answer.cancelled():
            if answer.exception() is None:
                self._unwanted(request, answer.result())
            return
        self._left[number] = request
        self._link.send(Cancel(number))

    def _unwanted(self, request: Request, answer: Answer) -> None:
        if isinstance(request, ReceiveRequest) and isinstance(answer, Messages):
            self._claim(request, answer)
