"""However an answer is cut into pieces, and whatever the bytes are: one end, and the same one."""

import asyncio
from collections.abc import Iterator
from itertools import pairwise

import pytest
import uvloop
from hypothesis import given
from hypothesis import strategies as st

from adapters.callback.connection import Connection
from tests.unit.callback.wire import Wire

Told = tuple[int | str, bytes]


class Listener:
    """An exchange, and the pool of its connection."""

    rest_s = 30.0

    def __init__(self) -> None:
        self.told: list[Told] = []
        self.idle = 0
        self.lost_count = 0

    def answered(self, status: int, excerpt: bytes, head: bytes) -> None:
        assert head
        self.told.append((status, excerpt))

    def broken(self, reason: str, *, stale: bool) -> None:
        assert not stale
        self.told.append((reason.partition(":")[0], b""))

    def connected(self, connection: Connection) -> None:
        connection.send(b"request", self)

    def became_idle(self, _connection: Connection) -> None:
        self.idle += 1

    def lost(self, _connection: Connection) -> None:
        self.lost_count += 1


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as one:
        yield one


def heard(runner: asyncio.Runner, pieces: list[bytes]) -> Told:
    """What an exchange is told when these pieces come, and then the end of the connection."""

    async def feed() -> Told:
        listener, wire = Listener(), Wire()
        connection = Connection(listener, lambda _connection: None)
        connection.connection_made(wire)
        for piece in pieces:
            if not wire.closing:
                connection.data_received(piece)
        connection.connection_lost(None)
        assert len(listener.told) == 1
        assert listener.lost_count == 1
        assert listener.idle <= 1
        assert connection._rest is None
        return listener.told[0]

    return runner.run(feed())


def cut(data: bytes, places: list[int]) -> list[bytes]:
    """Without empty pieces: no transport gives those."""
    ends = sorted({place % (len(data) + 1) for place in places} | {0, len(data)})
    return [data[begin:end] for begin, end in pairwise(ends)]


PLACES = st.lists(st.integers(0, 5000), max_size=8)
INTERIM = st.sampled_from([b"", b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\nA: b\r\n\r\n"])
MORE = st.sampled_from([b"", b"HTTP/1.1 500 X\r\nContent-Length: 0\r\n\r\n", b"HTTP/1.1 2", b"more", b"\r\n"])


@given(
    interim=INTERIM,
    status=st.sampled_from([200, 201, 302, 404, 429, 503]),
    body=st.binary(max_size=2000),
    more=MORE,
    chunked=st.booleans(),
    places=PLACES,
)
def test_an_answer_is_the_same_in_whatever_pieces_and_whatever_follows(
    runner: asyncio.Runner,
    *,
    interim: bytes,
    status: int,
    body: bytes,
    more: bytes,
    chunked: bool,
    places: list[int],
) -> None:
    head = b"HTTP/1.1 %d X\r\n" % status
    if chunked:
        chunks = b"%x\r\n%b\r\n" % (len(body), body) if body else b""
        answer = head + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n"
    else:
        answer = head + b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
    assert heard(runner, cut(interim + answer + more, places)) == (status, body[:1024])


TOKENS = st.sampled_from(
    [b"HTTP/1.1 ", b"HTTP/1.0 ", b"200", b"204", b"101", b"100", b"503", b" OK", b"\r\n", b"\n", b"\r", b"\0", b":",
     b"Content-Length: 3", b"Content-Length: -3", b"Transfer-Encoding: chunked", b"Connection: close", b"3", b"0",
     b"Connection: upgrade", b"Upgrade: x", b"Retry-After: 5", b"abc", b" ", b"\xff"]
)  # fmt: skip
BYTES = st.one_of(st.binary(min_size=1, max_size=200), st.lists(TOKENS, min_size=1, max_size=30).map(b"".join))


@given(data=BYTES, places=PLACES)
def test_whatever_comes_there_is_one_end_and_no_error_of_ours(
    runner: asyncio.Runner, data: bytes, places: list[int]
) -> None:
    assert heard(runner, cut(data, places)) == heard(runner, [data])
