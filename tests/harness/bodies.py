"""A listener that keeps what it hears of bodies, on an event loop.

Shape   Heard(): bodies, missing, starts; await until(condition) with a limit; quiet(seconds) shows that nothing comes
"""

import asyncio
from collections.abc import Callable, Sequence

from adapters.gateway.slot_ports import Body

LIMIT_S = 30.0


class Heard:
    """Keeps the BodyListener port."""

    def __init__(self) -> None:
        self.bodies: list[Body] = []
        self.missing: list[int] = []
        self.starts: list[int] = []
        self._changed = asyncio.Event()

    def on_bodies(self, bodies: Sequence[Body]) -> None:
        self.bodies += bodies
        self._changed.set()

    def on_missing(self, _partition: int, offsets: Sequence[int]) -> None:
        self.missing += offsets
        self._changed.set()

    def on_end(self, _partition: int, _offset: int) -> None:
        """Nothing here asks for it."""

    def on_start(self, _partition: int, low: int) -> None:
        self.starts.append(low)
        self._changed.set()

    @property
    def offsets(self) -> list[int]:
        return [body.offset for body in self.bodies]

    async def until(self, enough: Callable[[], bool]) -> None:
        """Return when it is enough."""
        async with asyncio.timeout(LIMIT_S):
            while not enough():
                self._changed.clear()
                await self._changed.wait()

    async def count(self, bodies: int) -> None:
        """Return when so many bodies have come."""
        await self.until(lambda: len(self.bodies) >= bodies)
