"""The floor of the delivery benchmarks: what Python can do when it does nothing but deliver.

A consumer thread hands batches to a uvloop event loop; a deque per key; kept-alive connections as asyncio protocols
with httptools parsing the answer; callbacks rather than a task per event; JSON and Base64 of the body. No ledger, no
held keys, no checks, no commits. Retries of 503 after 0.1 s.

    python -m tests.benchmarks.bare_loop FORM PORT SERVERS TOPIC CONNECTIONS

FORM says what the topic holds: `text`, the message as it is (the floor proper: no Avro at all), or `avro`, the events
as we find them, which are decoded and encoded in plain Python.
"""

import asyncio
import base64
import json
import os
import sys
import threading
from collections import deque
from collections.abc import Callable
from io import BytesIO

import httptools
import uvloop
from confluent_kafka import Consumer, Message
from fastavro import schemaless_reader

from schemas.avro import LATEST
from schemas.events import Family

SCHEMA = LATEST[Family.TASK_INSTANCE].parsed
HEAD = b"POST / HTTP/1.1\r\nHost: sink\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s"

Lane = deque[bytes]


class Loop:
    """Lanes by key, idle connections."""

    def __init__(self) -> None:
        self.lanes: dict[bytes, Lane] = {}
        self.ready: deque[bytes] = deque()
        self.idle: list[Connection] = []

    def accept(self, batch: list[tuple[bytes, bytes]]) -> None:
        for key, body in batch:
            lane = self.lanes.get(key)
            if lane is None:
                self.lanes[key] = deque((body,))
                self.ready.append(key)
            else:
                lane.append(body)
        self.pump()

    def pump(self) -> None:
        while self.ready and self.idle:
            key = self.ready.popleft()
            self.idle.pop().send(key, self.lanes[key][0])

    def again(self, key: bytes) -> None:
        self.ready.append(key)
        self.pump()

    def done(self, connection: "Connection", key: bytes, status: int) -> None:
        self.idle.append(connection)
        if status != 200:
            asyncio.get_running_loop().call_later(0.1, self.again, key)
            return
        lane = self.lanes[key]
        lane.popleft()
        if lane:
            self.ready.append(key)
        else:
            del self.lanes[key]
        self.pump()


class Connection(asyncio.Protocol):
    """One request at a time."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._parser = httptools.HttpResponseParser(self)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._loop.idle.append(self)

    def send(self, key: bytes, body: bytes) -> None:
        self._key = key
        self._transport.write(HEAD % (len(body), body))  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        self._loop.done(self, self._key, self._parser.get_status_code())


def from_avro(value: bytes) -> bytes:
    datum = schemaless_reader(BytesIO(value[10:]), SCHEMA, None)
    return json.dumps({"Events": [datum]}, ensure_ascii=False, separators=(",", ":")).encode()


TEXT_OF: dict[str, Callable[[bytes], bytes]] = {"text": bytes, "avro": from_avro}


def encoded(message: Message, text_of: Callable[[bytes], bytes]) -> tuple[bytes, bytes]:
    text = text_of(message.value() or b"")
    body = json.dumps({"msgBody": base64.b64encode(text).decode()}, separators=(",", ":"))
    return message.key() or b"", body.encode()


def consume(form: str, servers: str, topic: str, accept: "asyncio.AbstractEventLoop", loop: Loop) -> None:
    text_of = TEXT_OF[form]
    config = {"bootstrap.servers": servers, "group.id": f"bare-{os.getpid()}", "auto.offset.reset": "earliest"}
    consumer = Consumer(config | {"fetch.queue.backoff.ms": 10, "enable.auto.commit": False})
    consumer.subscribe([topic])
    while True:
        first = consumer.poll(0.05)
        if first is None:
            continue
        messages = [first, *consumer.consume(1000, 0)]
        batch = [encoded(message, text_of) for message in messages if message.error() is None]
        accept.call_soon_threadsafe(loop.accept, batch)


async def main() -> None:
    form, port, servers, topic, connections = sys.argv[1:6]
    running = asyncio.get_running_loop()
    loop = Loop()
    for _ in range(int(connections)):
        await running.create_connection(lambda: Connection(loop), "127.0.0.1", int(port))
    threading.Thread(target=consume, args=(form, servers, topic, running, loop), daemon=True).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(main())
