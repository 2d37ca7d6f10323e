"""One connection of a client: each request is answered in its turn, within bounds.

Shape   Connection is an asyncio protocol; its Service says what a request comes to
Order   requests of one connection are executed one after the other, as they came: pipelining changes nothing
Always  HTTP 200 with a code. What is no request is answered, too, in its turn
Close   after the last reply, when the client has finished what it was sending, or linger_s later: a reset would take
        the reply away from it
Gone    a client that has closed its end while a long poll is out has gone; another call still gets its reply
Bounds  PIPELINED requests waiting, else reading pauses; it pauses, too, while a client does not take its replies
Cost    no task, future or timer: the service looks at deadline_s now and then
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Protocol, cast

from adapters.gateway.errors import Row
from adapters.gateway.front.calls import Call
from adapters.gateway.front.protocol import Request
from adapters.gateway.front.request_reader import Arrived, NoRequestError, RequestReader

PIPELINED = 16
"""Requests that may wait behind the one that is executed."""

NEVER = float("inf")

_OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\n%bContent-Length: %d\r\n\r\n%b"
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Service(Protocol):
    """Whose connection it is.

    Attributes:
        closing: no further request is to be begun after the one that is out.
        idle_s: a connection on which nothing is asked for so long is closed.
        request_s: a request that has begun must be whole, and a reply must be taken, within this time.
        linger_s: so long a client may go on sending after its last reply.
    """

    closing: bool
    idle_s: float
    request_s: float
    linger_s: float
    clock_s: Callable[[], float]

    def begin(self, request: Request) -> bytes | Call:
        """What a request comes to: its reply, or a call that is being executed."""
        ...

    def refusal(self, row: Row) -> bytes:
        """A reply of this row."""
        ...

    def take(self, size: int) -> bool:
        """Take so much memory for a body, if there is so much; a negative size gives it back."""
        ...

    def opened(self, connection: "Connection") -> bool:
        """A new one: whether it may stay."""
        ...

    def lost(self, connection: "Connection") -> None:
        """It is gone."""


class Connection(asyncio.Protocol):
    """One client's."""

    __slots__ = (
        "_call",
        "_closed",
        "_current",
        "_half_closed",
        "_lingers",
        "_reader",
        "_reading",
        "_refused",
        "_service",
        "_slow",
        "_timed",
        "_transport",
        "_waiting",
        "deadline_s",
    )

    def __init__(self, service: Service) -> None:
        self._service = service
        self._transport: asyncio.Transport | None = None
        self._reader = RequestReader(service.take, "")
        self._waiting: deque[Arrived] = deque()
        self._current: Arrived | None = None
        self._call: Call | None = None
        self._refused: Row | None = None
        self._closed = False
        self._half_closed = False
        self._lingers = False
        self._slow = False
        self._reading = True
        self._timed = False
        self.deadline_s = NEVER
        """When it is overdue."""

    # From asyncio

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """From asyncio."""
        self._transport = cast("asyncio.Transport", transport)  # a stream transport, by create_server
        self._reader = RequestReader(self._service.take, _address(transport.get_extra_info("sockname")))
        self._set_deadline()
        if not self._service.opened(self):
            self._close()

    def data_received(self, data: bytes) -> None:
        """From asyncio: read, then go on."""
        if self._closed or self._lingers or self._refused is not None:
            return
        try:
            self._waiting.extend(self._reader.feed(data))
        except NoRequestError as error:
            self._waiting.extend(self._reader.arrived())
            self._refused = error.row
        self._go_on()

    def eof_received(self) -> bool:
        """From asyncio: the client sends no more, and may have gone."""
        self._half_closed = True
        if self._lingers or (self._call is not None and self._call.long_poll):
            return False
        self._go_on()
        return self._current is not None

    def connection_lost(self, error: Exception | None) -> None:
        """From asyncio."""
        del error
        self._transport = None
        self._closed = True
        if self._call is not None:
            self._call.leave(self._hear)
            self._call = None
        waiting = [*self._waiting] if self._current is None else [self._current, *self._waiting]
        self._service.take(-self._reader.size - sum(one.size for one in waiting))
        self._current = None
        self._waiting.clear()
        self._service.lost(self)

    def pause_writing(self) -> None:
        """From asyncio: the client does not take its replies."""
        self._slow = True
        self._set_reading()
        self._set_deadline()

    def resume_writing(self) -> None:
        """From asyncio."""
        self._slow = False
        self._timed = False
        self._go_on()

    # From the service

    def overdue(self) -> None:
        """Its deadline has passed: whoever was about to say something is told, who said nothing is not."""
        if self._closed or self._lingers or self._slow or not self._reader.begun:
            self.abort()
        else:
            self._refused = Row.UNPARSABLE
            self._go_on()

    def end(self, poll_reply: bytes) -> None:
        """The service closes: end a long poll, finish another call, begin nothing more."""
        if self._call is not None:
            self._call.give_up(poll_reply)
        elif self._current is None:
            self._close()

    def abort(self) -> None:
        """Cut it."""
        if self._transport is not None:
            self._transport.abort()

    # Requests in their turn

    def _go_on(self) -> None:
        while self._current is None and self._waiting and not (self._slow or self._lingers or self._closed):
            self._current = self._waiting.popleft()
            outcome = self._service.begin(self._current.request)
            if isinstance(outcome, bytes):
                self._answer(outcome)
            else:
                self._call = outcome
                outcome.wait(self._hear)
                if self._half_closed and outcome.long_poll:
                    self._close()
        if self._current is None and not self._waiting and not self._closed and not self._lingers:
            self._when_all_is_answered()
        self._set_reading()
        self._set_deadline()

    def _when_all_is_answered(self) -> None:
        if self._refused is not None:
            self._refuse(self._refused)
        elif self._half_closed:
            self._close()
        elif self._reader.expects:
            self._reader.expects = False
            self._write(_CONTINUE)

    def _hear(self, reply: bytes) -> None:
        self._call = None
        if not self._closed:
            self._answer(reply)
            self._go_on()

    def _answer(self, reply: bytes) -> None:
        assert self._current is not None  # noqa: S101  it is answered once
        one, self._current = self._current, None
        self._service.take(-one.size)
        keeps = one.keep_alive and not self._service.closing
        said = (b"Connection: keep-alive\r\n" if one.http_1_0 else b"") if keeps else b"Connection: close\r\n"
        body = b"" if one.request.method == "HEAD" else reply
        self._write(_OK % (said, len(reply), body))
        if not keeps:
            self._linger()

    def _refuse(self, row: Row) -> None:
        """Answer what is no request, and let its client finish."""
        reply = self._service.refusal(row)
        self._write(_OK % (b"Connection: close\r\n", len(reply), reply))
        self._linger()

    def _linger(self) -> None:
        """Say no more; close when the client has finished, for a reset would take the last reply away from it."""
        self._lingers = True
        self._timed = False
        if self._half_closed or self._service.closing:
            self._close()
        elif self._transport is not None and self._transport.can_write_eof():
            self._transport.write_eof()

    def _write(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)

    def _close(self) -> None:
        """When what was written is out; that has its time, too."""
        if self._transport is not None:
            self._closed = True
            self._transport.close()
            self.deadline_s = self._service.clock_s() + self._service.request_s

    # Bounds

    def _set_reading(self) -> None:
        wanted = not self._slow and len(self._waiting) < PIPELINED
        if self._transport is None or self._closed or wanted == self._reading:
            return
        self._reading = wanted
        if wanted:
            self._transport.resume_reading()
        else:
            self._transport.pause_reading()

    def _set_deadline(self) -> None:
        """Each wait has its time from its beginning on; while a call is out, time is the action's."""
        if self._closed:
            return
        if self._current is not None and not self._slow:
            self.deadline_s, self._timed = NEVER, False
        elif self._lingers or self._slow or self._reader.begun:
            if not self._timed:
                wait_s = self._service.linger_s if self._lingers else self._service.request_s
                self.deadline_s, self._timed = self._service.clock_s() + wait_s, True
        else:
            self.deadline_s, self._timed = self._service.clock_s() + self._service.idle_s, False


def _address(name: object) -> str:
    """HOST:PORT of a socket's name."""
    match name:
        case (str(host), int(port), *_):
            return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        case _:
            return ""
