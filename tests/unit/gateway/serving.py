"""A gateway's server on a loopback port, and a client that sends bytes as they are."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import uvloop

from adapters.gateway.front.server import GatewayServer
from tests.unit.gateway.rig import Fake, Reply, Rig
from tests.unit.gateway.signing import HOST, replies

WITHIN_S = 20.0
"""A test that waits for longer has failed."""


def run(scene: Coroutine[Any, Any, None]) -> None:
    """Play a scene on the event loop that the gateway runs on."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(asyncio.wait_for(scene, WITHIN_S))


class Client:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, data: bytes) -> None:
        """Bytes, as they are."""
        self.writer.write(data)
        await self.writer.drain()

    async def reply(self) -> Reply:
        """The next one."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        lines = head.decode().split("\r\n")
        (length,) = (int(line.split(":")[1]) for line in lines if line.startswith("Content-Length:"))
        (reply,) = replies(head + await self.reader.readexactly(length))
        return reply

    async def rest(self) -> bytes:
        """What comes until the other side closes."""
        return await self.reader.read()

    async def all_replies(self) -> list[Reply]:
        """Every reply until the other side closes."""
        return replies(await self.rest())

    def close(self) -> None:
        """Go away."""
        self.writer.close()


class Serving:
    """A server with its rig."""

    def __init__(self, rig: Rig, server: GatewayServer) -> None:
        self.rig = rig
        self.server = server
        self._clients: list[Client] = []

    async def client(self) -> Client:
        """A new connection."""
        client = Client(*await asyncio.open_connection("127.0.0.1", self.server.port))
        self._clients.append(client)
        return client

    async def answers(self, data: bytes) -> list[Reply]:
        """Every reply to these bytes, on a connection of their own that ends with them."""
        client = await self.client()
        await client.send(data)
        client.writer.write_eof()
        return await client.all_replies()

    async def until_connections(self, count: int) -> None:
        """Wait until it has so many."""
        while len(self.server._connections) != count:  # noqa: ASYNC110  what the server does is seen there alone
            await asyncio.sleep(0.005)

    def let_go(self) -> None:
        """Close every client."""
        for client in self._clients:
            client.close()


@asynccontextmanager
async def serving(*actions: Fake, **times: Any) -> AsyncIterator[Serving]:
    """A server that answers until the block ends."""
    rig = Rig(*actions)
    server = GatewayServer(rig.front, HOST.rpartition(":")[0] + ":0", **times)
    await server.start()
    served = Serving(rig, server)
    try:
        yield served
    finally:
        served.let_go()
        for action in actions:
            action.going.set()
        await server.close(5.0)
