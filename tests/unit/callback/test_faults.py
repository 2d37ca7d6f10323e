"""Endpoints that fail to answer: each way has its reason, and none takes longer than the deadline."""

import asyncio
import socket
import time

import pytest

from pipeline.outcome import Delivered, Failed, Fault, Gone
from pipeline.ports import Push
from tests.unit.callback.lab import OK, Lab, Peer, answer_ok, hang, on_loop


@on_loop
async def test_an_endpoint_that_refuses() -> None:
    async with Lab() as lab:
        lab.server.stop_listening()
        assert await lab.outcome() == Failed("connection refused")


@on_loop
async def test_an_endpoint_that_accepts_and_hangs() -> None:
    async with Lab(hang, timeout_s=0.05) as lab:
        assert await lab.outcome() == Failed("timed out after 0.05 s, no answer")
        await lab.server.all_closed()


@on_loop
async def test_a_slow_head_is_cut_at_the_deadline() -> None:
    async def serve(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nX: ")
        while True:
            await peer.send(b"y")
            await asyncio.sleep(0)

    async with Lab(serve, timeout_s=0.05) as lab:
        outcome = await lab.outcome()
        assert isinstance(outcome, Failed)
        assert outcome.reason in {
            "timed out after 0.05 s, no answer",
            "the head of the answer is larger than 65536 bytes",  # a fast machine
        }


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", Delivered(200)),
        (b"HTTP/1.1 503 Busy\r\nRetry-After: 9\r\nContent-Length: 9\r\n\r\nbe", Failed("status 503", 503, b"be", 9.0)),
        (b"HTTP/1.1 410 Gone\r\n\r\nbe", Gone()),
    ],
)
@pytest.mark.parametrize(("rest_s", "timeout_s"), [(0.02, 3.0), (30.0, 0.05)])
@on_loop
async def test_the_status_counts_when_the_body_is_too_slow(
    head: bytes, expected: Delivered | Failed, rest_s: float, timeout_s: float
) -> None:
    async def serve(peer: Peer) -> None:
        await peer.request()
        await peer.send(head)
        await peer.gone()

    async with Lab(serve, rest_s=rest_s, timeout_s=timeout_s) as lab:
        assert await lab.outcome() == expected
        await lab.server.all_closed()


@on_loop
async def test_a_body_that_comes_a_little_later_leaves_the_connection_for_the_next() -> None:
    async def serve(peer: Peer) -> None:
        while True:
            await peer.request()
            await peer.send(OK[:-2])
            await asyncio.sleep(0)
            await peer.send(OK[-2:])

    async with Lab(serve) as lab:
        assert [await lab.outcome() for _ in range(5)] == [Delivered(200)] * 5
        assert len(lab.server.peers) == 1


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        (b"", Failed("connection reset")),
        (b"HTTP/1.1 200 OK\r\nConte", Failed("connection reset")),
        (b"HTTP/1.1 100 Continue\r\n\r\n", Failed("connection reset")),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nbe", Delivered(200)),
        (b"HTTP/1.1 500 Oops\r\nContent-Length: 9\r\n\r\nbe", Failed("status 500", 500, b"be")),
    ],
)
@on_loop
async def test_a_reset_in_the_middle(before: bytes, expected: Delivered | Failed) -> None:
    read = asyncio.Event()

    async def serve(peer: Peer) -> None:
        await peer.request()
        await peer.send(before)
        await read.wait()
        peer.reset()

    async with Lab(serve) as lab:
        outing = lab.post()
        await lab.has_read(len(before))  # a reset throws away what has not been read
        read.set()
        assert await outing.outcome() == expected


@on_loop
async def test_an_endpoint_that_closes_at_once() -> None:
    async def serve(_peer: Peer) -> None:
        pass

    async with Lab(serve) as lab:
        outcome = await lab.outcome()
        assert outcome in {Failed("connection closed without an answer"), Failed("connection reset")}


@on_loop
async def test_an_endpoint_that_does_not_read_a_large_body_is_cut_at_the_deadline() -> None:
    async def serve(peer: Peer) -> None:
        peer._reader._transport.pause_reading()  # type: ignore[attr-defined]  # what a stream cannot be asked for
        await stop.wait()

    stop = asyncio.Event()
    async with Lab(serve, timeout_s=0.1) as lab:
        assert await lab.outcome(Push("1", b"x" * (16 << 20))) == Failed("timed out after 0.1 s, no answer")
        stop.set()


@on_loop
async def test_a_connection_whose_request_was_answered_before_it_was_written_out_is_not_used_again() -> None:
    async def serve(peer: Peer) -> None:
        peer._reader._transport.pause_reading()  # type: ignore[attr-defined]
        await peer.send(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
        await stop.wait()

    stop = asyncio.Event()
    async with Lab(serve) as lab:
        for number in (1, 2):
            assert await lab.outcome(Push("1", b"x" * (16 << 20))) == Failed("status 413", 413, fault=Fault.EVENT)
            assert len(lab.server.peers) == number
        stop.set()


@on_loop
async def test_a_body_of_a_megabyte_arrives_whole() -> None:
    body = bytes(range(256)) * 4096
    arrived: list[bytes] = []

    async def serve(peer: Peer) -> None:
        arrived.append((await peer.request()).body)
        await peer.send(OK)

    async with Lab(serve) as lab:
        assert await lab.outcome(Push("1", body)) == Delivered(200)
    assert arrived == [body]


@on_loop
async def test_a_full_accept_queue_ends_at_the_deadline() -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)  # noqa: FBT003
            filler.connect_ex(("127.0.0.1", port))
        async with Lab(timeout_s=0.1) as lab:
            lab.endpoint._dialer._port = port
            began_s = time.monotonic()
            assert await lab.outcome() == Failed("timed out after 0.1 s, no connection")
            assert time.monotonic() - began_s < 1.0
        for filler in fillers:
            filler.close()


@on_loop
async def test_one_endpoint_that_hangs_does_not_delay_another() -> None:
    async with Lab(hang, timeout_s=1.0) as dead, Lab(answer_ok) as healthy:
        waiting = [dead.post() for _ in range(64)]
        assert [await healthy.outcome() for _ in range(50)] == [Delivered(200)] * 50
        assert not any(outing.told for outing in waiting)
