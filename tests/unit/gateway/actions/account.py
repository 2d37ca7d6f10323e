"""An account in memory, and its calls as a client makes them: parameters in, reply or refusal out.

Shape   @of_account makes a test of `async def test_…(account: Account)`
"""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import uvloop

from adapters.gateway.acting.action import Backend
from adapters.gateway.acting.params import Params
from adapters.gateway.actions import ACTIONS
from adapters.gateway.errors import CmqError, Row
from adapters.memory import ManualClock, MemoryQueues, MemoryTopics, QueueLimits

IN_FLIGHT = 2
DELAYED = 2


class Account:
    """Small limits, so that they are met."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        limits = QueueLimits(in_flight=IN_FLIGHT, delayed=DELAYED)
        self.queues = MemoryQueues(self.clock, max_queues=3, limits=limits)
        self.topics = MemoryTopics(self.clock, self.queues, max_topics=2, max_subscriptions=2)
        self._backend = Backend(self.queues, self.topics, topic_owner=1250000000)

    @property
    def now_s(self) -> int:
        return self.clock.now_ms() // 1000

    async def call(self, action: str, **params: object) -> dict[str, Any]:
        """The reply's own fields; a list is sent as name.1 and on, `__` stands for a dot."""
        values: dict[str, str] = {}
        for name, value in params.items():
            spelt = name.replace("__", ".")
            if isinstance(value, list):
                values |= {f"{spelt}.{number}": str(item) for number, item in enumerate(value, 1)}
            else:
                values[spelt] = str(value)
        return await ACTIONS[action.lower()](Params(values), self._backend)

    async def refused(self, row: Row, action: str, **params: object) -> None:
        """The call is refused with this row."""
        with pytest.raises(CmqError) as caught:
            await self.call(action, **params)
        assert caught.value.row is row


def of_account(claim: Callable[[Account], Awaitable[None]]) -> Callable[[], None]:
    """A test of this claim."""

    def test() -> None:
        async def play() -> None:
            await claim(Account())

        uvloop.run(play())

    return test


async def check_ranges(account: Account, action: str, ranges: dict[str, tuple[int, int]], **params: object) -> None:
    """Each number is refused beyond its range and when it is none; in its range it is not refused for that."""
    for name, (least, most) in ranges.items():
        for beyond in (least - 1, most + 1):
            await account.refused(Row.PARAMETER_OUT_OF_RANGE, action, **params, **{name: beyond})
        for none in ("", "x", "1.5"):
            await account.refused(Row.PARAMETER_TYPE, action, **params, **{name: none})
