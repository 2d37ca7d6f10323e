"""What an answer means, in whatever form it comes; and whether its connection serves again."""

import pytest

from adapters.callback.connection import ANSWER_BYTES, HEAD_BYTES
from pipeline.outcome import Delivered, Failed, Fault, Gone, Outcome
from tests.unit.callback.lab import Lab, Peer, Serve, answering, answering_and_open, on_loop

HEAD_404 = b"HTTP/1.1 404 Not Found\r\n"


def whole(head: bytes, body: bytes = b"") -> bytes:
    return b"HTTP/1.1 %b\r\nContent-Length: %d\r\n\r\n%b" % (head, len(body), body)


def refused(excerpt: bytes) -> Failed:
    return Failed("status 404", 404, excerpt, fault=Fault.EVENT)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (whole(b"200 OK", b"ok"), Delivered(200)),
        (whole(b"200 OK"), Delivered(200)),
        (whole(b"201 Created"), Delivered(201)),
        (b"HTTP/1.1 204 No Content\r\n\r\n", Delivered(204)),
        (b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", Delivered(200)),
        (whole(b"299 Whatever"), Delivered(299)),
        (b"HTTP/1.1 304 Not Modified\r\n\r\n", Failed("status 304", 304)),
        (whole(b"302 Found\r\nLocation: /elsewhere", b"gone"), Failed("status 302", 302, b"gone")),
        (whole(b"307 Temporary Redirect\r\nLocation: /elsewhere"), Failed("status 307", 307)),
        (whole(b"400 Bad Request", b"why"), Failed("status 400", 400, b"why", fault=Fault.EVENT)),
        (whole(b"410 Gone"), Gone()),
        (whole(b"500 Oops", b"trace"), Failed("status 500", 500, b"trace")),
        (whole(b"599 Strange"), Failed("status 599", 599)),
        (
            HEAD_404 + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nTrailer: t\r\n\r\n",
            Failed("status 404", 404, b"abcde", fault=Fault.EVENT),
        ),
        (whole(b"200 OK\r\nConnection: upgrade\r\nUpgrade: h2c", b"ok"), Delivered(200)),
        (b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok", Delivered(200)),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + whole(b"200 OK", b"ok"), Delivered(200)),
        (
            b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + whole(b"500 Oops"),
            Failed("status 500", 500),
        ),
    ],
)
@on_loop
async def test_an_answer_that_ends_where_it_says_is_told_and_its_connection_serves_again(
    answer: bytes, expected: Outcome
) -> None:
    async with Lab(answering_and_open(answer)) as lab:
        assert [await lab.outcome() for _ in range(3)] == [expected] * 3
        assert len(lab.server.peers) == 1


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (whole(b"200 OK\r\nConnection: close", b"ok"), Delivered(200)),
        (whole(b"503 Busy\r\nConnection: Close", b"no"), Failed("status 503", 503, b"no")),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", Delivered(200)),
        (b"HTTP/1.0 500 Oops\r\nContent-Length: 2\r\n\r\nno", Failed("status 500", 500, b"no")),
        (whole(b"200 OK", b"ok") + whole(b"500 Oops", b"no"), Delivered(200)),
        (whole(b"500 Oops", b"no") + whole(b"200 OK", b"ok"), Failed("status 500", 500, b"no")),
        (whole(b"200 OK", b"ok") + b"HTTP/1.1 5", Delivered(200)),
        (whole(b"200 OK", b"ok") + b"more than was said", Delivered(200)),
        (whole(b"503 Busy", b"no") + b"more than was said", Failed("status 503", 503, b"no")),
        (whole(b"200 OK\r\nConnection: close", b"ok") + b"more", Delivered(200)),
        (b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nx", Failed("status 101", 101)),
        (b"HTTP/1.1 101 Switching Protocols\r\n\r\n", Failed("status 101", 101)),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nno chunk", Delivered(200)),
        (
            HEAD_404 + b"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\nno chunk",
            refused(b"a"),
        ),
    ],
)
@on_loop
async def test_after_an_answer_that_leaves_a_doubt_its_connection_is_closed(answer: bytes, expected: Outcome) -> None:
    async with Lab(answering_and_open(answer)) as lab:
        assert [await lab.outcome() for _ in range(3)] == [expected] * 3
        assert len(lab.server.peers) == 3


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\nuntil the end", Delivered(200)),
        (HEAD_404 + b"\r\nuntil the end", refused(b"until the end")),
        (b"HTTP/1.0 404 Not Found\r\n\r\n", Failed("status 404", 404, fault=Fault.EVENT)),
        (
            HEAD_404 + b"Content-Length: 100\r\n\r\nbroken off",
            refused(b"broken off"),
        ),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nbroken off", Delivered(200)),
        (
            HEAD_404 + b"Transfer-Encoding: chunked\r\n\r\n9\r\nbroken",
            refused(b"broken"),
        ),
    ],
)
@on_loop
async def test_an_answer_that_ends_with_its_connection_has_its_status(answer: bytes, expected: Outcome) -> None:
    async with Lab(answering(answer)) as lab:
        assert [await lab.outcome(), await lab.outcome()] == [expected] * 2
        assert len(lab.server.peers) == 2


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"", "connection closed without an answer"),
        (b"HTTP/1.1 200 O", "connection closed without an answer"),
        (b"HTTP/1.1 200 OK\r\nContent-Le", "connection closed without an answer"),
        (b"HTTP/1.1 100 Continue\r\n\r\n", "connection closed without an answer"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "not an HTTP answer"),
        (b"\x15\x03\x01\x00\x02\x02\x28", "not an HTTP answer"),
        (b"HTTP/1.1 abc OK\r\n\r\n", "not an HTTP answer"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "not an HTTP answer"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", "not an HTTP answer"),
        (b"HTTP/1.1 200 OK\r\nno header\r\n\r\n", "not an HTTP answer"),
    ],
)
@on_loop
async def test_what_is_no_answer_is_a_failure_that_says_so(answer: bytes, reason: str) -> None:
    async with Lab(answering(answer)) as lab:
        outcome = await lab.outcome()
        assert isinstance(outcome, Failed)
        assert outcome.status is None
        assert outcome.reason.startswith(reason)


@on_loop
async def test_a_redirect_is_not_followed() -> None:
    async with Lab() as elsewhere:
        location = f"http://127.0.0.1:{elsewhere.server.port}/".encode()
        async with Lab(answering(whole(b"308 Permanent Redirect\r\nLocation: " + location))) as lab:
            assert await lab.outcome() == Failed("status 308", 308)
        assert elsewhere.server.peers == []


def padded(size: int) -> bytes:
    """An answer whose head has this many bytes."""
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX: %b\r\n\r\n"
    return head % (b"x" * (size - len(head) + 2)) + b"ok"


@on_loop
async def test_a_head_as_large_as_allowed_is_read() -> None:
    async with Lab(answering(padded(HEAD_BYTES))) as lab:
        assert await lab.outcome() == Delivered(200)


@pytest.mark.parametrize("size", [HEAD_BYTES + 1, HEAD_BYTES * 3])
@on_loop
async def test_a_head_larger_than_allowed_is_refused_also_when_it_comes_in_one_piece(size: int) -> None:
    async with Lab(answering_and_open(padded(size))) as lab:
        assert await lab.outcome() == Failed(f"the head of the answer is larger than {HEAD_BYTES} bytes")


async def endless(peer: Peer, head: bytes, more: bytes) -> None:
    await peer.request()
    await peer.send(head)
    while True:
        await peer.send(more)


ENDLESS = {
    "head": (b"HTTP/1.1 200 OK\r\n", b"X: y\r\n" * 100, Failed("the head of the answer is larger than 65536 bytes")),
    "header": (b"HTTP/1.1 200 OK\r\nX: ", b"y" * 1000, Failed("the head of the answer is larger than 65536 bytes")),
    "interim answers": (
        b"",
        b"HTTP/1.1 100 Continue\r\n\r\n" * 10,
        Failed("the head of the answer is larger than 65536 bytes"),
    ),
    "body of a 200": (b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 1000, Delivered(200)),
    "body of a 500": (b"HTTP/1.1 500 Oops\r\n\r\n", b"x" * 1000, Failed("status 500", 500, b"x" * 1024)),
    "chunks": (
        HEAD_404 + b"Transfer-Encoding: chunked\r\n\r\n",
        b"1\r\ny\r\n" * 9,
        Failed("status 404", 404, b"y" * 1024, fault=Fault.EVENT),
    ),
    "chunk extension": (
        HEAD_404 + b"Transfer-Encoding: chunked\r\n\r\n1;",
        b"x" * 1000,
        Failed("status 404", 404, fault=Fault.EVENT),
    ),
    "trailers": (
        HEAD_404 + b"Transfer-Encoding: chunked\r\n\r\n1\r\ny\r\n0\r\nT: ",
        b"t" * 1000,
        Failed("status 404", 404, b"y", fault=Fault.EVENT),
    ),
}


@pytest.mark.parametrize(("head", "more", "expected"), ENDLESS.values(), ids=ENDLESS.keys())
@on_loop
async def test_an_answer_that_never_ends_is_cut_off(head: bytes, more: bytes, expected: Outcome) -> None:
    async with Lab(lambda peer: endless(peer, head, more)) as lab:
        assert await lab.outcome() == expected
        await lab.server.all_closed()


@pytest.mark.parametrize(
    ("status", "expected"),
    [(b"200 OK", Delivered(200)), (b"500 Oops", Failed("status 500", 500, b"x" * 1024))],
)
@on_loop
async def test_of_ten_megabytes_little_is_read(status: bytes, expected: Outcome) -> None:
    taken = 0

    async def serve(peer: Peer) -> None:
        nonlocal taken
        await peer.request()
        await peer.send(b"HTTP/1.1 %b\r\nContent-Length: %d\r\n\r\n" % (status, 10 << 20))
        for _ in range(160):
            await peer.send(b"x" * (64 << 10))
            taken += 64 << 10

    async with Lab(serve) as lab:
        assert await lab.outcome() == expected
        await lab.server.all_closed()
    assert taken < 10 << 20


@on_loop
async def test_a_large_answer_within_bounds_is_read_to_its_end() -> None:
    async with Lab(answering_and_open(whole(b"200 OK", b"x" * (ANSWER_BYTES // 2)))) as lab:
        assert [await lab.outcome() for _ in range(3)] == [Delivered(200)] * 3
        assert len(lab.server.peers) == 1


def in_pieces(answer: bytes, size: int) -> Serve:
    """The answer in pieces, each of which the client has read before the next is sent."""

    async def serve(peer: Peer) -> None:
        while True:
            await peer.request()
            for begin in range(0, len(answer), size):
                await peer.send(answer[begin : begin + size])

    return serve


@pytest.mark.parametrize("size", [1, 7, 40])
@on_loop
async def test_an_answer_may_come_in_pieces(size: int) -> None:
    answer = b"HTTP/1.1 100 Continue\r\n\r\n" + whole(b"503 Busy\r\nRetry-After: 7", b"not now")
    async with Lab(in_pieces(answer, size)) as lab:
        assert [await lab.outcome() for _ in range(2)] == [Failed("status 503", 503, b"not now", 7.0)] * 2
        assert len(lab.server.peers) == 1


@on_loop
async def test_an_endpoint_that_answers_before_it_has_heard_the_question_is_heard() -> None:
    async def serve(peer: Peer) -> None:
        await peer.send(whole(b"503 Full\r\nRetry-After: 3\r\nConnection: close"))
        await peer.gone()

    async with Lab(serve) as lab:
        assert await lab.outcome() == Failed("status 503", 503, b"", 3.0)
