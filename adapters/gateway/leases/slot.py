"""A slot's queues in the hands of its owner: what the actions ask, answered from state, bodies and journal.

Shape   SlotOwner is slot_ports.Slot; on the event loop's thread
Promise nothing is answered before its entry is durable. A second answer that rests on another call's entry waits for
        that one, too
Polls   a message that arrives is leased to the first that waits; one timer for the slot tells when something becomes
        visible by itself
Time    leases end by the wall clock of whoever owns the slot; one whose clock is ahead ends others' that early
Errors  SlotLostError once the slot is lost, for everything and for ever; CmqError with the row for the client
"""

import asyncio
from collections.abc import Callable, Sequence

from adapters.gateway.errors import Row
from adapters.gateway.leases.counting import counts_of
from adapters.gateway.leases.entries import Dropped, Rewound, Settled
from adapters.gateway.leases.given import Given
from adapters.gateway.leases.handle import Handles
from adapters.gateway.leases.limits import ByteBudget, Limits
from adapters.gateway.leases.queue_logs import QueueLogs
from adapters.gateway.leases.queue_run import QueueRun
from adapters.gateway.leases.slot_context import SlotContext
from adapters.gateway.leases.slot_state import QueueStates
from adapters.gateway.ports import Message, QueueCounts
from adapters.gateway.slot_ports import BodyReaders, Slot, SlotJournal, SlotLostError
from pipeline.clock import Clock, Timer
from pipeline.cmq_registry import QueueEntry

_SOONEST_S = 0.001


class SlotOwner(Slot):
    """The queues of one slot."""

    def __init__(
        self,
        states: QueueStates,
        journal: SlotJournal,
        readers: BodyReaders,
        logs: QueueLogs,
        clock: Clock,
        key: bytes,
        limits: Limits,
        budget: ByteBudget,
    ) -> None:
        self._context = SlotContext(states, journal, readers, logs, clock, Handles(key), limits, budget)
        self._context.on_lost = self.close
        self._context.arm = self._arm
        self._clock = clock
        self._runs: dict[str, QueueRun] = {}
        self._by_name: dict[str, QueueRun] = {}
        self._due_timer: Timer | None = None
        self._due_ms = 0
        self._idle_timer: Timer | None = None

    async def receive(self, queue: QueueEntry, count: int, wait_s: float) -> list[Message]:
        """See Slot.receive."""
        run = self._asked(queue)
        given = None
        if not len(run.polls):  # who came first is served first
            given = run.take(count)
            run.reading.restock()
        if given is None:
            if run.room() <= 0:
                raise Row.TOO_MANY_IN_FLIGHT.error()
            given = await self._poll(run, count, wait_s)
        try:
            await self._context.durable(given.durable)
        except asyncio.CancelledError:
            run.undo(given)
            raise
        return given.messages

    async def _poll(self, run: QueueRun, count: int, wait_s: float) -> Given:
        hasty = wait_s <= 0
        if hasty and (wait_s := run.reading.coming_s()) <= 0:
            raise Row.NO_MESSAGE.error()
        poll = run.polls.join(count, wait_s, hasty=hasty)
        self._arm(run)
        try:
            given = await poll.future
        except asyncio.CancelledError:
            run.polls.leave(poll)
            future = poll.future
            if future.done() and not future.cancelled() and not future.exception() and (late := future.result()):
                run.undo(late)
            raise
        if given is None:
            raise Row.NO_MESSAGE.error()
        return given

    async def delete_messages(self, queue: QueueEntry, handles: Sequence[str]) -> list[Row | None]:
        """See Slot.delete_messages.

        A handle of a message that is deleted already is fine until its time is over: it was the last receive's, since
        nobody can have received the message after that. One that we gave and that is not the last receive's may be
        that of a later owner, of whom a replica that has stood still has not heard.
        """
        run = self._run(queue)
        state, now_ms = run.state, self._clock.now_ms()
        answers: list[Row | None] = []
        settled: dict[int, dict[int, None]] = {}
        doubted = False
        for handle in handles:
            place = self._context.handles.read(handle, state.topic_id, now_ms)
            if place is not None and state.holds(place):
                settled.setdefault(place.partition, {})[place.offset] = None
            elif place is None or not state.is_settled(place):
                answers.append(Row.BAD_HANDLE)
                doubted = doubted or place is not None
                continue
            answers.append(None)
        if settled:
            self._context.change(*(Settled(state.number, part, tuple(some)) for part, some in settled.items()))
            if run.limited:
                run.pump()
        if doubted or (not settled and None in answers):  # a later owner may have rewound the queue
            await self._context.confirm()
        elif settled:
            await self._context.durable()
        return answers

    async def give_back(self, queue: QueueEntry, handles: Sequence[str]) -> None:
        """See Slot.give_back."""
        run = self._run(queue)
        now_ms = self._clock.now_ms()
        places = [self._context.handles.read(handle, run.state.topic_id, now_ms) for handle in handles]
        run.release([place for place in places if place is not None])
        await self._context.durable()

    async def counts(self, queue: QueueEntry) -> QueueCounts:
        """See Slot.counts."""
        run = self._run(queue)
        counts = await counts_of(run, self._context)
        await self._context.confirm()
        return counts

    async def rewind(self, queue: QueueEntry, start_s: int) -> None:
        """See Slot.rewind."""
        run = self._run(queue)
        rewind_s, now_s = queue.attributes.rewind_s, self._clock.now_ms() // 1_000
        if not rewind_s:
            raise Row.CANNOT_REWIND.error()
        if not now_s - rewind_s <= start_s <= now_s:
            raise Row.BAD_REWIND_TIME.error()
        logs, partitions = self._context.logs, range(queue.partitions)
        offsets = [await logs.offset_at(queue.name, partition, start_s * 1_000) for partition in partitions]
        run = self._run(queue)  # it may have gone in the meantime
        self._context.change(*(Rewound(run.state.number, part, offsets[part]) for part in partitions))
        if run.following:
            run.reading.restock()
        await self._context.durable()

    def heed(self, queue: QueueEntry) -> None:
        """See Slot.heed."""
        run = self._runs.get(queue.topic_id)
        if run is not None:
            run.name(queue)
            if run.following:
                run.follow()  # it may have more partitions

    async def drop(self, queue: QueueEntry) -> None:
        """See Slot.drop."""
        self._context.check()
        self._forget(queue.topic_id)
        await self._context.durable()

    def close(self) -> None:
        """See Slot.close."""
        if self._context.ended:
            return
        self._context.ended = True
        for timer in (self._due_timer, self._idle_timer):
            if timer is not None:
                timer.cancel()
        for run in self._runs.values():
            run.end(lambda: SlotLostError("the slot is not ours any more"))
        self._runs.clear()
        self._by_name.clear()

    def _asked(self, queue: QueueEntry) -> QueueRun:
        """A queue that is to be read."""
        run = self._run(queue)
        run.follow()
        if self._idle_timer is None:
            self._idle_timer = self._clock.call_later(self._context.limits.idle_s / 2, self._let_idle_go)
        return run

    def _run(self, queue: QueueEntry) -> QueueRun:
        self._context.check()
        run = self._runs.get(queue.topic_id)
        if run is not None:
            run.name(queue)
            return run
        states = self._context.states
        if states.is_gone(queue.topic_id):
            raise Row.NO_QUEUE.error()
        name = queue.name.lower()
        former = self._by_name.get(name)
        if former is not None:
            if former.entry.created_s > queue.created_s:
                raise Row.NO_QUEUE.error()  # whoever asks has not heard that the queue was made anew
            self._forget(former.state.topic_id)
        state = states.queue(queue.topic_id)
        if state is None:
            state, opened = states.open(queue.topic_id)
            self._context.append([opened])
        run = self._runs[queue.topic_id] = self._by_name[name] = QueueRun(self._context, queue, state)
        return run

    def _forget(self, topic_id: str) -> None:
        run = self._runs.pop(topic_id, None)
        if run is not None:
            self._by_name.pop(run.entry.name.lower(), None)
            run.end(Row.NO_QUEUE.error)
        states = self._context.states
        state = states.queue(topic_id)
        if state is not None:
            self._context.change(Dropped(state.number))
        elif not states.is_gone(topic_id):
            state, opened = states.open(topic_id)  # so that it is known as gone
            self._context.append([opened, states.change(Dropped(state.number))])

    def held(self) -> int:
        """Leases in force, of all queues."""
        return self._context.states.held()

    def _arm(self, run: QueueRun) -> None:
        """Be there when something of a queue that is waited for becomes visible."""
        due_ms = run.next_due_ms()
        if due_ms is None or (self._due_timer is not None and self._due_ms <= due_ms):
            return
        if self._due_timer is not None:
            self._due_timer.cancel()
        self._due_ms = due_ms
        in_s = max(_SOONEST_S, (due_ms - self._clock.now_ms()) / 1_000)
        self._due_timer = self._clock.call_later(in_s, self._on_due)

    def _on_due(self) -> None:
        self._due_timer = None
        for run in self._runs.values():
            if len(run.polls):
                run.advance()
                run.pump()
                run.reading.restock()

    def _let_idle_go(self) -> None:
        self._idle_timer = None
        before_s = self._clock.monotonic_s() - self._context.limits.idle_s
        for run in self._runs.values():
            if run.following and not len(run.polls) and run.asked_s <= before_s:
                run.unfollow()
        if any(run.following for run in self._runs.values()):
            self._idle_timer = self._clock.call_later(self._context.limits.idle_s / 2, self._let_idle_go)


MakeSlot = Callable[[QueueStates, SlotJournal], SlotOwner]
"""How whoever restores a slot's state begins to own it."""
