"""A kept-alive HTTP connection that costs as little as can be: whole requests as bytes, answers' bodies as bytes.

Shape   connection = await connect(port); await connection.call(request) -> body. One call at a time
Errors  AssertionError: another status than 200. ConnectionError: the server has closed
"""

import asyncio
from typing import cast

import httptools


class Connection(asyncio.Protocol):
    """One."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._parser = httptools.HttpResponseParser(self)
        self._body: list[bytes] = []
        self._answer: asyncio.Future[bytes] | None = None
        self._loop = asyncio.get_running_loop()

    def call(self, request: bytes) -> asyncio.Future[bytes]:
        self._answer = self._loop.create_future()
        self._transport.write(request)
        return self._answer

    def close(self) -> None:
        self._answer = None
        self._transport.close()

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(exc or ConnectionError("closed"))

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        body = b"".join(self._body)
        self._body.clear()
        status = self._parser.get_status_code()
        assert status == 200, (status, body[:300])
        answer, self._answer = self._answer, None
        if answer is not None and not answer.done():
            answer.set_result(body)


async def connect(port: int) -> Connection:
    """Open one."""
    _, connection = await asyncio.get_running_loop().create_connection(Connection, "127.0.0.1", port)
    return connection
