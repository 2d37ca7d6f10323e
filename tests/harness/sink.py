"""An HTTP server of its own for callbacks: keeps every request in order of arrival, with what became of it.

Shape   Sink(answer) as a context; .url(path), .requests, .accepted(path), .of(path). `answer` decides by path, msgId
        and number of the attempt: a status, or a Conduct (conduct.py) for an endpoint that behaves oddly. The default
        accepts everything
Books   each request has the moments of its arrival and its end as numbers of one sequence: two of a key overlap if one
        arrived before the other's end. A request has ended when its status is written out or its connection is gone
Errors  an answer that raises is kept in .errors, and the connection is closed
"""

import asyncio
import socket
import ssl  # noqa: TC003  beside the others
import struct
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Coroutine
from itertools import count
from typing import Self, cast

import uvloop


class Request:
    """One POST."""

    __slots__ = ("arrived", "body", "connection", "ended", "headers", "path", "status", "time_s")

    def __init__(self, path: str, headers: dict[str, str], body: bytes, arrived: int, connection: int) -> None:
        self.path = path
        self.headers = headers
        self.body = body
        self.status = 0
        """What was answered; 0 as long as nothing was."""
        self.arrived = arrived
        self.ended = 0
        self.connection = connection
        self.time_s = time.monotonic()

    @property
    def msg_id(self) -> str:
        return self.headers["x-cmq-message-id"]

    @property
    def accepted(self) -> bool:
        return 200 <= self.status < 300


Conduct = Callable[["Call"], Awaitable[None]]
Answer = Callable[[str, str, int], "int | Conduct"]


def accept_all(_path: str, _msg_id: str, _attempt: int) -> int:
    return 200


class Sink:
    """Serves on a loopback port of its own thread and event loop."""

    def __init__(self, answer: Answer = accept_all, host: str = "127.0.0.1", port: int = 0) -> None:
        self.answer = answer
        self.tls: ssl.SSLContext | None = None
        """Of what listens from the next listen() on."""
        self.requests: list[Request] = []
        self.errors: list[BaseException] = []
        self.released = asyncio.Event()
        """What a hanging conduct waits for."""
        self._attempts: Counter[tuple[str, str]] = Counter()
        self._accepted: dict[str, set[str]] = defaultdict(set)
        self._moments = count(1)
        self._connections = count(1)
        self._open: set[_Connection] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
        self._loop.set_exception_handler(
            lambda _, context: self.errors.append(context.get("exception") or RuntimeError(context["message"]))
        )
        self._thread = threading.Thread(target=self._loop.run_forever, name="sink", daemon=True)
        self._server: asyncio.AbstractServer | None = None
        self.host = host
        self.port = port

    def __enter__(self) -> Self:
        self._thread.start()
        self._wait_for(self._listen())
        return self

    def __exit__(self, *_: object) -> None:
        self._wait_for(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def url(self, path: str) -> str:
        return f"{'https' if self.tls else 'http'}://{self.host}:{self.port}{path}"

    def accepted(self, path: str) -> int:
        """How many different messages were answered 2xx."""
        return len(self._accepted[path])

    def of(self, path: str) -> list[Request]:
        return [request for request in self.requests if request.path == path]

    def release(self) -> None:
        """Let those who hang go on."""
        self._loop.call_soon_threadsafe(self.released.set)

    def refuse(self) -> None:
        """Nobody listens any more; connections are reset."""
        self._wait_for(self._close())

    def listen(self) -> None:
        """Listen again, on the same port."""
        self._wait_for(self._listen())

    def _wait_for(self, coroutine: Coroutine[None, None, None]) -> None:
        asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(30)

    async def _listen(self) -> None:
        self._server = await self._loop.create_server(
            lambda: _Connection(self), self.host, self.port, backlog=1024, ssl=self.tls
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        assert self._server is not None
        self._server.close()
        for connection in list(self._open):
            connection.reset()
        await self._server.wait_closed()

    async def _end(self) -> None:
        self.released.set()
        await self._close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        while self._open:  # noqa: ASYNC110  polled once, at the end
            await asyncio.sleep(0.001)

    def _connected(self, connection: "_Connection") -> int:
        self._open.add(connection)
        return next(self._connections)

    def _noted(self, connection: "_Connection", path: str, headers: dict[str, str], body: bytes) -> Request:
        request = Request(path, headers, body, next(self._moments), connection.number)
        self.requests.append(request)
        return request

    def _answer(self, connection: "_Connection", request: Request) -> None:
        path, msg_id = request.path, request.headers.get("x-cmq-message-id", "")
        self._attempts[path, msg_id] += 1
        call = Call(self, connection, request)
        try:
            answer = self.answer(path, msg_id, self._attempts[path, msg_id])
        except Exception as error:  # noqa: BLE001  told by the test
            self.errors.append(error)
            connection.reset()
            return
        if isinstance(answer, int):
            call.reply(answer)
            connection.done()
        else:
            task = self._loop.create_task(self._conduct(answer, call, connection))
            connection.task = task
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _conduct(self, conduct: Conduct, call: "Call", connection: "_Connection") -> None:
        try:
            await conduct(call)
        except ConnectionError:
            return
        except Exception as error:  # noqa: BLE001  told by the test
            self.errors.append(error)
            connection.reset()
            return
        connection.task = None
        connection.done()

    def _answered(self, request: Request, status: int) -> None:
        if request.ended:
            return
        request.status = status
        request.ended = next(self._moments)
        if 200 <= status < 300:
            self._accepted[request.path].add(request.headers.get("x-cmq-message-id", ""))

    def _broken(self, request: Request) -> None:
        if not request.ended:
            request.ended = next(self._moments)


class Call:
    """A request, for a Conduct to answer."""

    def __init__(self, sink: Sink, connection: "_Connection", request: Request) -> None:
        self.sink = sink
        self.request = request
        self._connection = connection

    def reply(self, status: int, body: bytes = b"ok", *headers: str) -> None:
        """A whole answer."""
        self.head(status, f"Content-Length: {len(body)}", *headers)
        self.write(body)

    def head(self, status: int, *headers: str) -> None:
        """The head of an answer; the request has ended with it."""
        lines = "".join(f"{header}\r\n" for header in headers)
        self.write(f"HTTP/1.1 {status} X\r\n{lines}\r\n".encode())
        self.sink._answered(self.request, status)

    def write(self, data: bytes) -> None:
        """Bytes as they are. Raises ConnectionResetError when the other side is gone."""
        if self._connection.transport is None:
            raise ConnectionResetError
        self._connection.transport.write(data)

    async def written(self) -> None:
        """Wait until there is room to write more."""
        await asyncio.sleep(0)
        await self._connection.writable.wait()
        if self._connection.transport is None:
            raise ConnectionResetError

    @property
    def served(self) -> int:
        """How many requests this connection has had, with this one."""
        return self._connection.served

    def close(self) -> None:
        """Close the connection in order."""
        if self._connection.transport is not None:
            self._connection.transport.close()

    def reset(self) -> None:
        """Reset the connection."""
        self._connection.reset()


class _Connection(asyncio.Protocol):
    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._data = b""
        self._request: Request | None = None
        self.transport: asyncio.Transport | None = None
        self.task: asyncio.Task[None] | None = None
        self.writable = asyncio.Event()
        self.writable.set()
        self.number = 0
        self.served = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.number = self._sink._connected(self)

    def data_received(self, data: bytes) -> None:
        self._data += data
        self._next()

    def _next(self) -> None:
        if self._request is not None:
            return
        head, found, rest = self._data.partition(b"\r\n\r\n")
        if not found:
            return
        first, *lines = head.decode().split("\r\n")
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        length = int(headers["content-length"])
        if len(rest) < length:
            return
        self._data = rest[length:]
        self.served += 1
        path = first.split()[1]
        self._request = self._sink._noted(self, path, headers, rest[:length])
        self._sink._answer(self, self._request)

    def done(self) -> None:
        """Whoever answered is through; without an answer the request has ended too."""
        if self._request is not None:
            self._sink._broken(self._request)
        self._request = None
        self._next()

    def pause_writing(self) -> None:
        self.writable.clear()

    def resume_writing(self) -> None:
        self.writable.set()

    def reset(self) -> None:
        """RST instead of FIN."""
        if self.transport is None:
            return
        sock = self.transport.get_extra_info("socket")
        if sock is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()

    def connection_lost(self, _error: Exception | None) -> None:
        self.transport = None
        self.writable.set()
        self._sink._open.discard(self)
        if self._request is not None:
            self._sink._broken(self._request)
        if self.task is not None:
            self.task.cancel()
