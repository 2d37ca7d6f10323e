"""Kept-alive connections: used again, never too many, and replaced once when they had gone stale."""

import asyncio

import pytest

from pipeline.outcome import Delivered, Failed, Outcome
from tests.unit.callback.lab import OK, Lab, Outing, Peer, answer_ok, answering, answering_and_open, on_loop, until


@on_loop
async def test_a_thousand_posts_one_after_another_take_one_connection() -> None:
    async with Lab() as lab:
        for _ in range(1000):
            assert await lab.outcome() == Delivered(200)
        assert len(lab.server.peers) == 1


@pytest.mark.parametrize("concurrency", [1, 7, 64])
@on_loop
async def test_never_more_connections_than_attempts_at_once(concurrency: int) -> None:
    left = 1000
    outcomes: list[Outcome] = []
    done = asyncio.Event()

    async with Lab() as lab:

        def post() -> None:
            nonlocal left
            left -= 1
            outing = lab.post()
            outing.then(lambda: ended(outing))

        def ended(outing: Outing) -> None:
            outcomes.append(outing.told[0])
            if left > 0:
                post()
            elif len(outcomes) == 1000:
                done.set()

        for _ in range(concurrency):
            post()
        await done.wait()
        assert outcomes == [Delivered(200)] * 1000
        assert len(lab.server.peers) == lab.server.most_open == concurrency


@on_loop
async def test_never_more_connections_than_attempts_at_once_when_bodies_are_late_or_connections_stale() -> None:
    concurrency = 8

    async def serve(peer: Peer) -> None:
        for number in range(5):
            await peer.request()
            await peer.send(OK[:-2])
            await asyncio.sleep(0)
            if number < 4:
                await peer.send(OK[-2:])

    async with Lab(serve) as lab:
        for _ in range(20):
            batch = [lab.post() for _ in range(concurrency)]
            assert [await outing.outcome() for outing in batch] == [Delivered(200)] * concurrency
            assert len(lab.endpoint._open) <= concurrency


@on_loop
async def test_a_connection_that_was_closed_while_idle_is_not_tried() -> None:
    async with Lab(answering(OK)) as lab:
        for number in range(1, 5):
            assert await lab.outcome() == Delivered(200)
            await lab.nothing_open()
            assert len(lab.server.peers) == number


@pytest.mark.parametrize("reset", [False, True])
@on_loop
async def test_a_connection_closed_as_we_send_is_renewed_within_the_attempt(reset: bool) -> None:  # noqa: FBT001
    requests: list[tuple[int, bytes]] = []

    async def serve(peer: Peer) -> None:
        requests.append((peer.number, (await peer.request()).head))
        await peer.send(OK)
        requests.append((peer.number, (await peer.request()).head))
        if peer.number == 1:
            if reset:
                peer.reset()
            return
        await peer.send(OK)

    async with Lab(serve) as lab:
        assert await lab.outcome() == Delivered(200)
        assert await lab.outcome() == Delivered(200)
        assert [number for number, _ in requests] == [1, 1, 2]
        assert requests[1][1] == requests[2][1], "the same request, with the same request id"


@on_loop
async def test_a_connection_is_renewed_once_and_no_more() -> None:
    async def serve(peer: Peer) -> None:
        await peer.request()
        if peer.number > 2:
            return
        await peer.send(OK)
        await peer.request()

    async with Lab(serve) as lab:
        two = [lab.post(), lab.post()]
        assert [await outing.outcome() for outing in two] == [Delivered(200)] * 2
        assert await lab.outcome() == Failed("connection closed without an answer")
        assert len(lab.server.peers) == 3, "not the other idle connection: that may be as stale"


@on_loop
async def test_a_new_connection_that_ends_without_an_answer_is_not_renewed() -> None:
    async with Lab(answering(b"")) as lab:
        assert await lab.outcome() == Failed("connection closed without an answer")
        assert len(lab.server.peers) == 1


@on_loop
async def test_an_answer_that_had_begun_is_not_asked_for_again() -> None:
    async with Lab(answering(OK, b"HTTP/1.1 2")) as lab:
        assert await lab.outcome() == Delivered(200)
        assert await lab.outcome() == Failed("connection closed without an answer")
        assert len(lab.server.peers) == 1


@on_loop
async def test_a_renewed_attempt_keeps_its_deadline() -> None:
    async def serve(peer: Peer) -> None:
        await peer.request()
        if peer.number == 1:
            await peer.send(OK)
            await peer.request()
            await close.wait()
        else:
            await peer.gone()

    close = asyncio.Event()
    async with Lab(serve, timeout_s=0.2) as lab:
        assert await lab.outcome() == Delivered(200)
        outing = lab.post()
        deadline_s = lab.endpoint._out[outing.attempt]
        close.set()
        await until(lambda: len(lab.server.peers) == 2)
        assert lab.endpoint._out[outing.attempt] == deadline_s
        assert await outing.outcome() == Failed("timed out after 0.2 s, no answer")


@on_loop
async def test_a_connection_on_which_something_comes_unasked_is_closed() -> None:
    async def serve(peer: Peer) -> None:
        await peer.request()
        await peer.send(OK)
        await idle.wait()
        await peer.send(b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n")
        await peer.gone()

    idle = asyncio.Event()
    async with Lab(serve) as lab:
        assert await lab.outcome() == Delivered(200)
        idle.set()
        await lab.server.all_closed()
        assert await lab.outcome() == Delivered(200)
        assert len(lab.server.peers) == 2


@on_loop
async def test_a_post_in_the_very_moment_in_which_a_connection_is_being_closed_takes_a_new_one() -> None:
    async with Lab() as lab:
        assert await lab.outcome() == Delivered(200)
        (connection,) = lab.endpoint._idle
        connection.data_received(b"unasked")
        assert await lab.outcome() == Delivered(200)
        assert len(lab.server.peers) == 2


@on_loop
async def test_idle_connections_are_closed_after_a_while_without_being_asked_for() -> None:
    async with Lab(idle_s=0.1) as lab:
        three = [lab.post() for _ in range(3)]
        assert [await outing.outcome() for outing in three] == [Delivered(200)] * 3
        assert lab.server.open == 3
        await lab.server.all_closed()
        assert lab.endpoint._open == set()
        assert lab.endpoint._idle == {}
        assert lab.endpoint._sweep is None


@on_loop
async def test_a_connection_that_was_used_meanwhile_stays() -> None:
    async with Lab(idle_s=0.1) as lab:
        two = [lab.post(), lab.post()]
        assert [await outing.outcome() for outing in two] == [Delivered(200)] * 2
        older, younger = lab.endpoint._idle
        younger.idle_since_s += 3600.0  # as if it had been used then
        await until(lambda: older not in lab.endpoint._open)
        assert list(lab.endpoint._idle) == [younger]
        assert lab.endpoint._sweep is not None


@on_loop
async def test_the_time_that_the_last_body_took_is_not_counted_against_the_next_answer() -> None:
    async def serve(peer: Peer) -> None:
        await peer.request()
        for piece in (OK[:-2], OK[-2:-1], OK[-1:]):
            await peer.send(piece)
            await turn.wait()
            turn.clear()
        await peer.gone()

    turn = asyncio.Event()
    async with Lab(serve, rest_s=0.2, timeout_s=0.4) as lab:
        first = lab.post()
        for received in (len(OK) - 2, len(OK) - 1):
            await lab.has_read(received)
            turn.set()
        assert await first.outcome() == Delivered(200)
        turn.set()
        assert await lab.outcome() == Failed("timed out after 0.4 s, no answer")
        assert len(lab.server.peers) == 1


@on_loop
async def test_the_connection_used_last_is_used_next_so_that_the_others_may_rest() -> None:
    served: list[int] = []

    async def serve(peer: Peer) -> None:
        while True:
            await peer.request()
            served.append(peer.number)
            await peer.send(OK)

    async with Lab(serve) as lab:
        burst = [lab.post() for _ in range(4)]
        for outing in burst:
            await outing.outcome()
        last = served[-1]
        del served[:]
        for _ in range(5):
            await lab.outcome()
        assert served == [last] * 5


@on_loop
async def test_connections_are_the_endpoints_own() -> None:
    async with Lab(answering_and_open(OK)) as one, Lab(answer_ok) as other:
        assert await one.outcome() == await other.outcome() == Delivered(200)
        assert len(one.server.peers) == len(other.server.peers) == 1
