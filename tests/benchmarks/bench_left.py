"""What a slot's owner keeps of a long history: a million messages through a queue, one in a thousand never deleted.

Those that are left come again every 30 s, and hold up neither the others nor the end of the log. Then the replica is
killed and another one takes over. The rows read the other way round than the others: allowed over taken, the take-over
of the queue's slot in milliseconds, without the session of the killed one, which is the group's.
"""

import asyncio
import os
import re
import signal
import tempfile
import time
from pathlib import Path

import uvloop

from tests.benchmarks.gateway_server import gateway
from tests.benchmarks.native_broker import broker
from tests.benchmarks.queue_load import CONNECTIONS, resident_mib
from tests.benchmarks.queue_server import QueueServer
from tests.benchmarks.raw_http import Connection, connect

MESSAGES = 1_000_000
LEFT = 1_000
"""One in so many is left."""

BATCH = 16
WAIT_S = 1
ALLOWED_MIB, ALLOWED_MS = 250.0, 1_000.0
_TAKEN = re.compile(r"slot_taken .*read_bytes=(\d+) took_ms=(\d+)")


def run() -> list[tuple[str, float, float, float]]:
    """MiB and milliseconds, allowed and taken."""
    with tempfile.TemporaryDirectory() as named, broker() as servers:
        folder = Path(named)
        with gateway(servers, folder) as server:
            began_s = time.monotonic()
            uvloop.run(_Load(server).play())
            print(f"{MESSAGES / (time.monotonic() - began_s):,.0f} messages/s, all but {MESSAGES // LEFT:,} deleted")
            resident = resident_mib(server.pid)
            os.kill(server.pid, signal.SIGKILL)
        log = folder / "log"
        began_s = time.monotonic()
        with gateway(servers, folder, log) as server:
            again = uvloop.run(_first(server))
            print(f"the next replica gave one that was left {time.monotonic() - began_s:.1f} s after its start")
            assert int(again) % LEFT == 0, "a deleted message came back"
        taken = [(int(size), int(ms)) for size, ms in _TAKEN.findall(log.read_text())]
    size, took_ms = max(taken)
    print(f"its slot: {size:,} bytes read in {took_ms} ms")
    name = f"gateway, {MESSAGES:,} messages, 1 in {LEFT:,} left"
    return [
        (f"{name}, MiB, allowed / resident", ALLOWED_MIB, resident, 1.0),
        (f"{name}, take-over, ms, allowed / taken", ALLOWED_MS, max(1, took_ms), 1.0),
    ]


class _Load:
    """Sends everything, and deletes all that is not to be left."""

    def __init__(self, server: QueueServer) -> None:
        self._server = server
        self._sent = 0
        self._open = MESSAGES - MESSAGES // LEFT

    async def play(self) -> None:
        connections = [await connect(self._server.port) for _ in range(CONNECTIONS)]
        await asyncio.gather(*map(self._work, connections))
        for connection in connections:
            connection.close()

    async def _work(self, connection: Connection) -> None:
        calls = self._server.calls
        while self._open > 0:
            if self._sent < MESSAGES:
                numbers = range(self._sent, self._sent + BATCH)
                self._sent += BATCH
                calls.done(await connection.call(calls.send([f"{number} {'x' * 90}" for number in numbers])))
            wait_s = 0 if self._sent < MESSAGES else WAIT_S
            got = calls.received(await connection.call(calls.receive(BATCH, wait_s)))
            done = [handle for handle, body in got if int(body.split()[0]) % LEFT]
            if done:
                calls.done(await connection.call(calls.delete(done)))
                self._open -= len(done)


async def _first(server: QueueServer) -> str:
    connection = await connect(server.port)
    while not (got := server.calls.received(await connection.call(server.calls.receive(1, 20)))):
        pass
    connection.close()
    return got[0][1].split()[0]
