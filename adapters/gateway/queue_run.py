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

from adapters.gateway.burials import Burials
from adapters.gateway.entries import Released, Settled, Trimmed
from adapters.gateway.given import Given, LeasedBodies
from adapters.gateway.handle import Place
from adapters.gateway.message_ids import delay_until_ms, enqueue_time_s, message_id
from adapters.gateway.partition_state import PartitionState
from adapters.gateway.picking import Pick
from adapters.gateway.polls import Polls
from adapters.gateway.ports import Message
from adapters.gateway.queue_state import QueueState
from adapters.gateway.shelf import Shelf
from adapters.gateway.slot_context import SlotContext
from adapters.gateway.slot_ports import Body, BodyListener
from pipeline.cmq_registry import QueueEntry
from pipeline.topics import queue_topic

COLD_S = 0.5
WARM_S = 0.1
"""So long a receive that will not wait waits all the same, after reading began or went on: messages are coming."""


class QueueRun(BodyListener):
    """A queue that was asked for."""

    def __init__(self, context: SlotContext, entry: QueueEntry, state: QueueState) -> None:
        self.entry = entry
        self.state = state
        self.polls = Polls(context.clock)
        self.limited = False
        """The last take was cut by the limit on messages in flight."""

        self.asked_s = context.clock.monotonic_s()
        self._context = context
        self._topic = queue_topic(entry.name)
        self._shelves: dict[int, Shelf] = {}
        self._turn = 0
        self._coming_until_s = 0.0
        self._burials = Burials(context, self)

    def name(self, entry: QueueEntry) -> None:
        """Go by an entry of the registry, unless a later one is known."""
        if entry.modified_s >= self.entry.modified_s:
            self.entry = entry

    # -- reading

    @property
    def following(self) -> bool:
        """Whether its topic is being read."""
        return bool(self._shelves)

    def follow(self) -> None:
        """Read, from the frontiers on."""
        self.asked_s = self._context.clock.monotonic_s()
        if len(self._shelves) == self.entry.partitions:
            return
        for partition in range(self.entry.partitions):
            if partition not in self._shelves:
                frontier = self.state.partition(partition).frontier
                self._shelves[partition] = Shelf(frontier, self._context.budget, self._context.limits)
                self._context.readers.follow(self._topic, partition, frontier, self)
        self._coming(COLD_S)
        self._burials.resume()
        self.restock()

    def unfollow(self) -> None:
        """Stop reading and let go of all bodies; follow() begins again."""
        for partition, shelf in self._shelves.items():
            self._context.readers.unfollow(self._topic, partition)
            shelf.clear()
        self._shelves.clear()
        self._burials.forget()

    def end(self, error: Callable[[], Exception]) -> None:
        """No more of this queue here."""
        self.unfollow()
        self._burials.close()
        self.polls.fail(error)

    def shelf(self, partition: int) -> Shelf | None:
        """What is at hand of a partition; None if it is not read."""
        return self._shelves.get(partition)

    def coming_s(self) -> float:
        """How long it is worth waiting for what may be on its way."""
        if all(shelf.position >= shelf.end >= 0 and not shelf.wanted for shelf in self._shelves.values()):
            return 0.0
        return max(0.0, self._coming_until_s - self._context.clock.monotonic_s())

    def want(self, partition: int, offsets: Sequence[int]) -> None:
        """Read these again."""
        shelf = self._shelves.get(partition)
        if shelf is not None and (new := [offset for offset in offsets if offset not in shelf.wanted]):
            shelf.wanted.update(new)
            self._context.readers.want(self._topic, partition, new)

    def restock(self) -> None:
        """Have as much read as is good to have at hand."""
        for partition, shelf in self._shelves.items():
            state = self.state.partition(partition)
            if (enough := shelf.enough()) != shelf.paused:
                shelf.paused = enough
                shelf.end = -1
                self._context.readers.set_paused(self._topic, partition, enough)
                if not enough:
                    self._coming(WARM_S)
            state.open_up(self._context.limits.again)
            if state.visible and (room := shelf.room_again()):
                window = islice(state.visible, self._context.limits.again)
                missing = [one for one in window if one not in shelf.again and one not in shelf.wanted][:room]
                if missing:
                    self.want(partition, missing)
                    self._coming(WARM_S)

    def _coming(self, within_s: float) -> None:
        self._coming_until_s = max(self._coming_until_s, self._context.clock.monotonic_s() + within_s)

    # -- what the readers say

    def on_bodies(self, bodies: Sequence[Body]) -> None:
        """See BodyListener."""
        for body in bodies:
            shelf = self._shelves.get(body.partition)
            if shelf is None:
                continue  # on its way when reading ended
            if body.offset >= shelf.position:
                shelf.add_fresh(body)
            elif body.offset in shelf.wanted:
                shelf.wanted.discard(body.offset)
                state = self.state.partition(body.partition)
                if body.offset in state.visible:
                    shelf.add_again(body)
                elif body.offset in state.burying:
                    self._burials.found(body)
        self.pump()
        self.restock()

    def on_missing(self, partition: int, offsets: Sequence[int]) -> None:
        """See BodyListener: nobody can ever receive them, so they are done with."""
        shelf = self._shelves.get(partition)
        if shelf is None:
            return
        lost = [offset for offset in offsets if offset in shelf.wanted]
        shelf.wanted.difference_update(lost)
        state = self.state.partition(partition)
        gone = tuple(offset for offset in lost if offset in state.visible or offset in state.burying)
        if gone:
            self._context.change(Settled(self.state.number, partition, gone))
        self.restock()

    def on_start(self, partition: int, low: int) -> None:
        """See BodyListener."""
        state, shelf = self.state.partition(partition), self._shelves.get(partition)
        if shelf is None or low <= state.settled.base:
            return
        for offset in [one for one in shelf.again if one < low]:
            shelf.pop_again(offset)
        while shelf.fresh and shelf.fresh[0].offset < low:
            shelf.pop_fresh()
        shelf.position = max(shelf.position, low)
        self._context.change(Trimmed(self.state.number, partition, low))

    def on_end(self, partition: int, offset: int) -> None:
        """See BodyListener."""
        if (shelf := self._shelves.get(partition)) is not None:
            shelf.end = shelf.position = max(shelf.position, offset)

    # -- leases

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
        self.limited = room < count
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
        shelves = list(self._shelves.items())
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
            elif self._burials.is_due(state.leases.get(offset)):
                state.hide(offset)
                self._burials.add(body)
            else:
                pick.bodies.append(body)
                if len(pick.bodies) == left:
                    break
        return len(pick.bodies)

    def _pick_fresh(self, pick: Pick, left: int, now_ms: int) -> int:
        picked = 0
        fresh, delays = pick.shelf.fresh, pick.state.delays
        while fresh and picked < left:
            body = fresh[0]
            due_ms = delay_until_ms(body)
            if self._expired(body, now_ms):
                pass
            elif due_ms <= now_ms:
                pick.bodies.append(body)
                picked += 1
            elif len(delays) + len(pick.delayed) < self._context.limits.delayed:
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
            state, shelf = self.state.partition(taken.partition), self._shelves.get(taken.partition)
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
            self.restock()

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
            self.restock()

    @staticmethod
    def _is_held(state: PartitionState, offset: int, number: int) -> bool:
        lease = state.leases.get(offset)
        return lease is not None and lease.number == number

    def pump(self) -> None:
        """Serve those that wait, as far as there is something."""
        while (poll := self.polls.first()) is not None:
            given = self.take(poll.count)
            if given is None:
                self._context.arm(self)
                return
            self.polls.serve(poll, given)

    def next_due_ms(self) -> int | None:
        """When something becomes visible by itself."""
        dues = [state.next_due_ms() for state in self.state.partitions.values()]
        return min((due for due in dues if due is not None), default=None)
