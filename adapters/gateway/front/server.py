"""The gateway's listener: accepts connections, keeps their bounds, and ends in good order.

Shape   GatewayServer(front, listen): await start(), port, await close(timeout_s). On the event loop's thread
End     accepts nothing more; idle connections are closed, long polls get their `no message`, what is out is finished,
        up to the deadline; what is left is cut
Bounds  as many connections as there are file descriptors, less RESERVED for Kafka's clients and the probes: one more is
        closed at once, since a listener that runs out of them stops. BODY_BYTES of bodies in all connections together;
        times of connection.py, looked at every SWEEP_S
"""

import asyncio
import logging
from collections.abc import Callable

from adapters.callback.descriptors import limit
from adapters.gateway.errors import Row
from adapters.gateway.front.calls import Call
from adapters.gateway.front.connection import Connection
from adapters.gateway.front.front import Front
from adapters.gateway.front.protocol import Request

BODY_BYTES = 256 << 20
"""The most memory that bodies of requests may have which are coming in or waiting for their replies."""

RESERVED = 256
"""File descriptors that are not for clients' connections."""

BACKLOG = 1024

SWEEP_S = 0.5

IDLE_S = 75.0
REQUEST_S = 20.0
LINGER_S = 3.0

log = logging.getLogger(__name__)


class GatewayServer:
    """Serves until closed; see connection.py for idle_s, request_s and linger_s."""

    def __init__(
        self,
        front: Front,
        listen: str,
        *,
        idle_s: float = IDLE_S,
        request_s: float = REQUEST_S,
        linger_s: float = LINGER_S,
        body_bytes: int = BODY_BYTES,
        connections: int | None = None,
    ) -> None:
        self.idle_s = idle_s
        self.request_s = request_s
        self.linger_s = linger_s
        self.closing = False
        self.clock_s: Callable[[], float] = asyncio.get_running_loop().time
        self._front = front
        self._host, _, port = listen.rpartition(":")
        self.port = int(port)
        """Where it listens, also when 0 was asked for; as soon as it was started."""
        self._room = body_bytes
        self._most = max(1, limit() - RESERVED) if connections is None else connections
        self._full_told = False
        self._connections: set[Connection] = set()
        self._none_left = asyncio.Event()
        self._server: asyncio.Server | None = None
        self._sweep: asyncio.TimerHandle | None = None

    async def start(self) -> None:
        """Listen.

        Raises:
            OSError: the address cannot be had.
        """
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: Connection(self), self._host.strip("[]"), self.port, backlog=BACKLOG
        )
        self.port = int(self._server.sockets[0].getsockname()[1])
        self._sweep_later()

    async def close(self, timeout_s: float) -> bool:
        """Stop; whether everything that was out came to its end in time."""
        self.closing = True
        deadline_s = self.clock_s() + timeout_s
        if self._server is not None:
            self._server.close()
        for connection in list(self._connections):
            connection.end(self.refusal(Row.NO_MESSAGE))
        drained = await self._front.drained(timeout_s)
        gone = await self._all_gone(max(0.0, deadline_s - self.clock_s()))
        if self._sweep is not None:
            self._sweep.cancel()
        return drained and gone

    def begin(self, request: Request) -> bytes | Call:
        """From a connection."""
        return self._front.begin(request)

    def refusal(self, row: Row) -> bytes:
        """From a connection."""
        return self._front.refusal(row)

    def take(self, size: int) -> bool:
        """From a connection: take memory for a body, or give it back."""
        self._room -= size
        return self._room >= 0

    def opened(self, connection: Connection) -> bool:
        """From a new connection: whether it may stay."""
        self._connections.add(connection)
        self._none_left.clear()
        full = len(self._connections) > self._most
        if full and not self._full_told:
            self._full_told = True
            log.warning("gateway_connections_full", extra={"connections": self._most})
        return not (full or self.closing)

    def lost(self, connection: Connection) -> None:
        """From a connection."""
        self._connections.discard(connection)
        if len(self._connections) < self._most // 2:
            self._full_told = False
        if not self._connections:
            self._none_left.set()

    async def _all_gone(self, timeout_s: float) -> bool:
        if not self._connections:
            return True
        try:
            await asyncio.wait_for(self._none_left.wait(), timeout_s)
        except TimeoutError:
            for connection in list(self._connections):
                connection.abort()
            return False
        return True

    def _sweep_later(self) -> None:
        self._sweep = asyncio.get_running_loop().call_later(SWEEP_S, self._sweep_overdue)

    def _sweep_overdue(self) -> None:
        now_s = self.clock_s()
        for connection in [one for one in self._connections if one.deadline_s <= now_s]:
            connection.overdue()
        self._sweep_later()
