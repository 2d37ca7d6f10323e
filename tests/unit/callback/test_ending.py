"""An attempt ends once: by an answer, by its deadline, by cancel, by close. And it leaves nothing behind."""

import asyncio
import gc
import socket
import threading
import time

import pytest

from adapters.callback.connection import Connection
from adapters.callback.endpoint import Attempt
from pipeline.outcome import Abandoned, Delivered, Failed
from tests.unit.callback.lab import OK, Lab, Outing, Peer, answering_and_open, hang, on_loop, until


@on_loop
async def test_cancel_of_an_attempt_that_waits_for_its_answer() -> None:
    async with Lab(hang) as lab:
        outing = lab.post()
        await until(lambda: lab.server.peers)
        outing.attempt.cancel()
        assert outing.told == [Abandoned()]
        await lab.server.all_closed()


@pytest.mark.parametrize("turns", range(6))
@on_loop
async def test_cancel_of_an_attempt_that_is_connecting_at_whatever_moment(turns: int) -> None:
    async with Lab(hang) as lab:
        outing = lab.post()
        for _ in range(turns):
            await asyncio.sleep(0)
        outing.attempt.cancel()
        assert outing.told == [Abandoned()]
        await lab.nothing_open()
        assert lab.endpoint._open == set()


@on_loop
async def test_cancel_of_an_attempt_whose_name_is_being_resolved() -> None:
    release = threading.Event()

    def lookup(_host: str, _port: int) -> list[tuple[int, int, int, str, tuple[str, int]]]:
        release.wait()
        return []

    async with Lab(host="slow.example", lookup=lookup) as lab:
        outing = lab.post()
        await asyncio.sleep(0)
        outing.attempt.cancel()
        assert outing.told == [Abandoned()]
        release.set()


@on_loop
async def test_cancel_after_a_2xx_head_tells_what_is_known() -> None:
    async with Lab(answering_and_open(OK[:-1])) as lab:
        outing = lab.post()
        await head_of(outing)
        (connection,) = lab.endpoint._open
        assert connection._rest is not None
        outing.attempt.cancel()
        assert outing.told == [Delivered(200)]
        assert connection._rest is None, "no timer is left"


@on_loop
async def test_cancel_after_another_head_abandons() -> None:
    async with Lab(answering_and_open(b"HTTP/1.1 500 Oops\r\nContent-Length: 9\r\n\r\n")) as lab:
        outing = lab.post()
        await head_of(outing)
        outing.attempt.cancel()
        assert outing.told == [Abandoned()]


async def head_of(outing: Outing) -> None:
    await until(lambda: outing.attempt._connection is not None and outing.attempt._connection.status)


@on_loop
async def test_a_late_cancel_does_not_touch_the_attempt_that_has_the_connection_now() -> None:
    async def serve(peer: Peer) -> None:
        await peer.request()
        await peer.send(OK)
        await peer.request()
        await second.wait()
        await peer.send(OK)

    second = asyncio.Event()
    async with Lab(serve) as lab:
        first = lab.post()
        await first.outcome()
        next_one = lab.post()
        first.attempt.cancel()
        first.attempt.timed_out()
        second.set()
        assert await next_one.outcome() == Delivered(200)
        assert first.told == [Delivered(200)]
        assert len(lab.server.peers) == 1


@on_loop
async def test_attempts_end_at_their_own_deadlines() -> None:
    loop = asyncio.get_running_loop()
    async with Lab(hang, timeout_s=0.1) as lab:
        ended_s: list[float] = []
        began_s = loop.time()
        first = lab.post()
        first.then(lambda: ended_s.append(loop.time() - began_s))
        second: list[Outing] = []

        def post_another() -> None:
            outing = lab.post()
            outing.then(lambda: ended_s.append(loop.time() - began_s))
            second.append(outing)

        loop.call_later(0.05, post_another)
        await first.outcome()
        await second[0].outcome()
        assert 0.09 < ended_s[0] < ended_s[1]
        assert ended_s[1] > 0.14


@on_loop
async def test_an_attempt_posted_from_within_a_time_out_has_a_deadline_too() -> None:
    async with Lab(hang, timeout_s=0.05) as lab:
        first = lab.post()
        next_one: list[Outing] = []
        first.then(lambda: next_one.append(lab.post()))
        await first.outcome()
        assert await next_one[0].outcome() == Failed("timed out after 0.05 s, no answer")
        assert lab.endpoint._alarm is None


@on_loop
async def test_close_abandons_what_is_out_and_leaves_no_timer() -> None:
    async with Lab(hang) as lab:
        out = [lab.post() for _ in range(5)]
        await until(lambda: len(lab.server.peers) == 5)
        out += [lab.post() for _ in range(5)]
        lab.endpoint.close()
        assert [outing.told for outing in out] == [[Abandoned()]] * 10
        await lab.nothing_open()
        assert lab.endpoint._open == set()
        assert lab.endpoint._alarm is not None
        assert lab.endpoint._alarm.cancelled()


@on_loop
async def test_a_post_after_close_is_abandoned_and_connects_nowhere() -> None:
    async with Lab() as lab:
        assert await lab.outcome() == Delivered(200)
        lab.endpoint.close()
        assert await lab.outcome() == Abandoned()
        assert len(lab.server.peers) == 1
        await lab.nothing_open()


@on_loop
async def test_close_twice_is_as_good_as_once() -> None:
    async with Lab(hang) as lab:
        outing = lab.post()
        lab.endpoint.close()
        lab.endpoint.close()
        assert outing.told == [Abandoned()]


@on_loop
async def test_nothing_of_an_attempt_or_a_connection_is_kept() -> None:
    gc.collect()
    before = alive(Attempt), alive(Connection)
    async with Lab() as lab:
        for _ in range(3):
            outing = lab.post()
            await outing.outcome()
            del outing.attempt
        assert alive(Attempt) == before[0], "freed as soon as nobody holds it, though its connection lives"
        assert alive(Connection) == before[1] + 1
        lab.endpoint.close()
        await lab.nothing_open()
    gc.collect()
    assert (alive(Attempt), alive(Connection)) == before


def alive(kind: type) -> int:
    return sum(type(thing) is kind for thing in gc.get_objects())


@pytest.mark.parametrize("error", [OSError("disk full"), ValueError("a bug")])
@on_loop
async def test_a_listener_that_raises_is_reported_to_the_loop_whatever_it_raises(error: Exception) -> None:
    def fail() -> None:
        raise error

    async with Lab() as lab:
        outing = lab.post()
        outing.then(fail)
        await outing.outcome()
        await until(lambda: lab.loop_errors)
        reported = lab.loop_errors.pop()["exception"]
        assert error in {reported, reported.__cause__}


@on_loop
async def test_an_answer_that_lay_there_while_the_loop_was_slow_counts_though_its_time_is_over() -> None:
    loop = asyncio.get_running_loop()

    def answer_and_stand_still() -> None:
        """Called while the loop looks at its sockets: timers are next."""
        loop.remove_reader(connection)
        connection.recv(1 << 16)
        connection.sendall(OK)
        time.sleep(0.3)

    async with Lab(hang, timeout_s=0.1) as lab:
        lab.server.stop_listening()
        with socket.create_server(("127.0.0.1", lab.server.port), reuse_port=True) as server:
            server.settimeout(0)
            outing = lab.post()
            connection, _ = await loop.sock_accept(server)
            with connection:
                loop.add_reader(connection, answer_and_stand_still)
                assert await outing.outcome() == Delivered(200)
