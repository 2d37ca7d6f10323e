"""One queue in the hands of its slot's owner: bodies come in, leases go out.

Shape   QueueRun: take(count) leases what is at hand; pump() serves the polls that wait; undo(given) gives back
Order   what is visible again first, in order of becoming visible, then new ones in order of their offsets. A message
        whose body is not at hand holds nobody up
Reading from the first take on until nobody asks; the tail stops where enough is at hand
Expired a message older than the queue's retention is settled when it comes up
Errors  none of its own: an append that fails ends the slot
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice

from adapters.gateway.leases.burials import Burials
from adapters.gateway.leases.entries import Released
from adapters.gateway.leases.given import Given, LeasedBodies
from adapters.gateway.leases.handle import Place
from adapters.gateway.leases.message_ids import delay_until_ms, enqueue_time_s, message_id
from adapters.gateway.leases.partition_state import PartitionState
from adapters.gateway.leases.picking import Pick
from adapters.gateway.leases.polls import Polls
from adapters.gateway.leases.queue_state import QueueState
from adapters.gateway.leases.reading import Reading
from adapters.gateway.leases.shelf import Shelf
from adapters.gateway.leases.slot_context import SlotContext
from adapters.gateway.ports import Message
from adapters.gateway.slot_ports import Body
from pipeline.cmq_registry import QueueEntry
from pipeline.topics import queue_topic


class QueueRun:
    """A queue that was asked for."""

    def __init__(self, context: SlotContext, entry: QueueEntry, state: QueueState) -> None:
        self.entry = entry
        self.state = state
        self.polls = Polls(context.clock)
        self.limited = False
        """The last take was cut by the limit on messages in flight."""

        self.behind_burials = False
        """The last take ended where more would have to be buried than are to wait for it."""

        self.asked_s = context.clock.monotonic_s()
        self._context = context
        self._turn = 0
        self._burials = Burials(context, self)
        self.reading = Reading(context, state, queue_topic(entry.name), self.pump, self._burials.found)

    def name(self, entry: QueueEntry) -> None:
        """Go by an entry of the registry, unless a later one is known."""
        if entry.modified_s >= self.entry.modified_s:
            self.entry = entry

    @property
    def following(self) -> bool:
        """Whether its topic is being read."""
        return bool(self.reading.shelves)

    def follow(self) -> None:
        """It is asked for: have it read."""
        self.asked_s = self._context.clock.monotonic_s()
        if self.reading.follow(self.entry.partitions):
            self._burials.resume()
            self.reading.restock()

    def unfollow(self) -> None:
        """Nobody asks: let go of all bodies."""
        self.reading.stop()
        self._burials.forget()

    def end(self, error: Callable[[], Exception]) -> None:
        """No more of this queue here."""
        self.reading.stop()
        self._burials.close()
        self.polls.fail(error)

    def advance(self) -> None:
        """End what has ended by now."""
        now_ms = self._context.clock.now_ms()
        for state in self.state.partitions.values():
            state.advance(now_ms)

    def room(self) -> int:
        """How many more may be out."""
        return self._context.limits.in_flight - self.state.held()

    def take(self, count: int) -> Given | None:
        """Lease up to so many of what is at hand; None if there is nothing."""
        self.advance()
        room = self.room()
        self.limited, self.behind_burials = room < count, False
        left = min(count, room)
        picks = [Pick(self.state.partition(partition), partition, shelf) for partition, shelf in self._in_turn()]
        now_ms = self._context.clock.now_ms()
        for pick in picks:
            left -= self._pick_again(pick, left, now_ms)
        known = sum(len(state.leases) for state in self.state.partitions.values())
        left = min(left, self._context.limits.in_flight - known)  # bounds what is kept of those that come back, too
        for pick in picks:
            left -= self._pick_fresh(pick, left, now_ms)
        return self._lease(picks, now_ms)

    def _in_turn(self) -> Iterator[tuple[int, Shelf]]:
        shelves = list(self.reading.shelves.items())
        self._turn = (self._turn + 1) % max(1, len(shelves))
        yield from shelves[self._turn :]
        yield from shelves[: self._turn]

    def _pick_again(self, pick: Pick, left: int, now_ms: int) -> int:
        shelf, state = pick.shelf, pick.state
        if not shelf.again or left <= 0:
            return 0
        for offset in list(islice(state.visible, self._context.limits.again)):
            body = shelf.pop_again(offset)
            if body is None:
                continue
            if self._expired(body, now_ms):
                pick.settled.append(offset)
            elif self._burials.is_due(body, state.leases.get(offset), now_ms):
                state.hide(offset)
                self._burials.add(body)
            else:
                pick.bodies.append(body)
                if len(pick.bodies) == left:
                    break
        return len(pick.bodies)

    def _pick_fresh(self, pick: Pick, left: int, now_ms: int) -> int:
        picked = 0
        fresh, delays, most = pick.shelf.fresh, pick.state.delays, self._context.limits.delayed
        while fresh and picked < left:
            body = fresh[0]
            due_ms = delay_until_ms(body)
            if self._expired(body, now_ms):
                pass
            elif due_ms <= now_ms and self._burials.is_due(body, None, now_ms):
                if len(self._burials) + len(pick.state.visible) + len(pick.delayed) >= most:
                    self.behind_burials = True
                    break
                pick.delayed.append(body.offset)  # visible at once, below the frontier, where it can be buried
                pick.dues.append(now_ms)
                pick.shelf.add_again(body)
            elif due_ms <= now_ms:
                pick.bodies.append(body)
                picked += 1
            elif len(delays) + len(pick.delayed) < most:
                pick.delayed.append(body.offset)
                pick.dues.append(due_ms)
            else:
                break
            pick.upto = body.offset + 1
            pick.shelf.pop_fresh()
        return picked

    def _expired(self, body: Body, now_ms: int) -> bool:
        return body.timestamp_ms + self.entry.attributes.retention_s * 1_000 <= now_ms

    def _lease(self, picks: list[Pick], now_ms: int) -> Given | None:
        until_ms = now_ms + self.entry.attributes.visibility_timeout_s * 1_000
        entries: list[bytes] = []
        messages: list[Message] = []
        leases: list[LeasedBodies] = []
        for pick in picks:
            number = self.state.next_lease
            for change in pick.changes(self.state.number, number, until_ms, now_ms):
                entries.append(self._context.states.change(change))  # noqa: PERF401  its order is the point
            if pick.bodies:
                leases.append(LeasedBodies(pick.partition, number, pick.bodies))
                messages += [self._message(pick.state, body) for body in pick.bodies]
        if not entries:
            return None
        durable = self._context.append(entries)
        return Given(messages, leases, durable) if messages else None

    def _message(self, state: PartitionState, body: Body) -> Message:
        lease = state.leases[body.offset]
        topic_id = self.state.topic_id
        return Message(
            message_id(topic_id, body),
            body.value,
            self._context.handles.make(topic_id, body.partition, body.offset, lease.number, lease.until_ms),
            enqueue_time_s(body),
            lease.first_ms // 1_000,
            lease.until_ms // 1_000,
            lease.count,
        )

    def undo(self, given: Given) -> None:
        """Nobody got it: as if it had never been taken."""
        if self._context.ended:
            return
        self.advance()
        changes = []
        for taken in given.leases:
            state, shelf = self.state.partition(taken.partition), self.reading.shelves.get(taken.partition)
            held = [one for one in taken.bodies if self._is_held(state, one.offset, taken.number)]
            if held:
                offsets = tuple(body.offset for body in reversed(held))
                changes.append(Released(self.state.number, taken.partition, taken.number, offsets))
            if shelf is not None and self._context.budget.left > 0:
                for body in held:
                    shelf.add_again(body)
        if changes:
            self._context.change(*changes)
            self.pump()
            self.reading.restock()

    def release(self, places: Sequence[Place]) -> None:
        """As undo(), of leases whose bodies are not at hand any more."""
        self.advance()
        released: dict[tuple[int, int], list[int]] = {}
        for place in places:
            if self._is_held(self.state.partition(place.partition), place.offset, place.number):
                released.setdefault((place.partition, place.number), []).append(place.offset)
        if released:
            number = self.state.number
            changes = (Released(number, part, lease, tuple(reversed(some))) for (part, lease), some in released.items())
            self._context.change(*changes)
            self.pump()
            self.reading.restock()

    @staticmethod
    def _is_held(state: PartitionState, offset: int, number: int) -> bool:
        lease = state.leases.get(offset)
        return lease is not None and lease.number == number

    def pump(self) -> None:
        """Serve those that wait, as far as there is something."""
        while (poll := self.polls.first()) is not None:
            given = self.take(poll.count)
            if given is None:
                if self.polls.hasty and self.reading.coming_s() <= 0:
                    self.polls.end_hasty()
                self._context.arm(self)
                return
            self.polls.serve(poll, given)

    def next_due_ms(self) -> int | None:
        """When something becomes visible by itself."""
        dues = [state.next_due_ms() for state in self.state.partitions.values()]
        return min((due for due in dues if due is not None), default=None)
