"""One address before several servers, as a load balancer: each exchange on a connection goes to the next server.

Shape   with TurnAbout(ports) as proxy: proxy.port; proxy.taken: how many exchanges each server had
Turn    what a client sends after it has had an answer is the next exchange: it goes over a new connection to the next
        server, and the client's own stays open. To close that instead would test the SDKs: a call on a connection that
        was closed meanwhile ends with a broken pipe there
"""

import asyncio
import threading
from collections.abc import Coroutine, Sequence
from itertools import cycle
from typing import Self

LIMIT_S = 30.0


class TurnAbout:
    """Serves on a loopback port of its own thread and event loop."""

    def __init__(self, ports: Sequence[int]) -> None:
        self.port = 0
        self.taken = dict.fromkeys(ports, 0)
        self.loop = asyncio.new_event_loop()
        self._next = cycle(ports)
        self._thread = threading.Thread(target=self.loop.run_forever, name="turn-about", daemon=True)
        self._clients: set[_Client] = set()
        self._server: asyncio.Server | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        self._wait_for(self._listen())
        return self

    def __exit__(self, *_: object) -> None:
        self._wait_for(self._end())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()

    def take_turn(self) -> int:
        """The next server's port."""
        port = next(self._next)
        self.taken[port] += 1
        return port

    def _wait_for(self, work: Coroutine[None, None, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self.loop).result(LIMIT_S)

    async def _listen(self) -> None:
        self._server = await self.loop.create_server(lambda: _Client(self, self._clients), "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _end(self) -> None:
        assert self._server is not None
        self._server.close()
        for client in list(self._clients):
            client.close()
        while self._clients:  # noqa: ASYNC110  polled once, at the end
            await asyncio.sleep(0.001)


class _Client(asyncio.Protocol):
    """A client's connection; _server is that of the exchange under way."""

    def __init__(self, proxy: TurnAbout, clients: set["_Client"]) -> None:
        self._proxy = proxy
        self._clients = clients
        self._transport: asyncio.WriteTransport | None = None
        self._server: _Server | None = None

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport
        self._clients.add(self)

    def connection_lost(self, _: Exception | None) -> None:
        self._transport = None
        self._clients.discard(self)
        if self._server is not None:
            self._server.close()

    def data_received(self, data: bytes) -> None:
        if self._server is None or self._server.answered:
            if self._server is not None:
                self._server.close()
            self._server = _Server(self)
            self._server.connect(self._proxy)
        self._server.ask(data)

    def answer(self, server: "_Server", data: bytes) -> None:
        """From the server."""
        if self._transport is not None and server is self._server:
            self._transport.write(data)

    def lost(self, server: "_Server") -> None:
        """The server hung up, or is not there."""
        if server is self._server:
            self.close()


class _Server(asyncio.Protocol):
    """A connection to a server, for one exchange."""

    def __init__(self, client: _Client) -> None:
        self.answered = False
        self._client = client
        self._asked = b""
        self._transport: asyncio.WriteTransport | None = None
        self._connecting: asyncio.Task[None] | None = None

    def connect(self, proxy: TurnAbout) -> None:
        """Take a turn."""
        self._connecting = proxy.loop.create_task(self._connect(proxy))

    async def _connect(self, proxy: TurnAbout) -> None:
        try:
            await proxy.loop.create_connection(lambda: self, "127.0.0.1", proxy.take_turn())
        except OSError:
            self._client.lost(self)

    def ask(self, data: bytes) -> None:
        """Send, as soon as it can be sent."""
        if self._transport is None:
            self._asked += data
        else:
            self._transport.write(data)

    def close(self) -> None:
        """Hang up."""
        if self._connecting is not None:
            self._connecting.cancel()
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport
        transport.write(self._asked)

    def data_received(self, data: bytes) -> None:
        self.answered = True
        self._client.answer(self, data)

    def connection_lost(self, _: Exception | None) -> None:
        self._client.lost(self)
