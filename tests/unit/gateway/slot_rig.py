"""A slot with everything around it in memory: queue logs with gaps, a journal that waits or fails, a clock."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, TypeVar

from adapters.gateway.errors import CmqError, Row
from adapters.gateway.leases.limits import ByteBudget, Limits
from adapters.gateway.leases.message_ids import DELAY_UNTIL
from adapters.gateway.leases.queue_logs import QueueLogs
from adapters.gateway.leases.slot import SlotOwner
from adapters.gateway.leases.slot_state import QueueStates
from adapters.gateway.slot_ports import Body, BodyListener, BodyReaders, SlotJournal, SlotLostError
from adapters.memory import ManualClock
from pipeline.cmq_registry import DeadLetterPolicy, QueueAttributes, QueueEntry
from pipeline.errors import DeliveryFailedError
from pipeline.headers import Headers

T = TypeVar("T")

KEY = b"a key of the tests"
START_MS = 1_700_000_000_000


def queue_entry(name: str = "orders", topic_id: str = "", partitions: int = 1, **attributes: Any) -> QueueEntry:
    return QueueEntry(
        name, f"id-{name}", topic_id or f"topic-{name}", partitions, 0, QueueAttributes(**attributes), 1, 1
    )


def buried_in(name: str, after: int) -> DeadLetterPolicy:
    return DeadLetterPolicy(name, after)


class MemoryQueues(BodyReaders, QueueLogs):
    """The logs of queue topics, read by whoever follows them; each turn of the loop tells what is new."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.logs: dict[tuple[str, int], list[Body | None]] = {}
        """None: a marker, or what was deleted by retention."""
        self.low: dict[tuple[str, int], int] = {}
        self.tails: dict[tuple[str, int], tuple[BodyListener, int]] = {}
        self.paused: set[tuple[str, int]] = set()
        self.wants: list[tuple[tuple[str, int], list[int]]] = []
        self.slow = False
        """Nothing is told until feed()."""
        self.says_end = True
        self.fail_bury: Exception | None = None
        self.bury_unsure = False
        """The record is written, and nobody hears of it."""
        self.refused: bytes | None = None
        """A body that no dead-letter queue takes."""
        self._scheduled = False

    def log(self, name: str, partition: int = 0) -> list[Body | None]:
        return self.logs.setdefault((f"cmq.queue.{name}", partition), [])

    def send(
        self, name: str, *values: bytes, partition: int = 0, delay_ms: int = 0, headers: Headers | None = None
    ) -> None:
        log, now_ms = self.log(name, partition), self.clock.now_ms()
        for value in values:
            mine = [*(headers or []), *([(DELAY_UNTIL, b"%d" % (now_ms + delay_ms))] if delay_ms else [])]
            log.append(Body(partition, len(log), now_ms, value, list(mine)))
        self._soon()

    def gap(self, name: str, count: int = 1, partition: int = 0) -> None:
        self.log(name, partition).extend([None] * count)
        self._soon()

    def follow(self, topic: str, partition: int, offset: int, listener: BodyListener, topic_id: str = "") -> None:  # noqa: ARG002  of the port
        assert (topic, partition) not in self.tails
        self.tails[topic, partition] = listener, offset
        self.paused.discard((topic, partition))
        self._soon()

    def unfollow(self, topic: str, partition: int) -> None:
        del self.tails[topic, partition]
        self.wants = [one for one in self.wants if one[0] != (topic, partition)]

    def set_paused(self, topic: str, partition: int, paused: bool) -> None:  # noqa: FBT001  of the port
        assert (topic, partition) in self.tails
        (self.paused.add if paused else self.paused.discard)((topic, partition))
        self._soon()

    def want(self, topic: str, partition: int, offsets: Sequence[int]) -> None:
        assert (topic, partition) in self.tails
        self.wants.append(((topic, partition), list(offsets)))
        self._soon()

    def forget_readers(self) -> None:
        """The process that read is gone."""
        self.tails.clear()
        self.paused.clear()
        self.wants.clear()

    def _soon(self) -> None:
        if not self.slow and not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._on_turn)

    def _on_turn(self) -> None:
        self._scheduled = False
        self.feed()

    def feed(self) -> None:
        """Tell everything that there is to tell."""
        wants, self.wants = self.wants, []
        for place, offsets in wants:
            self._answer(place, offsets)
        for place in list(self.tails):
            if place in self.tails and place not in self.paused:
                self._tell_tail(place)

    def _answer(self, place: tuple[str, int], offsets: list[int]) -> None:
        log, low = self.logs.get(place, []), self.low.get(place, 0)
        found = [body for one in offsets if low <= one < len(log) and (body := log[one]) is not None]
        there = {body.offset for body in found}
        listener = self.tails[place][0]
        if found:
            listener.on_bodies(found)
        if missing := [one for one in offsets if one not in there]:
            listener.on_missing(place[1], missing)

    def _tell_tail(self, place: tuple[str, int]) -> None:
        listener, position = self.tails[place]
        log, low = self.logs.get(place, []), self.low.get(place, 0)
        if position < low:
            position = low
            listener.on_start(place[1], low)
        some = [body for body in log[position : position + 100] if body is not None]
        end = min(len(log), position + 100)
        self.tails[place] = listener, end
        if some:
            listener.on_bodies(some)
        if end == len(log) and self.says_end and place in self.tails:
            listener.on_end(place[1], end)
        if end < len(log):
            self._soon()

    async def ends(self, queue_name: str) -> Sequence[int]:
        places = sorted(place for place in self.logs if place[0] == f"cmq.queue.{queue_name}")
        if not places:
            raise Row.NO_QUEUE.error()
        return [len(self.logs[place]) for place in places]

    async def offset_at(self, queue_name: str, partition: int, timestamp_ms: int) -> int:
        log = self.log(queue_name, partition)
        return next((one.offset for one in log if one is not None and one.timestamp_ms >= timestamp_ms), len(log))

    async def bury(self, queue_name: str, body: bytes, headers: Headers) -> None:
        await asyncio.sleep(0)
        self._check(queue_name)
        if body == self.refused:
            raise DeliveryFailedError(1, [])
        if self.fail_bury is not None and not self.bury_unsure:
            raise self.fail_bury
        self.send(queue_name, body, headers=headers)
        if self.fail_bury is not None:
            raise self.fail_bury

    async def is_buried(self, queue_name: str, since: Sequence[int], headers: Headers) -> bool:
        self._check(queue_name)
        bodies = [one for one in self.log(queue_name)[since[0] :] if one is not None]
        return any(all(header in one.headers for header in headers) for one in bodies)

    def _check(self, queue_name: str) -> None:
        if (f"cmq.queue.{queue_name}", 0) not in self.logs:
            raise Row.NO_QUEUE.error()


class MemoryJournal(SlotJournal):
    """Appends at the next turn, or when it is told to."""

    def __init__(self) -> None:
        self.durable: list[bytes] = []
        self.waiting: list[tuple[Sequence[bytes], asyncio.Future[None]]] = []
        self.held = False
        self.lost = False
        self._scheduled = False

    @property
    def alive(self) -> bool:
        return not self.lost

    def append(self, entries: Sequence[bytes]) -> "asyncio.Future[None]":
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.waiting.append((list(entries), future))
        if self.lost:
            self.lose()
        elif not self.held and not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self.flush)
        return future

    def flush(self) -> None:
        """All that waits is durable."""
        self._scheduled = False
        waiting, self.waiting = self.waiting, []
        for entries, future in waiting:
            if self.lost:
                future.set_exception(SlotLostError("another claim"))
                continue
            self.durable += entries
            if not future.done():
                future.set_result(None)

    def lose(self) -> None:
        """Somebody else has claimed the slot."""
        self.lost = True
        self.flush()


class Rig:
    """One slot and its owner."""

    def __init__(self, limits: Limits | None = None, budget: int = 1 << 24) -> None:
        self.clock = ManualClock(START_MS)
        self.queues = MemoryQueues(self.clock)
        self.journal = MemoryJournal()
        self.limits = limits or Limits()
        self.budget = ByteBudget(budget)
        self.states = QueueStates()
        self.owner = self._own()

    def _own(self) -> SlotOwner:
        return SlotOwner(self.states, self.journal, self.queues, self.queues, self.clock, KEY, self.limits, self.budget)

    def take_over(self, *, with_waiting: bool = False, snapshot: bool = False) -> None:
        """Another process owns the slot, from what is in the journal; maybe with what was not yet acknowledged."""
        parts = list(self.states.snapshot()) if snapshot else []
        old = self.journal
        entries = list(old.durable)
        if with_waiting:
            entries += [entry for some, _ in old.waiting for entry in some]
        old.lose()
        self.owner.close()
        self.queues.forget_readers()
        self.states = QueueStates()
        if snapshot:
            self.states.restore(parts)
        else:
            for entry in entries:
                self.states.apply(entry)
        self.journal = MemoryJournal()
        self.journal.durable = entries
        self.budget = ByteBudget(1 << 24)
        self.owner = self._own()

    async def turn(self, turns: int = 12) -> None:
        """Let everything that is ready go on."""
        for _ in range(turns):
            await asyncio.sleep(0)

    async def advance(self, seconds: float) -> None:
        """Move time on, and let what follows happen."""
        await self.turn()
        self.clock.advance(seconds)
        await self.turn()


def on_loop(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[[], None]:
    """Run an asynchronous test; its rig is made on the loop."""

    def run() -> None:
        async def main() -> None:
            await test(Rig())

        asyncio.run(asyncio.wait_for(main(), 20))

    run.__name__, run.__doc__ = test.__name__, test.__doc__
    return run


async def refused(call: Awaitable[object]) -> Row:
    """The row with which a call is refused."""
    try:
        await call
    except CmqError as error:
        return error.row
    raise AssertionError("it was not refused")
