"""The moments between two turns of the loop in which a connection comes too late, or nearly."""

import asyncio
import socket
from collections.abc import Callable
from typing import Any, cast

from adapters.callback.connection import Connection
from adapters.callback.dialer import Dialer
from pipeline.outcome import Abandoned
from pipeline.subscription import HttpPolicy
from tests.unit.callback.lab import Lab, hang, on_loop
from tests.unit.callback.wire import Wire

IPS = ["127.0.0.2", "127.0.0.1"]


class Switchboard:
    """A loop whose connections are made as a test says, and the pool that they are for."""

    rest_s = 30.0

    def __init__(self, connect: Callable[[Connection, Wire, str], Any]) -> None:
        self._connect = connect
        self.wires: dict[str, Wire] = {}
        self.time = asyncio.get_running_loop().time
        self.create_future = asyncio.get_running_loop().create_future
        self.call_soon_threadsafe = asyncio.get_running_loop().call_soon_threadsafe

    async def create_connection(self, make: Callable[[], Connection], ip: str, *_: object, **__: object) -> None:
        self.wires[ip] = Wire()
        await self._connect(make(), self.wires[ip], ip)

    def connected(self, connection: Connection) -> None: ...
    def became_idle(self, connection: Connection) -> None: ...
    def lost(self, connection: Connection) -> None: ...

    async def dial(self, left_s: float) -> list[Connection]:
        """Over two addresses; the connections that were made."""
        made: list[Connection] = []
        found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, 0)) for ip in IPS]
        policy = HttpPolicy("http://two.example/", allow_private_addresses=True)
        loop = cast("asyncio.AbstractEventLoop", self)
        await Dialer(policy, loop, lambda _host, _port: found).dial(self, made.append, left_s)
        return made


@on_loop
async def test_an_address_whose_share_ends_right_after_it_has_connected_keeps_its_connection() -> None:
    async def connect(connection: Connection, wire: Wire, _ip: str) -> None:
        connection.connection_made(wire)
        await asyncio.sleep(0.04)  # longer than its share

    board = Switchboard(connect)
    assert len(await board.dial(left_s=0.04)) == 1
    assert [(ip, wire.closing) for ip, wire in board.wires.items()] == [("127.0.0.2", False)]


@on_loop
async def test_an_address_that_connects_right_after_its_share_has_ended_is_closed_and_the_next_one_called() -> None:
    async def connect(connection: Connection, wire: Wire, ip: str) -> None:
        try:
            if ip == "127.0.0.2":
                await asyncio.Event().wait()
        finally:
            connection.connection_made(wire)

    board = Switchboard(connect)
    assert len(await board.dial(left_s=0.04)) == 1
    assert [(ip, wire.closing) for ip, wire in board.wires.items()] == [("127.0.0.2", True), ("127.0.0.1", False)]


@on_loop
async def test_a_connection_that_comes_after_the_end_of_its_attempt_is_closed() -> None:
    async with Lab(hang) as lab:
        outing = lab.post()
        outing.attempt.cancel()
        wire = Wire()
        connection = Connection(lab.endpoint, outing.attempt.send_on)
        connection.connection_made(wire)
        assert wire.closing
        connection.connection_lost(None)
        assert outing.told == [Abandoned()]
