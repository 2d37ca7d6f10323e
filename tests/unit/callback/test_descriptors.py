"""No file descriptor left: our own want, told as that, and over as soon as there is one again."""

import asyncio
import contextlib
import os
import resource
import socket
from collections.abc import Iterator

import pytest

from adapters.callback import descriptors
from adapters.callback.descriptors import RESERVED, limit, none_left, scarce, want_of
from adapters.callback.resolver import lookup_streams
from pipeline.outcome import Abandoned, Delivered, Unsent
from tests.unit.callback.lab import Lab, on_loop

NONE = "no file descriptor left of 3"


@contextlib.contextmanager
def none_to_have() -> Iterator[None]:
    """What is open stays so; the system gives no more."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


@on_loop
async def test_an_attempt_without_one_is_unsent_and_the_next_is_sent() -> None:
    async with Lab() as lab:
        with none_to_have():
            assert await lab.outcome() == Unsent(NONE)
        assert await lab.outcome() == Delivered(200)


@on_loop
async def test_a_connection_that_is_there_serves_on() -> None:
    async with Lab() as lab:
        await lab.outcome()
        with none_to_have():
            assert [await lab.outcome() for _ in range(3)] == [Delivered(200)] * 3


@on_loop
async def test_a_lookup_without_one_is_unsent_whatever_it_says() -> None:
    """The C library says then that there is no such name."""
    async with Lab(host="localhost", lookup=lookup_streams) as lab:
        with none_to_have():
            assert await lab.outcome() == Unsent(NONE)
        assert await lab.outcome() == Delivered(200)


@on_loop
async def test_it_is_told_within_the_time_of_the_attempt_and_not_at_once() -> None:
    async with Lab(timeout_s=0.4) as lab:
        now_s = asyncio.get_running_loop().time
        began_s = now_s()
        with none_to_have():
            assert await lab.outcome() == Unsent(NONE)
        assert 0.15 <= now_s() - began_s < 0.4


@on_loop
async def test_one_that_is_cancelled_while_it_waits_is_abandoned() -> None:
    async with Lab() as lab:
        with none_to_have():
            outing = lab.post()
            await asyncio.sleep(0.02)
            outing.attempt.cancel()
            assert outing.told == [Abandoned()]


@on_loop
async def test_the_last_ones_are_left_to_the_rest_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    async with Lab() as lab:
        with monkeypatch.context() as patch:
            patch.setattr(descriptors, "limit", lambda: RESERVED + 3)
            outcome = await lab.outcome()
            assert isinstance(outcome, Unsent)
            assert outcome.reason.startswith(f"no file descriptor left of {RESERVED + 3} but the last {RESERVED}")
        await lab.nothing_open()
        assert await lab.outcome() == Delivered(200)


def test_what_tells_of_a_want() -> None:
    with none_to_have():
        with pytest.raises(OSError, match="Too many open files") as caught:
            os.dup(0)
        assert want_of(caught.value) == none_left() == NONE
    assert none_left() is None
    assert want_of(ConnectionRefusedError(111, "Connection refused")) is None
    assert want_of(socket.gaierror(-2, "Name or service not known")) is None
    assert want_of(TimeoutError()) is None


def test_a_limit_without_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert limit() > 1 << 40
    assert scarce(1_000_000) is None


def test_a_connection_without_a_socket_takes_none() -> None:
    assert scarce(-1) is None
