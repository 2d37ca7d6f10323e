"""Load on a server of queues: through send, receive and delete; to a waiting poll; polls that nobody answers.

Shape   through(server, batch, messages) -> Rates; latencies(server, messages, per_s) -> milliseconds, as they came;
        idle(server, polls, seconds) -> Idle. 600-byte bodies; the process of the server is looked at from outside
"""

import asyncio
import os
import time
from pathlib import Path
from typing import NamedTuple

from tests.benchmarks.queue_server import QueueServer
from tests.benchmarks.raw_http import Connection, connect

CONNECTIONS = 16
BODY = "x" * 580
WAITING = 8
POLL_S = 20
DRAIN_POLL_S = 1


class Rates(NamedTuple):
    """Of messages that went through all three calls, and of these calls."""

    messages_per_s: float
    calls_per_s: float


class Idle(NamedTuple):
    """What a server takes while polls wait."""

    resident_mib: float
    cores: float


async def through(server: QueueServer, batch: int, messages: int) -> Rates:
    """Send, receive and delete, over and over, on 16 connections."""
    work = _Through(server, batch, messages)
    connections = [await connect(server.port) for _ in range(CONNECTIONS)]
    began_s = time.perf_counter()
    await asyncio.gather(*map(work.worker, connections))
    took_s = time.perf_counter() - began_s
    for connection in connections:
        connection.close()
    return Rates(messages / took_s, work.calls / took_s)


class _Through:
    def __init__(self, server: QueueServer, batch: int, messages: int) -> None:
        self._calls = server.calls
        self._batch = batch
        self._to_send = messages
        self._to_delete = messages
        self.calls = 0

    async def worker(self, connection: Connection) -> None:
        while self._to_delete > 0:
            if self._to_send > 0:
                count = min(self._batch, self._to_send)
                self._to_send -= count
                self._calls.done(await self._call(connection, self._calls.send([BODY] * count)))
            wait_s = 0 if self._to_send > 0 else DRAIN_POLL_S
            got = self._calls.received(await self._call(connection, self._calls.receive(self._batch, wait_s)))
            if got:
                self._to_delete -= len(got)
                self._calls.done(await self._call(connection, self._calls.delete([handle for handle, _ in got])))

    def _call(self, connection: Connection, request: bytes) -> asyncio.Future[bytes]:
        self.calls += 1
        return connection.call(request)


async def latencies(server: QueueServer, messages: int, per_s: float) -> list[float]:
    """From the beginning of a send to the answer of a poll that waited for it, in milliseconds."""
    calls, taken, left = server.calls, list[float](), messages

    async def poll(connection: Connection) -> None:
        nonlocal left
        while left > 0:
            got = calls.received(await connection.call(calls.receive(1, POLL_S)))
            now_ns = time.perf_counter_ns()
            left -= len(got)
            taken.extend((now_ns - int(body.partition(" ")[0])) / 1e6 for _, body in got)
            if got:
                calls.done(await connection.call(calls.delete([handle for handle, _ in got])))

    async def send(connection: Connection, first: int) -> None:
        for number in range(first, messages, CONNECTIONS):
            await asyncio.sleep(max(0.0, began_s + number / per_s - time.perf_counter()))
            calls.done(await connection.call(calls.send([f"{time.perf_counter_ns()} {BODY}"])))

    connections = [await connect(server.port) for _ in range(CONNECTIONS + WAITING)]
    polls = [asyncio.ensure_future(poll(connection)) for connection in connections[:WAITING]]
    began_s = time.perf_counter()
    await asyncio.gather(*[send(one, first) for first, one in enumerate(connections[WAITING:])])
    while left > 0:
        await asyncio.wait(polls, return_when=asyncio.FIRST_COMPLETED)
    for task in polls:
        task.cancel()
    for connection in connections:
        connection.close()
    return taken


async def idle(server: QueueServer, polls: int, seconds: float) -> Idle:
    """Let so many polls wait on an empty queue."""
    connections = [await connect(server.port) for _ in range(polls)]
    waiting = [connection.call(server.calls.receive(1, POLL_S)) for connection in connections]
    await asyncio.sleep(2)
    before_s = _cpu_s(server.pid)
    await asyncio.sleep(seconds)
    cores = (_cpu_s(server.pid) - before_s) / seconds
    resident = resident_mib(server.pid)
    assert not any(answer.done() for answer in waiting), "a poll was answered"
    for connection in connections:
        connection.close()
    return Idle(resident, cores)


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mib(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / (1 << 20)
