"""One endpoint of ours, one raw server, one event loop; what neither may do is checked when the lab closes.

Shape   on_loop makes a test of a coroutine; `async with Lab(serve, …)` gives .post() -> Outing, .outcome() and .server.
        `serve` says what the server does with each connection, byte by byte: a Peer
Checks  at the end no connection is open, the loop was told of no error, each outcome was told once and never from
        within post
"""

import asyncio
import contextlib
import functools
import gc
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, NamedTuple, ParamSpec, Self

import msgspec
import uvloop

from adapters.callback.endpoint import Attempt, HttpEndpoint
from adapters.callback.resolver import Lookup, lookup_streams
from pipeline.outcome import Outcome
from pipeline.ports import Push
from pipeline.subscription import HttpPolicy

LIMIT_S = 20.0
"""A test that takes longer hangs."""

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
PUSH = Push("4611686018427387904", b"a body")

Params = ParamSpec("Params")


def on_loop(test: Callable[Params, Coroutine[Any, Any, None]]) -> Callable[Params, None]:
    """Run a test on a new uvloop event loop."""

    @functools.wraps(test)
    def run(*args: Params.args, **kwargs: Params.kwargs) -> None:
        uvloop.run(asyncio.wait_for(test(*args, **kwargs), LIMIT_S))
        gc.collect()  # a transport that nobody closed warns now, and warnings are errors

    return run


async def until(condition: Callable[[], object]) -> None:
    """Let the loop turn until something is so: of what has no event to wait for."""
    while not condition():  # noqa: ASYNC110  what a socket does next raises no event that a test could have
        await asyncio.sleep(0)


class Received(NamedTuple):
    """A request, as the server read it."""

    head: bytes
    body: bytes

    @property
    def line(self) -> str:
        return self.head.split(b"\r\n")[0].decode()

    def header(self, name: str) -> str | None:
        """The value of a header that may stand there once."""
        lines = (line.partition(b": ") for line in self.head.split(b"\r\n")[1:])
        values = [value.decode() for key, _, value in lines if key.decode().lower() == name.lower()]
        assert len(values) <= 1
        return values[0] if values else None


class Peer:
    """One connection, as the server sees it."""

    def __init__(self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.number = number
        self.address: str = writer.get_extra_info("sockname")[0]
        self._reader = reader
        self._writer = writer

    async def request(self) -> Received:
        head = await self._reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        return Received(head, await self._reader.readexactly(length))

    async def send(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def gone(self) -> bytes:
        """Wait until the client has closed; what it sent until then."""
        return await self._reader.read()

    def reset(self) -> None:
        """Close with a reset, after what was sent."""
        self._writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()


Serve = Callable[[Peer], Awaitable[None]]


async def answer_ok(peer: Peer) -> None:
    """A good endpoint."""
    while True:
        await peer.request()
        await peer.send(OK)


async def hang(peer: Peer) -> None:
    """Takes everything and says nothing."""
    await peer.gone()


def answering(*answers: bytes) -> Serve:
    """To each request of a connection the next of these answers, then the connection is closed."""

    async def serve(peer: Peer) -> None:
        for answer in answers:
            await peer.request()
            await peer.send(answer)

    return serve


def answering_and_open(answer: bytes) -> Serve:
    """To each request the same answer, and the client has to close."""

    async def serve(peer: Peer) -> None:
        while True:
            await peer.request()
            await peer.send(answer)

    return serve


class RawServer:
    """Serves on a loopback port of the running loop."""

    def __init__(self, serve: Serve, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1", port: int = 0) -> None:
        self._serve = serve
        self._tls = tls
        self._host = host
        self.port = port
        self.peers: list[Peer] = []
        self.faults: list[BaseException] = []
        self.open = 0
        self.most_open = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._accepted, self._host, self.port, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]

    def stop_listening(self) -> None:
        """Refuse new connections; those that there are stay."""
        assert self._server is not None
        self._server.close()

    async def all_closed(self) -> None:
        """Wait until the client has let go of every connection."""
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        peer = Peer(len(self.peers) + 1, reader, writer)
        self.peers.append(peer)
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        try:
            await self._serve(peer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the client closed
        except AssertionError as fault:
            self.faults.append(fault)
        finally:
            self.open -= 1
            writer.close()
            with contextlib.suppress(ConnectionError, ssl.SSLError):
                await writer.wait_closed()


class Outing:
    """One post: its attempt, and what became of it."""

    def __init__(self, endpoint: HttpEndpoint, push: Push) -> None:
        self.told: list[Outcome] = []
        self._heard = asyncio.Event()
        self._then: Callable[[], None] | None = None
        self.attempt: Attempt = endpoint.post(push, self._on_outcome)
        assert not self.told, "told from within post"

    def _on_outcome(self, outcome: Outcome) -> None:
        self.told.append(outcome)
        self._heard.set()
        if self._then is not None:
            self._then()

    def then(self, call: Callable[[], None]) -> None:
        """Call from within on_outcome."""
        self._then = call

    async def outcome(self) -> Outcome:
        await self._heard.wait()
        return self.told[0]


class Lab:
    """An endpoint and its server."""

    def __init__(
        self,
        serve: Serve = answer_ok,
        *,
        host: str = "127.0.0.1",
        path: str = "/hook",
        server_tls: ssl.SSLContext | None = None,
        lookup: Lookup = lookup_streams,
        idle_s: float = 30.0,
        rest_s: float = 30.0,
        **policy: Any,
    ) -> None:
        self.server = RawServer(serve, server_tls)
        self._scheme = "http" if server_tls is None else "https"
        self._host = host
        self._path = path
        self._lookup = lookup
        self._idle_s = idle_s
        self._rest_s = rest_s
        self._policy = {"allow_private_addresses": True, "timeout_s": 3.0, **policy}
        self._outings: list[Outing] = []
        self.loop_errors: list[dict[str, Any]] = []

    async def __aenter__(self) -> Self:
        await self.server.start()
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: self.loop_errors.append(context))
        policy = HttpPolicy(f"{self._scheme}://{self._host}:{self.server.port}{self._path}")
        policy = msgspec.structs.replace(policy, **self._policy)
        self.endpoint = HttpEndpoint(policy, loop, self._lookup, self._idle_s, self._rest_s)
        return self

    async def __aexit__(self, kind: object, *_: object) -> None:
        self.endpoint.close()
        self.server.stop_listening()
        if kind is None:
            await self.nothing_open()
            assert [len(outing.told) for outing in self._outings] == [1] * len(self._outings)
            assert self.server.faults == []
            assert self.loop_errors == []

    def post(self, push: Push = PUSH) -> Outing:
        outing = Outing(self.endpoint, push)
        self._outings.append(outing)
        return outing

    async def has_read(self, size: int) -> None:
        """Wait until the client has read this much of the answers that are coming in."""
        await until(lambda: self.server.peers and sum(one._received for one in self.endpoint._open) >= size)

    async def nothing_open(self) -> None:
        """Wait until every connection of either side is gone."""
        await self.server.all_closed()
        await until(lambda: not self.endpoint._open)

    async def outcome(self, push: Push = PUSH) -> Outcome:
        """Of a post, when it has come."""
        return await self.post(push).outcome()
