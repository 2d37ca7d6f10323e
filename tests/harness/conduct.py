"""How endpoints misbehave: each a Conduct for the sink, or what makes one."""

import asyncio

from tests.harness.sink import Call, Conduct

PIECE = b"x" * 65_536
PIECES_OF_10_MB = 160


def replies(status: int, *headers: str, body: bytes = b"no") -> Conduct:
    """Answer with headers of its own."""

    async def conduct(call: Call) -> None:
        call.reply(status, body, *headers)

    return conduct


async def hang(call: Call) -> None:
    """Accept the request and say nothing until the sink is released; then accept it."""
    await call.sink.released.wait()
    call.reply(200)


async def hang_for_good(call: Call) -> None:
    """Accept the request and never answer."""
    await asyncio.Event().wait()
    call.close()


def slowly(delay_s: float) -> Conduct:
    """Accept after a while."""

    async def conduct(call: Call) -> None:
        await asyncio.sleep(delay_s)
        call.reply(200)

    return conduct


async def slow_head(call: Call) -> None:
    """A status line, byte by byte."""
    for byte in b"HTTP/1.1 200 OK":
        call.write(bytes((byte,)))
        await asyncio.sleep(0.02)
    call.write(b"\r\nX-Slow: yes\r\n")
    call.sink._answered(call.request, 200)
    call.write(b"Content-Length: 2\r\n\r\nok")


async def head_that_never_ends(call: Call) -> None:
    """A header line after the other, and no end."""
    call.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        call.write(b"X-More: yes\r\n")
        await asyncio.sleep(0.05)


async def slow_body(call: Call) -> None:
    """A head at once, then a byte now and then."""
    call.head(200, "Content-Length: 1000")
    for _ in range(1000):
        call.write(b"x")
        await asyncio.sleep(0.05)


async def reset_in_body(call: Call) -> None:
    """A head and half a body, then a reset."""
    call.head(200, "Content-Length: 1000")
    call.write(b"x" * 500)
    await asyncio.sleep(0.005)
    call.reset()


async def reset_before_answer(call: Call) -> None:
    """Take the request, and reset."""
    call.reset()


async def ten_megabytes(call: Call) -> None:
    """An answer far larger than anybody reads."""
    call.head(200, f"Content-Length: {PIECES_OF_10_MB * len(PIECE)}")
    for _ in range(PIECES_OF_10_MB):
        call.write(PIECE)
        await call.written()


async def endless(call: Call) -> None:
    """An answer in chunks that never end."""
    call.head(200, "Transfer-Encoding: chunked")
    while True:
        call.write(b"10000\r\n" + PIECE + b"\r\n")
        await call.written()


async def answer_then_close(call: Call) -> None:
    """Promise to keep the connection, and close it after the answer."""
    call.reply(200, b"ok", "Connection: keep-alive")
    call.close()


async def close_unless_first(call: Call) -> None:
    """A connection that takes one request: the second meets a close."""
    if call.served == 1:
        call.reply(200, b"ok", "Connection: keep-alive")
    else:
        call.close()
