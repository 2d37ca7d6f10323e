"""The sink's own ceiling: a client that does nothing but write prepared requests, a connection per key.

python -m tests.benchmarks.bare_client PORT KEYS EVENTS
"""

import asyncio
import sys
from collections.abc import Iterator
from functools import partial
from typing import cast

import uvloop

from pipeline.lifecycle import event_of
from schemas.cmq_message import message_body
from schemas.cmq_push import ContentFormat, PushForm
from schemas.events import BatchEvent
from tests.benchmarks.samples import TOPIC, change

HEAD = b"POST / HTTP/1.1\r\nHost: sink\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%b"


class Connection(asyncio.Protocol):
    """One key's events, each when the one before is answered; an answer comes in one piece."""

    def __init__(self, requests: Iterator[bytes]) -> None:
        self._requests = requests

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._write = cast("asyncio.Transport", transport).write

    def data_received(self, _data: bytes) -> None:
        self.send()

    def send(self) -> None:
        request = next(self._requests, None)
        if request is not None:
            self._write(request)


def prepared(job: int, keys: int, events: int) -> list[bytes]:
    """The requests of one key."""
    form = PushForm(0, TOPIC, "bare", ContentFormat.JSON)
    requests = []
    for number in range(job, events, keys):
        event = event_of(change(job, number))
        assert isinstance(event, BatchEvent)
        body = form.body(str(number), message_body(event), 0)
        requests.append(HEAD % (len(body), body))
    return requests


async def main(port: int, keys: int, events: int) -> None:
    """Send until ended."""
    loop = asyncio.get_running_loop()
    connections = [Connection(iter(prepared(job, keys, events))) for job in range(keys)]
    for connection in connections:
        await loop.create_connection(partial(_same, connection), "127.0.0.1", port)
    for connection in connections:
        connection.send()
    await asyncio.Event().wait()


def _same(connection: Connection) -> Connection:
    return connection


if __name__ == "__main__":
    uvloop.run(main(*map(int, sys.argv[1:])))
