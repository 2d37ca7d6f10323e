"""The HTTP sink of the delivery benchmarks: a process of its own that answers after a delay and keeps two books.

Shape   python -m tests.benchmarks.delivery_sink DELAY_MS FAIL_PER_CENT EXPECTED: prints its port, then, when EXPECTED
        events were accepted, one line of JSON: seconds from the first arrival to the last acceptance, requests,
        out_of_order, overlap
Books   out_of_order: accepted after a later event of the same key. overlap: arrived while another of the same key was
        unanswered. Both are kept while it runs as (time, body) and made up at the end, so that they cost nothing
Failing which attempts are answered 503 follows from a hash of key, sequence number and attempt: all contenders meet the
        same failures
"""

import asyncio
import base64
import json
import sys
import time
import zlib
from collections import Counter
from typing import NamedTuple

import httptools
import uvloop


class Arrival(NamedTuple):
    """A request: when it came, when it was answered, and with what."""

    at_s: float
    answered_s: float
    status: int
    key: str
    number: int


def identity(body: bytes) -> tuple[str, int]:
    """Key and sequence number of a pushed event, or of `key number` in plain text (the bare loop's peers)."""
    if body.startswith(b"{"):
        body = base64.b64decode(json.loads(body)["msgBody"])
    batch = json.loads(body)["Events"][0]["Batch"]
    return batch["JobId"], batch["TaskInstanceIndex"]


class Sink:
    """What all connections share."""

    def __init__(self, delay_s: float, fail_per_cent: int, expected: int) -> None:
        self.delay_s = delay_s
        self.fail_per_cent = fail_per_cent
        self.expected = expected
        self.raw: list[tuple[float, float, int, bytes]] = []
        self.accepted = 0
        self.attempts: Counter[tuple[str, int]] = Counter()
        self.done = asyncio.Event()

    def status_of(self, body: bytes) -> int:
        """200, or 503 by hash."""
        if not self.fail_per_cent:
            return 200
        key, number = identity(body)
        self.attempts[key, number] += 1
        return 503 if fails(key, number, self.attempts[key, number], self.fail_per_cent) else 200

    def answered(self, at_s: float, status: int, body: bytes) -> None:
        """Note a request that is answered now."""
        self.raw.append((at_s, time.monotonic(), status, body))
        self.accepted += status == 200
        if self.accepted >= self.expected:
            self.done.set()

    def books(self) -> dict[str, float]:
        """The result."""
        arrivals = sorted(Arrival(at_s, done_s, status, *identity(body)) for at_s, done_s, status, body in self.raw)
        overlap = 0
        busy_until: dict[str, float] = {}
        for one in arrivals:
            overlap += one.at_s < busy_until.get(one.key, 0.0)
            busy_until[one.key] = max(busy_until.get(one.key, 0.0), one.answered_s)
        out_of_order = 0
        latest: dict[str, int] = {}
        for one in sorted((a for a in arrivals if a.status == 200), key=lambda a: a.answered_s):
            out_of_order += one.number < latest.get(one.key, -1)
            latest[one.key] = max(latest.get(one.key, -1), one.number)
        seconds = max(a.answered_s for a in arrivals) - arrivals[0].at_s
        return {"seconds": seconds, "requests": len(arrivals), "out_of_order": out_of_order, "overlap": overlap}


def fails(key: str, number: int, attempt: int, per_cent: int) -> bool:
    """Whether this attempt is answered 503."""
    return zlib.crc32(f"{key} {number} {attempt}".encode()) % 100 < per_cent


class Connection(asyncio.Protocol):
    """One kept-alive connection."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._parser = httptools.HttpRequestParser(self)
        self._body: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_body(self, data: bytes) -> None:
        self._body.append(data)

    def on_message_complete(self) -> None:
        body, self._body = b"".join(self._body), []
        at_s, status = time.monotonic(), self._sink.status_of(body)
        if self._sink.delay_s:
            asyncio.get_running_loop().call_later(self._sink.delay_s, self._answer, at_s, status, body)
        else:
            self._answer(at_s, status, body)

    def _answer(self, at_s: float, status: int, body: bytes) -> None:
        self._sink.answered(at_s, status, body)
        self._transport.write(b"HTTP/1.1 %d X\r\nContent-Length: 2\r\n\r\nok" % status)  # type: ignore[attr-defined]


async def main() -> None:
    sink = Sink(float(sys.argv[1]) / 1000, int(sys.argv[2]), int(sys.argv[3]))
    server = await asyncio.get_running_loop().create_server(lambda: Connection(sink), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await sink.done.wait()
    print(json.dumps(sink.books()), flush=True)


if __name__ == "__main__":
    uvloop.run(main())
