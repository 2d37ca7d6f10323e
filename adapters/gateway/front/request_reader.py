"""Bytes of a connection -> requests, within bounds.

Shape   RequestReader(take): feed(bytes) -> the requests that are whole now; raises NoRequestError for what is none
Bounds  a body of WIRE_BYTES; head, chunk sizes and trailers together OVERHEAD_BYTES, and a piece of what came with
        them. Bodies are counted with take(), so that all connections together have a bound, too
Strict  the parser refuses what two readers could understand in two ways: both lengths at once, blanks before a colon;
        we refuse a second Host. An offer to upgrade is passed over, unless a body would be lost by it
"""

import re
from collections.abc import Callable

import httptools
import msgspec

from adapters.gateway.errors import Row
from adapters.gateway.front.protocol import WIRE_BYTES, Request

OVERHEAD_BYTES = 64 << 10
"""The most of a request that is not its body."""

PIECE_BYTES = 16 << 10
"""What comes is parsed in pieces of this size, and the bounds looked at after each."""

_METHOD = re.compile(rb"\s*[A-Za-z-]{1,32} ")


class NoRequestError(Exception):
    """What came is no request; nothing behind it can be read."""

    def __init__(self, row: Row) -> None:
        super().__init__(row.name)
        self.row = row


class Arrived(msgspec.Struct, frozen=True, gc=False):
    """A request that is whole.

    Attributes:
        size: of its body, as counted with take(); whoever is done with it gives it back.
        http_1_0: its client wants to be told that the connection is kept.
    """

    request: Request
    size: int
    keep_alive: bool
    http_1_0: bool


class RequestReader:
    """Of one connection."""

    __slots__ = (
        "_arrived",
        "_body",
        "_ended",
        "_host",
        "_in_head",
        "_length",
        "_local",
        "_parser",
        "_row",
        "_take",
        "_url",
        "_wire",
        "begun",
        "expects",
        "size",
    )

    def __init__(self, take: Callable[[int], bool], local: str) -> None:
        self._take = take
        self._local = local
        self._parser = httptools.HttpRequestParser(self)
        self._arrived: list[Arrived] = []
        self._row: Row | None = None
        self._ended = False
        self._forget()

    def feed(self, data: bytes) -> list[Arrived]:
        """Read on.

        Raises:
            NoRequestError: and what has arrived before is in arrived().
        """
        if len(data) <= PIECE_BYTES:
            self._feed(data)
        else:
            for start in range(0, len(data), PIECE_BYTES):
                self._feed(data[start : start + PIECE_BYTES])
        return self.arrived()

    def arrived(self) -> list[Arrived]:
        """Those that have not been fetched."""
        arrived, self._arrived = self._arrived, []
        return arrived

    def _feed(self, data: bytes) -> None:
        if self._ended:
            return  # it said that nothing would follow
        self._wire += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as offer:
            self._pass_over(data[offer.args[0] :])
        except httptools.HttpParserError as error:
            if not self._ended:
                raise NoRequestError(self._row or self._reason(error, data)) from error
        if self._row is None and self._wire - self.size > OVERHEAD_BYTES:
            self._row = Row.UNPARSABLE
        if self._row is not None:
            raise NoRequestError(self._row)

    def _pass_over(self, rest: bytes) -> None:
        """An offer to speak another protocol."""
        if self._row is not None:
            return
        self._parser = httptools.HttpRequestParser(self)
        if rest:
            self._feed(rest)

    def _reason(self, error: httptools.HttpParserError, data: bytes) -> Row:
        if isinstance(error, httptools.HttpParserInvalidMethodError):
            return Row.METHOD if not self._arrived and _METHOD.match(data) else Row.UNPARSABLE
        if self._in_head and self._url and str(error).startswith("Expected HTTP/"):
            return Row.BLANK_IN_URL
        return Row.UNPARSABLE

    # From the parser

    def on_message_begin(self) -> None:
        """From the parser."""
        if self._row is not None or self._ended:
            return
        self._forget()
        self.begun = True

    def _forget(self) -> None:
        self.begun = False
        self.expects = False
        """Whether its client waits for a word before it sends the body."""
        self.size = 0
        self._in_head = True
        self._url = b""
        self._host: bytes | None = None
        self._length = b""
        self._body: bytes | bytearray = b""
        self._wire = 0

    def on_url(self, part: bytes) -> None:
        """From the parser."""
        self._url += part

    def on_header(self, name: bytes, value: bytes) -> None:
        """From the parser; those of a trailer are not looked at."""
        if not self._in_head:
            return
        match len(name):
            case 4 if name.lower() == b"host":
                if self._host is not None:
                    self._row = Row.UNPARSABLE
                self._host = value.strip(b" \t")
            case 6 if name.lower() == b"expect":
                self.expects = value.strip(b" \t").lower() == b"100-continue"
            case 14 if name.lower() == b"content-length":
                self._length = value
                if len(value) > 9 or int(value) > WIRE_BYTES:
                    self._row = Row.UNPARSABLE
            case 17 if name.lower() == b"transfer-encoding":
                self._length = value

    def on_headers_complete(self) -> None:
        """From the parser."""
        self._in_head = False

    def on_body(self, part: bytes) -> None:
        """From the parser."""
        self.expects = False
        if self._row is not None:
            return
        self.size += len(part)
        if not self._take(len(part)):
            self._row = Row.INTERNAL
        if self.size > WIRE_BYTES:
            self._row = Row.UNPARSABLE
        elif not self._body:
            self._body = part  # most bodies come in one
        else:
            if isinstance(self._body, bytes):
                self._body = bytearray(self._body)
            self._body += part

    def on_message_complete(self) -> None:
        """From the parser."""
        self.begun = self.expects = False
        parser = self._parser
        if not self.size and self._length not in {b"", b"0"} and parser.should_upgrade():
            self._row = Row.UNPARSABLE  # the parser takes its body for the other protocol
        if self._row is not None or self._ended:
            return
        path, _, query = self._url.partition(b"?")
        request = Request(
            method=parser.get_method().decode("latin-1"),
            host=(self._host or b"").decode("latin-1"),
            path=path.decode("latin-1"),
            query=query,
            body=bytes(self._body),
            local=self._local,
        )
        keep_alive = bool(parser.should_keep_alive()) and request.method != "CONNECT"
        self._arrived.append(Arrived(request, self.size, keep_alive, parser.get_http_version() == "1.0"))
        self._ended = not keep_alive
        self.size = 0
        self._wire = 0
