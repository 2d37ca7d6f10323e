"""What other replicas ask of this one.

Shape   PeerServer(key, serve): await listen(host) -> port; await close(). serve(request) -> Answer is run in a task of
        its own for each call, which is cancelled when whoever asked has gone, or the connection has
Errors  what serve raises is answered (peer_messages.refusal); something unforeseen is logged and answered as Lost
Bounds  CALLS calls a connection at once; one more is answered as NotMine: nothing was done
Leases  a receive that is cancelled gives back what it had leased. Once its answer is on its way it stands: the asker
        gives back what it has no use for, and what gets lost with the connection becomes visible again by time alone,
        for it may have arrived
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from adapters.gateway.errors import CmqError
from adapters.gateway.peers.peer_link import Link
from adapters.gateway.peers.peer_messages import Answer, Lost, NotMine, NotMineError, Request, refusal
from adapters.gateway.peers.peer_protocol import (
    Call,
    Cancel,
    PeerProtocolError,
    Ping,
    Pong,
    Reply,
    ServerHandshake,
    read_call,
)
from adapters.gateway.slot_ports import SlotLostError

log = logging.getLogger(__name__)

CALLS = 50_000

Serve = Callable[[Request], Awaitable[Answer]]


class PeerServer:
    """Listens for other replicas."""

    def __init__(self, key: bytes, serve: Serve) -> None:
        self._key = key
        self._serve = serve
        self._server: asyncio.Server | None = None
        self._connections: set[_Connection] = set()

    async def listen(self, host: str, port: int = 0) -> int:
        """Begin; gives the port, a free one if none is asked for.

        Raises:
            OSError: the address is not ours, or taken.
        """
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._accept, host, port)
        return int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """End all connections, and what is under way for them."""
        if self._server is not None:
            self._server.close()
        tasks = [task for connection in self._connections for task in connection.tasks()]
        for connection in list(self._connections):
            connection.close()
        if tasks:
            await asyncio.wait(tasks)

    def _accept(self) -> asyncio.Protocol:
        connection = _Connection(self._key, self._serve, self._connections.discard)
        self._connections.add(connection)
        return connection.link


class _Connection:
    """One other replica."""

    def __init__(self, key: bytes, serve: Serve, forget: Callable[["_Connection"], None]) -> None:
        self.link = Link(self, ServerHandshake(key))
        self._serve = serve
        self._forget = forget
        self._tasks: dict[int, asyncio.Task[Answer]] = {}

    def tasks(self) -> list[asyncio.Task[Answer]]:
        """What is under way."""
        return list(self._tasks.values())

    def close(self) -> None:
        """End it."""
        for task in self.tasks():
            task.cancel()
        self.link.close()

    def on_ready(self) -> None:
        """It may ask now."""

    def on_payload(self, payload: bytes) -> None:
        """A call, or its end."""
        match read_call(payload):
            case Call() as call:
                self._begin(call)
            case Cancel(number):
                if (task := self._tasks.get(number)) is not None:
                    task.cancel()
            case Ping():
                self.link.send(Pong())

    def on_tick(self) -> None:
        """The one that called does the asking."""

    def on_end(self) -> None:
        """Nobody waits for answers any more."""
        for task in self.tasks():
            task.cancel()
        self._forget(self)

    def _begin(self, call: Call) -> None:
        if call.number in self._tasks:
            raise PeerProtocolError("a call's number is used twice")
        if len(self._tasks) >= CALLS:
            self.link.send(Reply(call.number, NotMine()))
            return
        task = asyncio.create_task(self._answer(call))
        self._tasks[call.number] = task
        task.add_done_callback(lambda _: self._reply(call.number, task))

    def _reply(self, number: int, task: asyncio.Task[Answer]) -> None:
        del self._tasks[number]
        self.link.send(Reply(number, Lost() if task.cancelled() else task.result()))

    async def _answer(self, call: Call) -> Answer:
        try:
            async with asyncio.timeout(call.deadline_s):
                return await self._serve(call.request)
        except (CmqError, NotMineError, SlotLostError) as error:
            return refusal(error)
        except TimeoutError:
            return Lost()  # whoever asked does not wait any longer
        except Exception:
            log.exception("peer_call_failed", extra={"request": type(call.request).__name__})
            return Lost()
