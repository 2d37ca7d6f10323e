"""One TCP connection between two replicas, whichever side called: handshake, frames, and whether the other is there.

Shape   a Link is an asyncio protocol; its owner gives it a handshake and hears ready, payloads and the end
Ends    at a frame that breaks the protocol, after HELLO_S without a handshake, after SILENT_S without a byte (the one
        that called asks every PING_S), and when the other side does not read: BACKLOG bytes wait
Errors  none leave it: what ends a connection is logged, and told as its end
"""

import asyncio
import logging
from typing import Protocol, cast

from adapters.gateway.peers.peer_protocol import (
    ClientHandshake,
    FrameReader,
    FromClient,
    FromServer,
    PeerProtocolError,
    ServerHandshake,
    Session,
)

log = logging.getLogger(__name__)

HELLO_S = 3.0
PING_S = 1.0
SILENT_S = 4.0
BACKLOG = 128 << 20


class LinkOwner(Protocol):
    """What a connection tells."""

    def on_ready(self) -> None:
        """The other side has proved that it is a replica of ours."""

    def on_payload(self, payload: bytes) -> None:
        """It says something; a PeerProtocolError ends the connection."""

    def on_tick(self) -> None:
        """A second has gone by."""

    def on_end(self) -> None:
        """The connection is over; told once, ready or not."""


class Link(asyncio.Protocol):
    """A connection."""

    def __init__(self, owner: LinkOwner, handshake: ServerHandshake | ClientHandshake) -> None:
        self._owner = owner
        self._handshake = handshake
        self._reader = FrameReader()
        self._session: Session | None = None
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._since_s = 0.0
        """When the other side was heard last; before the handshake is over, when the connection was made."""

    def send(self, message: FromClient | FromServer) -> None:
        """Send a message, in order; one of a connection that is over goes nowhere, as its end will tell."""
        if self._transport is None or self._session is None or self._transport.is_closing():
            return
        self._transport.write(self._session.seal(message))
        if self._transport.get_write_buffer_size() > BACKLOG:
            self._abort("the other side does not read")

    def close(self) -> None:
        """End it now."""
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A connection, with somebody unknown at its end."""
        self._transport = cast("asyncio.Transport", transport)
        self._since_s = self._loop.time()
        if first := self._handshake.begin():
            self._transport.write(first)
        self._timer = self._loop.call_later(PING_S, self._tick)

    def data_received(self, data: bytes) -> None:
        """Bytes, cut anywhere."""
        self._reader.feed(data)
        try:
            for content in self._reader.frames():
                self._frame(content)
        except PeerProtocolError as error:
            self._abort(str(error))
        if self._session is not None:
            self._since_s = self._loop.time()

    def connection_lost(self, exc: Exception | None) -> None:
        """The end."""
        del exc
        if self._timer is not None:
            self._timer.cancel()
        self._owner.on_end()

    def _frame(self, content: bytes) -> None:
        if self._session is not None:
            self._owner.on_payload(self._session.open(content))
            return
        step = self._handshake.take(content)
        if step.send and self._transport is not None:
            self._transport.write(step.send)
        if step.session is not None:
            self._session = step.session
            self._reader.limit = self._handshake.answers_limit
            self._owner.on_ready()

    def _tick(self) -> None:
        silent_s = self._loop.time() - self._since_s
        if silent_s > (HELLO_S if self._session is None else SILENT_S):
            self._abort("the other side says nothing")
            return
        if self._session is not None:
            self._owner.on_tick()
        self._timer = self._loop.call_later(PING_S, self._tick)

    def _abort(self, why: str) -> None:
        assert self._transport is not None  # noqa: S101  it was made
        if not self._transport.is_closing():
            log.warning(
                "peer_connection_ended", extra={"peer": str(self._transport.get_extra_info("peername")), "reason": why}
            )
        self._transport.abort()
