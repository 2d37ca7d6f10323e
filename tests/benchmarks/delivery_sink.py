"""The HTTP sink of the delivery benchmarks: a process of its own that answers after a delay and keeps books.

Shape   python -m tests.benchmarks.delivery_sink PLAN: prints its port and, when each path has accepted what is
        expected, its Books, either as a line; it goes on answering until it is killed
Cost    one timer for all answers that wait, as their delays are equal; it runs on a clock of milliseconds, so an answer
        goes out at the one nearest to its time. Bodies are read at once only where the answer depends on them
Reads   HTTP as the contenders speak it: one request at a time on a connection, with a Content-Length
"""

import asyncio
import re
import sys
import time
from collections import Counter, deque
from typing import Any, cast

import msgspec
import uvloop

from tests.benchmarks.sink_books import ACCEPTED, Event, identity, keeper_for
from tests.benchmarks.sink_plan import HANG, Plan, fails

ANSWER = b"HTTP/1.1 %d X\r\nContent-Length: 2\r\n\r\nok"
ANSWERS = {status: ANSWER % status for status in (ACCEPTED, 503)}
HALF_A_TICK_S = 0.0005

find_length = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE).search


class Sink:
    """What all connections share."""

    def __init__(self, plan: Plan) -> None:
        self.done = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._plan = plan
        self._delay_s = plan.delay_ms / 1000
        self._keeper: Any = keeper_for(plan)
        self._attempts: Counter[Event] = Counter()
        self._waiting: deque[tuple[float, Connection, bytes, Any, int]] = deque()

    def received(self, connection: "Connection", path: bytes, body: bytes) -> None:
        """Note a request, and answer it when it is time."""
        if path == HANG:
            return
        at_s = time.monotonic()
        event = None if self.done.is_set() else self._keeper.arrived(at_s, path, body)
        status = self._status_of(body) if self._plan.fail_per_cent else ACCEPTED
        if not self._delay_s:
            self._answer(connection, path, event, status)
            return
        if not self._waiting:
            self._loop.call_later(self._delay_s, self._answer_those_due)
        self._waiting.append((at_s + self._delay_s, connection, path, event, status))

    def _answer_those_due(self) -> None:
        waiting, until_s = self._waiting, time.monotonic() + HALF_A_TICK_S
        while waiting and waiting[0][0] <= until_s:
            self._answer(*waiting.popleft()[1:])
        if waiting:
            self._loop.call_later(max(0.001, waiting[0][0] - time.monotonic()), self._answer_those_due)

    def _answer(self, connection: "Connection", path: bytes, event: Any, status: int) -> None:
        connection.write(ANSWERS[status])
        if event is not None and self._keeper.answered(time.monotonic(), path, event, status):
            self.done.set()

    def _status_of(self, body: bytes) -> int:
        event = identity(body)
        self._attempts[event] += 1
        return 503 if fails(*event, self._attempts[event], self._plan.fail_per_cent) else ACCEPTED

    def books(self) -> bytes:
        """The result, as JSON."""
        return msgspec.json.encode(self._keeper.books())


class Connection(asyncio.Protocol):
    """One kept-alive connection."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._pending = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.write = cast("asyncio.Transport", transport).write

    def data_received(self, data: bytes) -> None:
        if self._pending:
            data = self._pending + data
        begin = data.find(b"\r\n\r\n") + 4
        length = find_length(data) if begin > 3 else None
        if length is None or len(data) < begin + int(length[1]):
            self._pending = data
            return
        self._pending = b""
        self._sink.received(self, data[5 : data.index(b" ", 5)], data[begin:])


async def main() -> None:
    """Serve."""
    sink = Sink(msgspec.json.decode(sys.argv[1], type=Plan))
    server = await asyncio.get_running_loop().create_server(lambda: Connection(sink), "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await sink.done.wait()
    print(sink.books().decode(), flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main())
