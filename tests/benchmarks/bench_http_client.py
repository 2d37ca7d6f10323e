"""The callback client alone, against a bare asyncio.Protocol that writes prepared bytes and counts those of answers.

600-byte POSTs over 64 connections to a sink without delay. The sink and each client run are processes of their own, the
runs are interleaved, each figure is the median of three. All are on uvloop. Requests per second of CPU say the same
about the client where the clock also measures the sink and whatever else the machine does.
"""

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple, cast

import uvloop

from adapters.callback.endpoint import HttpEndpoint
from pipeline.outcome import Delivered, Outcome
from pipeline.ports import Push
from pipeline.subscription import HttpPolicy
from tests.benchmarks.__main__ import main

REQUESTS = 200_000
WARM_UP = 5_000
CONNECTIONS = 64
ROUNDS = 3
WANTED = 0.6

PATH = "/batch-events"
BODY = b"x" * 600
MSG_ID = "4611686018427387904"
REQUEST = b"\r\n".join(
    (
        f"POST {PATH} HTTP/1.1".encode(),
        b"Host: 127.0.0.1:65535",
        b"Content-Type: text/plain",
        b"User-Agent: Qcloud Notification Service Agent",
        b"x-cmq-request-id: 0123456789abcdef-100000",
        f"x-cmq-message-id: {MSG_ID}".encode(),
        f"Content-Length: {len(BODY)}".encode(),
        b"",
        BODY,
    )
)
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Rates(NamedTuple):
    """Of one client run."""

    per_second: float
    per_cpu_second: float


def run() -> list[tuple[str, float, float, float]]:
    """Requests per second, and per second of CPU."""
    with _sink() as port:
        rounds = [(_measured("ours", port), _measured("floor", port)) for _ in range(ROUNDS)]
    ours, floor = zip(*rounds, strict=True)
    return [
        ("HTTP client alone, requests/s", _median(ours, 0), _median(floor, 0), WANTED),
        ("HTTP client alone, requests/CPU s", _median(ours, 1), _median(floor, 1), WANTED),
    ]


def _median(rates: tuple[Rates, ...], column: int) -> float:
    return sorted(rate[column] for rate in rates)[len(rates) // 2]


def _command(role: str, port: str = "0") -> list[str]:
    return [sys.executable, "-m", "tests.benchmarks.bench_http_client", role, port]


@contextmanager
def _sink() -> Iterator[str]:
    with subprocess.Popen(_command("sink"), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


def _measured(role: str, port: str) -> Rates:
    said = subprocess.run(_command(role, port), check=True, stdout=subprocess.PIPE, text=True).stdout
    return Rates(*map(float, said.split()))


class SinkConnection(asyncio.Protocol):
    """Answers each request that has come in whole."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._write = cast("asyncio.Transport", transport).write
        self._pending = b""

    def data_received(self, data: bytes) -> None:
        if self._pending:
            data = self._pending + data
        end = data.find(b"\r\n\r\n")
        if end < 0 or len(data) < end + 4 + len(BODY):
            self._pending = data
            return
        self._pending = data[end + 4 + len(BODY) :]
        self._write(ANSWER)


class Meter:
    """Counts answers, and takes the time of those after the warm-up."""

    def __init__(self) -> None:
        self._started = CONNECTIONS
        self._ended = 0
        self._began_s = 0.0
        self._began_cpu_s = 0.0
        self.rates: asyncio.Future[Rates] = asyncio.get_running_loop().create_future()

    def ended(self) -> bool:
        """One more answer; whether to send another request."""
        self._ended += 1
        if self._ended == WARM_UP:
            self._began_s, self._began_cpu_s = time.perf_counter(), time.process_time()
        elif self._ended == WARM_UP + REQUESTS:
            took_s, took_cpu_s = time.perf_counter() - self._began_s, time.process_time() - self._began_cpu_s
            self.rates.set_result(Rates(REQUESTS / took_s, REQUESTS / took_cpu_s))
        self._started += 1
        return self._started <= WARM_UP + REQUESTS


class BareConnection(asyncio.Protocol):
    """The floor: no parser, no deadline, no pool, and the answer is known to the byte."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._received = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._write = cast("asyncio.Transport", transport).write
        self._write(REQUEST)

    def data_received(self, data: bytes) -> None:
        self._received += len(data)
        if self._received >= len(ANSWER):
            self._received = 0
            if self._meter.ended():
                self._write(REQUEST)


async def _floor(port: int) -> Rates:
    meter = Meter()
    loop = asyncio.get_running_loop()
    for _ in range(CONNECTIONS):
        await loop.create_connection(lambda: BareConnection(meter), "127.0.0.1", port)
    return await meter.rates


async def _ours(port: int) -> Rates:
    meter = Meter()
    policy = HttpPolicy(f"http://127.0.0.1:{port}{PATH}", concurrency=CONNECTIONS, allow_private_addresses=True)
    endpoint = HttpEndpoint(policy, asyncio.get_running_loop())
    push = Push(MSG_ID, BODY)

    def on_outcome(outcome: Outcome) -> None:
        assert type(outcome) is Delivered, outcome
        if meter.ended():
            endpoint.post(push, on_outcome)

    for _ in range(CONNECTIONS):
        endpoint.post(push, on_outcome)
    rates = await meter.rates
    endpoint.close()
    return rates


async def _serve() -> None:
    server = await asyncio.get_running_loop().create_server(SinkConnection, "127.0.0.1", 0)
    _say(server.sockets[0].getsockname()[1])
    await server.serve_forever()


def _say(*figures: float) -> None:
    sys.stdout.write(" ".join(map(str, figures)) + "\n")
    sys.stdout.flush()


def _play(role: str, port: int) -> None:
    """A process of the benchmark."""
    match role:
        case "sink":
            uvloop.run(_serve())
        case "ours":
            _say(*uvloop.run(_ours(port)))
        case "floor":
            _say(*uvloop.run(_floor(port)))


if __name__ == "__main__":
    if len(sys.argv) == 1:
        sys.exit(main(["http_client"]))
    _play(sys.argv[1], int(sys.argv[2]))
