"""What the gateway's contracts are tested on: queues and topics, and time that passes.

Shape   @on_gateway_stage makes a test of `async def test_…(scene: Scene)`; it runs once for each stage (conftest.py)
Kafka   a further stage is a Play that opens the parts, runs the claim and closes them; pass_time() waits there, so
        tests keep their times short, and what needs minutes asks beforehand: scene.may_pass(60)
"""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import count
from typing import Protocol

import pytest
import uvloop

from adapters.gateway.errors import CmqError, Row
from adapters.gateway.ports import Message, Queues, Topics
from adapters.memory import ManualClock, MemoryQueues, MemoryTopics, QueueLimits
from pipeline.cmq_registry import QueueAttributes

SOON_S = 10
"""How long to wait for what is to come at once: on a broker it comes a moment later."""

IN_FLIGHT = 20
DELAYED = 5
VISIBILITY_S = 2


class Scene(Protocol):
    """The parts of one test; queues have at most IN_FLIGHT and DELAYED messages of these kinds."""

    @property
    def queues(self) -> Queues: ...

    @property
    def topics(self) -> Topics: ...

    @property
    def senders(self) -> int:
        """How many take messages in turn; each of them may let in so many delayed ones."""
        ...

    def unique(self, stem: str) -> str:
        """A name that nobody else has."""
        ...

    def now_s(self) -> int:
        """Unix seconds."""
        ...

    def may_pass(self, seconds: float) -> None:
        """Skip the test where so much time cannot pass."""

    async def pass_time(self, seconds: float) -> None:
        """Let time pass."""

    async def polls_are_waiting(self) -> None:
        """Let polls that have been started get to where they wait."""


Claim = Callable[[Scene], Awaitable[None]]
Play = Callable[[Claim], None]


class MemoryScene:
    """In memory, with a clock that is moved."""

    senders = 1

    def __init__(self) -> None:
        self._clock = ManualClock()
        self._numbers = count(1)
        self.queues = MemoryQueues(self._clock, limits=QueueLimits(in_flight=IN_FLIGHT, delayed=DELAYED))
        self.topics = MemoryTopics(self._clock, self.queues)

    def unique(self, stem: str) -> str:
        return f"{stem}-{next(self._numbers)}"

    def now_s(self) -> int:
        return self._clock.now_ms() // 1000

    def may_pass(self, seconds: float) -> None:
        """Any time may."""

    async def pass_time(self, seconds: float) -> None:
        self._clock.advance(seconds)
        await self.polls_are_waiting()

    @staticmethod
    async def polls_are_waiting() -> None:
        for _ in range(5):
            await asyncio.sleep(0)


def play_in_memory(claim: Claim) -> None:
    async def play() -> None:
        await claim(MemoryScene())

    uvloop.run(play())


def on_gateway_stage(claim: Claim) -> Callable[[Play], None]:
    """A test of this claim, on every stage."""

    def test(gateway_stage: Play) -> None:
        gateway_stage(claim)

    return test


async def made_queue(scene: Scene, **attributes: object) -> str:
    """A new queue's name."""
    name = scene.unique("queue")
    await scene.queues.create(name, QueueAttributes(**{"visibility_timeout_s": VISIBILITY_S, **attributes}))  # type: ignore[arg-type]  # a test's own
    return name


async def send(scene: Scene, queue: str, *bodies: str, delay_s: int = 0) -> list[str]:
    """Send texts."""
    return await scene.queues.send(queue, [body.encode() for body in bodies], delay_s)


async def receive(scene: Scene, queue: str, count: int = 1) -> list[Message]:
    """So many messages, as they come."""
    messages = await scene.queues.receive(queue, count, SOON_S)
    while len(messages) < count:
        messages += await scene.queues.receive(queue, count - len(messages), SOON_S)
    return messages


async def receive_one(scene: Scene, queue: str) -> Message:
    """One message."""
    return (await receive(scene, queue))[0]


async def assert_empty(scene: Scene, queue: str) -> None:
    """Nothing is visible."""
    with refused(Row.NO_MESSAGE):
        await scene.queues.receive(queue, 16, 0)


def refused(row: Row) -> "pytest.RaisesExc[CmqError]":
    """What is within is refused with this row."""
    return pytest.raises(CmqError, check=lambda error: error.row is row)
