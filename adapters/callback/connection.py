"""One kept-alive HTTP/1.1 connection: writes a request, reads an answer within bounds.

Shape   Connection is an asyncio protocol; send(request, exchange) starts an exchange, which hears exactly one of
        answered(status, excerpt, head) and broken(reason, stale), or nothing after abort()
Told    when the answer is complete, and the connection is free again. Of an answer whose head is here but whose body
        takes longer than the pool's rest_s, is larger than ANSWER_BYTES or is broken off, the status counts all the
        same: it is told, and the connection closed. So a connection is busy, idle or closed, and never half read
Reused  only after an answer that ended where it said it would, with nothing behind it, and to a request that was
        written out: otherwise the next answer might be the rest of this one
Stale   a reused connection that ends before the first byte of the answer was closed while it was idle: `stale`. A new
        one never is
"""

import asyncio
from collections.abc import Callable
from typing import Protocol, cast

import httptools

from adapters.callback.reasons import reason_of

HEAD_BYTES = 64 << 10
"""The most that an answer's head may have, interim answers included."""

ANSWER_BYTES = 128 << 10
"""The most that is read of an answer."""

EXCERPT_BYTES = 1024


class Exchange(Protocol):
    """Who waits for an answer."""

    def answered(self, status: int, excerpt: bytes, head: bytes) -> None:
        """The answer, the beginning of its body, and the bytes that its head is in."""

    def broken(self, reason: str, *, stale: bool) -> None:
        """There will be none."""


class Pool(Protocol):
    """Whose connection it is.

    Attributes:
        rest_s: how long an answer's body may take after its head.
    """

    rest_s: float

    def connected(self, connection: "Connection") -> None:
        """A new one."""

    def became_idle(self, connection: "Connection") -> None:
        """It may be used again."""

    def lost(self, connection: "Connection") -> None:
        """It is gone."""


class Connection(asyncio.Protocol):
    """One connection of a pool."""

    __slots__ = (
        "_body",
        "_complete",
        "_exchange",
        "_head",
        "_made",
        "_parser",
        "_pool",
        "_received",
        "_rest",
        "_reusable",
        "_served",
        "_transport",
        "idle_since_s",
        "status",
    )

    def __init__(self, pool: Pool, made: Callable[["Connection"], None]) -> None:
        self._pool = pool
        self._made: Callable[[Connection], None] | None = made
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._exchange: Exchange | None = None
        self._rest: asyncio.TimerHandle | None = None
        self._served = False
        self.idle_since_s = 0.0
        self._forget_answer()

    def _forget_answer(self) -> None:
        self._received = 0
        self._head = b""
        self._body = b""
        self._complete = False
        self._reusable = False
        self.status = 0
        """Of the answer that is coming in; 0 until its head is here."""

    def send(self, request: bytes, exchange: Exchange) -> None:
        """Write one request; its exchange hears of the answer, later."""
        assert self._transport is not None  # noqa: S101  the pool hands out connected ones only
        self._exchange = exchange
        self._transport.write(request)

    @property
    def descriptor(self) -> int:
        """Of its socket; -1 where there is none."""
        socket = None if self._transport is None else self._transport.get_extra_info("socket")
        return -1 if socket is None else int(socket.fileno())

    def abort(self) -> None:
        """Close at once; the exchange hears nothing more."""
        self._exchange = None
        self._stop_waiting()
        if self._transport is not None:
            self._transport.abort()

    def settle_for_status(self) -> None:
        """Tell the answer, whose head is here, without waiting for its end."""
        exchange = self._exchange
        self.abort()
        if exchange is not None:
            exchange.answered(self.status, self._body, self._head)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """From asyncio."""
        self._transport = cast("asyncio.Transport", transport)  # a stream transport, by create_connection
        self._pool.connected(self)
        made, self._made = self._made, None
        if made is not None:
            made(self)

    def data_received(self, data: bytes) -> None:
        """From asyncio: parse, free the connection, then tell."""
        if self._exchange is None:
            self.abort()  # nobody asked
            return
        self._received += len(data)
        if not self.status:
            self._head = self._head + data if self._head else data
        try:
            if self.status or self._received <= HEAD_BYTES:
                self._parser.feed_data(data)
            else:
                self._feed_within_bounds(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._reusable = False
            if not self.status:
                self._break(f"not an HTTP answer: {error}")
                return
            self._complete = True  # what follows the head is no good; the status is
        if self._complete:
            self._end()
        elif self.status:
            self._wait_for_rest()
        elif self._received >= HEAD_BYTES:
            self._break(f"the head of the answer is larger than {HEAD_BYTES} bytes")

    def eof_received(self) -> None:
        """From asyncio; connection_lost follows."""

    def connection_lost(self, error: Exception | None) -> None:
        """From asyncio."""
        self._transport = None
        self._pool.lost(self)
        if self.status:
            self.settle_for_status()  # a body without a length ends with its connection
        elif self._exchange is not None:
            stale = self._served and self._received == 0
            self._break(reason_of(error) if error else "connection closed without an answer", stale=stale)

    def on_message_begin(self) -> None:
        """From the parser."""
        if self._complete:
            self._reusable = False  # a second answer, or the beginning of one: nobody asked

    def on_headers_complete(self) -> None:
        """From the parser."""
        status = self._parser.get_status_code()
        if (status >= 200 or status == 101) and not self.status:
            self.status = status  # of the others of 1xx the answer is still to come

    def on_body(self, data: bytes) -> None:
        """From the parser."""
        if len(self._body) < EXCERPT_BYTES and not self._complete:
            self._body += data[: EXCERPT_BYTES - len(self._body)]

    def on_message_complete(self) -> None:
        """From the parser."""
        if self.status and not self._complete:
            self._complete = True
            self._reusable = self._parser.should_keep_alive()

    def _feed_within_bounds(self, data: bytes) -> None:
        """Let the head have HEAD_BYTES and no more, however it was cut into pieces."""
        room = max(0, HEAD_BYTES - (self._received - len(data)))
        self._parser.feed_data(data[:room])
        if self.status:
            self._parser.feed_data(data[room:])

    def _wait_for_rest(self) -> None:
        if self._received > ANSWER_BYTES:
            self.settle_for_status()
        elif self._rest is None:
            self._rest = asyncio.get_running_loop().call_later(self._pool.rest_s, self.settle_for_status)

    def _stop_waiting(self) -> None:
        if self._rest is not None:
            self._rest.cancel()
            self._rest = None

    def _end(self) -> None:
        """The answer is complete."""
        exchange, status, body, head = self._exchange, self.status, self._body, self._head
        transport, reusable = self._transport, self._reusable
        self._exchange = None
        self._stop_waiting()
        self._served = True
        self._forget_answer()
        if transport is not None:
            if reusable and not transport.get_write_buffer_size():
                self._pool.became_idle(self)
            else:
                transport.abort()
        if exchange is not None:
            exchange.answered(status, body, head)

    def _break(self, reason: str, *, stale: bool = False) -> None:
        exchange = self._exchange
        self.abort()
        if exchange is not None:
            exchange.broken(reason, stale=stale)
