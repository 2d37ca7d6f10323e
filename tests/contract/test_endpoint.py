"""An endpoint, in memory and over HTTP: each attempt has one outcome, later, within its deadline."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
import uvloop

from adapters.callback.endpoint import HttpEndpoint
from adapters.event_loop import LoopClock
from adapters.memory import MemoryEndpoint
from pipeline.outcome import Abandoned, Delivered, Failed, Gone, Outcome, outcome_of_status
from pipeline.ports import Endpoint, Push
from pipeline.subscription import HttpPolicy

PUSH = Push("4611686018427387904", b"a body")
TIMEOUT_S = 0.2
ANSWER_S = 10.0
"""Of an endpoint that answers: more than it needs."""

Claim = Callable[[Endpoint], Awaitable[None]]


def timeout_of(status: int | None) -> float:
    return TIMEOUT_S if status is None else ANSWER_S


async def in_memory(status: int | None, claim: Claim) -> None:
    clock = LoopClock(asyncio.get_running_loop())
    outcome = None if status is None else outcome_of_status(status, b"why")
    await claim(MemoryEndpoint(clock, lambda _push: outcome, timeout_s=timeout_of(status)))


async def over_http(status: int | None, claim: Claim) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"a body")
        if status is None:
            await reader.read()
        else:
            writer.write(b"HTTP/1.1 %d X\r\nContent-Length: 3\r\nConnection: close\r\n\r\nwhy" % status)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    policy = HttpPolicy(f"http://127.0.0.1:{port}/", timeout_s=timeout_of(status), allow_private_addresses=True)
    endpoint = HttpEndpoint(policy, asyncio.get_running_loop())
    try:
        await claim(endpoint)
    finally:
        endpoint.close()
        server.close()
        await server.wait_closed()


on_both = pytest.mark.parametrize("stage", [in_memory, over_http])


async def outcome_of(endpoint: Endpoint) -> Outcome:
    told: asyncio.Queue[Outcome] = asyncio.Queue()
    endpoint.post(PUSH, told.put_nowait)
    assert told.empty(), "told from within post"
    outcome = await asyncio.wait_for(told.get(), 5)
    await asyncio.sleep(0.01)
    assert told.empty(), "told twice"
    return outcome


@on_both
@pytest.mark.parametrize(
    ("status", "kind"), [(200, Delivered), (299, Delivered), (410, Gone), (400, Failed), (429, Failed), (503, Failed)]
)
def test_an_answer_is_told_once_and_later(
    stage: Callable[[int, Claim], Awaitable[None]], status: int, kind: type[Outcome]
) -> None:
    async def claim(endpoint: Endpoint) -> None:
        outcome = await outcome_of(endpoint)
        assert isinstance(outcome, kind)
        assert outcome == outcome_of_status(status, b"why")

    uvloop.run(stage(status, claim))  # type: ignore[arg-type]  # an async function's result is a coroutine


@on_both
def test_without_an_answer_it_has_failed_when_its_time_is_over(
    stage: Callable[[int | None, Claim], Awaitable[None]],
) -> None:
    async def claim(endpoint: Endpoint) -> None:
        outcome = await outcome_of(endpoint)
        assert isinstance(outcome, Failed)
        assert outcome.reason.startswith(f"timed out after {TIMEOUT_S:g} s")

    uvloop.run(stage(None, claim))  # type: ignore[arg-type]  # an async function's result is a coroutine


@on_both
def test_cut_short_it_is_abandoned_once(stage: Callable[[int | None, Claim], Awaitable[None]]) -> None:
    async def claim(endpoint: Endpoint) -> None:
        told: list[Outcome] = []
        attempt = endpoint.post(PUSH, told.append)
        attempt.cancel()
        attempt.cancel()
        await asyncio.sleep(TIMEOUT_S * 1.5)
        assert told == [Abandoned()]

    uvloop.run(stage(None, claim))  # type: ignore[arg-type]  # an async function's result is a coroutine
