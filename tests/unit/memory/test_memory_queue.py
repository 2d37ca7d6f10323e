"""What the contract of queues cannot show: a clock that goes on between two looks at it."""

import asyncio

import pytest
import uvloop

from adapters.memory import ManualClock, MemoryQueues
from pipeline.cmq_registry import QueueAttributes


class RestlessClock(ManualClock):
    """A millisecond passes with every look."""

    looks = 0

    def now_ms(self) -> int:
        self.looks += 1
        return super().now_ms() + self.looks


@pytest.mark.parametrize("gap_ms", range(12))
def test_a_poll_is_woken_for_what_falls_due_while_the_queue_is_at_work(gap_ms: int) -> None:
    async def play() -> None:
        clock = RestlessClock()
        queues = MemoryQueues(clock)
        await queues.create("q", QueueAttributes())
        await queues.send("q", [b"late"], 1)
        clock.looks += 1_000 - gap_ms
        poll = asyncio.create_task(queues.receive("q", 1, 30))
        for _ in range(20):
            await asyncio.sleep(0)
            clock.advance(0.001)
        await asyncio.wait([poll], timeout=1)
        assert poll.done()
        assert [message.body for message in poll.result()] == [b"late"]

    uvloop.run(play())
