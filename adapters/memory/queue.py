"""One CMQ queue in memory: what became of each message, and who waits for one.

Shape   MemoryQueue(entry…, clock, bury): send, receive, delete_messages, rewind, counts, close
States  delayed -> active -> inactive (leased) -> active again, or settled, which is kept in a queue that rewinds
Polls   a message that becomes visible is leased to the poll that has waited longest, in the same turn of the loop
Bounds  the event loop's thread; memory for every message that is neither deleted nor expired
"""

import asyncio
import enum
import heapq
import re
from collections.abc import Callable, Sequence

import msgspec

from adapters.gateway.errors import CmqError, Row
from adapters.gateway.ports import Message, QueueCounts
from pipeline.clock import Clock, Timer
from pipeline.cmq_registry import QueueAttributes

_HANDLE = re.compile(r"(?P<queue_id>.+)-m(?P<number>[0-9]{1,18})-[0-9]{1,18}", re.ASCII)


class QueueLimits(msgspec.Struct, frozen=True):
    """What one queue may have at once: messages that are received and not deleted, messages that are delayed."""

    in_flight: int = 100_000
    delayed: int = 20_000


class _State(enum.Enum):
    ACTIVE = enum.auto()
    INACTIVE = enum.auto()
    DELAYED = enum.auto()
    SETTLED = enum.auto()


class _Stored(msgspec.Struct):
    """A message; `lease` counts its receives for the handles, `received` those that clients are told."""

    number: int
    body: bytes
    enqueued_ms: int
    state: _State
    due_ms: int
    lease: int = 0
    received: int = 0
    first_ms: int = 0


class _Poll(msgspec.Struct):
    """Somebody who waits."""

    count: int
    answer: asyncio.Future[list[_Stored]]

    def end(self) -> None:
        """Its time is over."""
        if not self.answer.done():
            self.answer.set_result([])


class MemoryQueue:
    """A queue; `bury` puts a body into the dead-letter queue, and says whether it did."""

    def __init__(
        self,
        queue_id: str,
        name: str,
        attributes: QueueAttributes,
        clock: Clock,
        limits: QueueLimits,
        bury: Callable[[str, bytes], bool],
    ) -> None:
        self.queue_id, self.name, self.attributes = queue_id, name, attributes
        self.created_s = self.modified_s = clock.now_ms() // 1000
        self._clock, self._limits, self._bury = clock, limits, bury
        self._messages: dict[int, _Stored] = {}
        self._numbers = 0
        self._in_state = dict.fromkeys(_State, 0)
        self._ready: list[int] = []
        self._timed: list[tuple[int, int]] = []
        self._polls: dict[int, _Poll] = {}
        self._poll_numbers = 0
        self._turned_ms = 0
        self._timer: Timer | None = None

    def change(self, attributes: QueueAttributes) -> None:
        """Other attributes, from now on."""
        self.attributes = attributes
        self.modified_s = self._clock.now_ms() // 1000
        self._turn()

    def send(self, bodies: Sequence[bytes], delay_s: int) -> list[str]:
        """As Queues.send."""
        self._turn()
        if max(map(len, bodies)) > self.attributes.max_msg_size:
            raise Row.MESSAGE_TOO_BIG.error()
        held = len(self._messages) - self._in_state[_State.SETTLED]
        if held + len(bodies) > self.attributes.max_msg_heap_num:
            raise Row.QUEUE_FULL.error()
        if delay_s and self._in_state[_State.DELAYED] + len(bodies) > self._limits.delayed:
            raise Row.TOO_MANY_IN_FLIGHT.error()
        return self.append(bodies, delay_s)

    def append(self, bodies: Sequence[bytes], delay_s: int = 0) -> list[str]:
        """Take messages up, whatever the limits say."""
        now_ms = self._clock.now_ms()
        ids = []
        for body in bodies:
            self._numbers += 1
            stored = _Stored(self._numbers, body, now_ms, _State.DELAYED, now_ms + delay_s * 1000)
            self._messages[stored.number] = stored
            self._in_state[_State.DELAYED] += 1
            ids.append(self._msg_id(stored))
            if delay_s:
                heapq.heappush(self._timed, (stored.due_ms, stored.number))
            else:
                self._show(stored)
        self._turn()
        return ids

    async def receive(self, count: int, wait_s: int | None) -> list[Message]:
        """As Queues.receive."""
        self._turn()
        taken = self._take(count)
        wait_s = self.attributes.polling_wait_s if wait_s is None else wait_s
        if not taken and self._full():
            raise Row.TOO_MANY_IN_FLIGHT.error()
        if not taken and wait_s:
            taken = await self._wait(count, wait_s)
        if not taken:
            raise Row.NO_MESSAGE.error()
        self._arm()
        return [self._told(stored) for stored in taken]

    def delete_messages(self, handles: Sequence[str]) -> list[Row | None]:
        """As Queues.delete_messages."""
        self._turn()
        return [None if self._settle(handle) else Row.BAD_HANDLE for handle in handles]

    def rewind(self, start_s: int) -> None:
        """As Queues.rewind. A message that comes back counts its receives anew."""
        self._turn()
        now_s = self._clock.now_ms() // 1000
        if not self.attributes.rewind_s:
            raise Row.CANNOT_REWIND.error()
        if not now_s - self.attributes.rewind_s <= start_s <= now_s:
            raise Row.BAD_REWIND_TIME.error()
        for stored in self._messages.values():
            if stored.state is _State.SETTLED and stored.enqueued_ms >= start_s * 1000:
                stored.received = stored.first_ms = 0
                self._show(stored)
        self._turn()

    def counts(self) -> QueueCounts:
        """How many messages there are, by state."""
        self._turn()
        since_ms = self._clock.now_ms() - self.attributes.rewind_s * 1000
        settled = [one for one in self._messages.values() if one.state is _State.SETTLED]
        held = (one for one in self._messages.values() if one.state is not _State.SETTLED)
        oldest = next(held, None)
        return QueueCounts(
            active=self._in_state[_State.ACTIVE],
            inactive=self._in_state[_State.INACTIVE],
            delayed=self._in_state[_State.DELAYED],
            rewindable=sum(1 for one in settled if one.enqueued_ms >= since_ms),
            min_msg_time_s=oldest.enqueued_ms // 1000 if oldest else 0,
        )

    def close(self, why: CmqError) -> None:
        """It was deleted: end its polls."""
        self._cancel_timer()
        polls, self._polls = self._polls, {}
        for poll in polls.values():
            if not poll.answer.done():
                poll.answer.set_exception(why)

    def _turn(self) -> None:
        """Do what time has brought about."""
        self._turned_ms = now_ms = self._clock.now_ms()
        self._expire(now_ms)
        while self._timed and self._timed[0][0] <= now_ms:
            due_ms, number = heapq.heappop(self._timed)
            stored = self._messages.get(number)
            if stored and stored.due_ms == due_ms and stored.state in {_State.INACTIVE, _State.DELAYED}:
                self._show(stored)
        self._bury_the_unconsumed(now_ms)
        while self._polls and not self._full():
            number, poll = next(iter(self._polls.items()))
            if not poll.answer.done():
                taken = self._take(poll.count)
                if not taken:
                    break
                poll.answer.set_result(taken)
            del self._polls[number]
        self._arm()

    def _expire(self, now_ms: int) -> None:
        limit_ms = now_ms - self.attributes.retention_s * 1000
        while self._messages:
            oldest = next(iter(self._messages.values()))
            if oldest.enqueued_ms > limit_ms:
                break
            self._drop(oldest)

    def _show(self, stored: _Stored) -> None:
        """A message is visible, or it was received often enough."""
        policy = self.attributes.dead_letter
        if policy and 0 < policy.max_receive_count <= stored.received and self._bury(policy.queue_name, stored.body):
            self._drop(stored)
            return
        self._move(stored, _State.ACTIVE)
        heapq.heappush(self._ready, stored.number)

    def _bury_the_unconsumed(self, now_ms: int) -> None:
        policy = self.attributes.dead_letter
        if policy is None or not policy.max_time_to_live_s:
            return
        limit_ms = now_ms - policy.max_time_to_live_s * 1000
        for stored in [one for one in self._messages.values() if one.state is _State.ACTIVE]:
            if stored.enqueued_ms <= limit_ms and self._bury(policy.queue_name, stored.body):
                self._drop(stored)

    def _full(self) -> bool:
        return self._in_state[_State.INACTIVE] >= self._limits.in_flight

    def _take(self, count: int) -> list[_Stored]:
        """Lease up to so many visible messages, the oldest first."""
        now_ms = self._clock.now_ms()
        taken: list[_Stored] = []
        while self._ready and len(taken) < count and not self._full():
            stored = self._messages.get(heapq.heappop(self._ready))
            if stored is None or stored.state is not _State.ACTIVE:
                continue
            self._move(stored, _State.INACTIVE)
            stored.due_ms = now_ms + self.attributes.visibility_timeout_s * 1000
            stored.lease += 1
            stored.received += 1
            stored.first_ms = stored.first_ms or now_ms
            heapq.heappush(self._timed, (stored.due_ms, stored.number))
            taken.append(stored)
        return taken

    async def _wait(self, count: int, wait_s: int) -> list[_Stored]:
        poll = _Poll(count, asyncio.get_running_loop().create_future())
        self._poll_numbers += 1
        number = self._poll_numbers
        self._polls[number] = poll
        self._arm()
        timer = self._clock.call_later(wait_s, poll.end)
        try:
            return await poll.answer
        except asyncio.CancelledError:
            if poll.answer.done() and not poll.answer.cancelled():
                self._give_back(poll.answer.result())
            raise
        finally:
            timer.cancel()
            self._polls.pop(number, None)

    def _give_back(self, taken: list[_Stored]) -> None:
        """Nobody got them: as if they had not been received."""
        for stored in taken:
            stored.received -= 1
            if not stored.received:
                stored.first_ms = 0
            self._show(stored)
        self._turn()

    def _settle(self, handle: str) -> bool:
        parts = _HANDLE.fullmatch(handle)
        stored = self._messages.get(int(parts["number"])) if parts and parts["queue_id"] == self.queue_id else None
        if stored is None or stored.state is not _State.INACTIVE or handle != self._handle(stored):
            return False
        if self.attributes.rewind_s:
            self._move(stored, _State.SETTLED)
        else:
            self._drop(stored)
        return True

    def _told(self, stored: _Stored) -> Message:
        return Message(
            msg_id=self._msg_id(stored),
            body=stored.body,
            receipt_handle=self._handle(stored),
            enqueue_time_s=stored.enqueued_ms // 1000,
            first_dequeue_time_s=stored.first_ms // 1000,
            next_visible_time_s=stored.due_ms // 1000,
            dequeue_count=stored.received,
        )

    def _handle(self, stored: _Stored) -> str:
        return f"{self._msg_id(stored)}-{stored.lease}"

    def _msg_id(self, stored: _Stored) -> str:
        return f"{self.queue_id}-m{stored.number}"

    def _move(self, stored: _Stored, state: _State) -> None:
        self._in_state[stored.state] -= 1
        self._in_state[state] += 1
        stored.state = state

    def _drop(self, stored: _Stored) -> None:
        self._in_state[stored.state] -= 1
        del self._messages[stored.number]

    def _arm(self) -> None:
        """Wake up for what is due next, if anybody cares: a poll, or a dead-letter queue."""
        self._cancel_timer()
        policy = self.attributes.dead_letter
        due_ms = [self._timed[0][0]] if self._timed and (self._polls or policy) else []
        if policy and policy.max_time_to_live_s:
            ages_ms = (one.enqueued_ms for one in self._messages.values() if one.state is _State.ACTIVE)
            due_ms += [age_ms + policy.max_time_to_live_s * 1000 for age_ms in ages_ms]
        due_ms = [one for one in due_ms if one > self._turned_ms]  # what was due then and could not be done waits
        if due_ms:
            delay_ms = max(0, min(due_ms) - self._clock.now_ms())
            self._timer = self._clock.call_later(delay_ms / 1000, self._turn)

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
