"""One queue's bodies at hand: new ones from the tail, and those of messages that are visible again.

Shape   Reading.follow(partitions) until stop(); restock() after every change; `shelves` is what is at hand. on_stock
        hears that there is something new, or nothing more to come; on_grave gets the bodies of what is to be buried
Bounds  the tail stops where enough is at hand; of what is visible again, the first few are fetched
Settled what was wanted and is not there, and what the log has lost, is settled: nobody can ever receive it
"""

from collections.abc import Callable, Sequence
from itertools import islice

from adapters.gateway.leases.entries import Settled, Trimmed
from adapters.gateway.leases.queue_state import QueueState
from adapters.gateway.leases.shelf import Shelf
from adapters.gateway.leases.slot_context import SlotContext
from adapters.gateway.slot_ports import Body, BodyListener

COLD_S = 0.5
WARM_S = 0.1
"""So long a receive that will not wait waits all the same, after reading began or went on: messages are coming."""


class Reading(BodyListener):
    """Of one queue's topic."""

    def __init__(
        self,
        context: SlotContext,
        state: QueueState,
        topic: str,
        on_stock: Callable[[], None],
        on_grave: Callable[[Body], None],
    ) -> None:
        self.shelves: dict[int, Shelf] = {}
        self._context = context
        self._state = state
        self._topic = topic
        self._on_stock = on_stock
        self._on_grave = on_grave
        self._coming_until_s = 0.0

    def follow(self, partitions: int) -> bool:
        """Read, from the frontiers on; whether that is new."""
        if len(self.shelves) == partitions:
            return False
        for partition in range(partitions):
            if partition not in self.shelves:
                frontier = self._state.partition(partition).frontier
                self.shelves[partition] = Shelf(frontier, self._context.budget, self._context.limits)
                self._context.readers.follow(self._topic, partition, frontier, self, self._state.topic_id)
        self._coming(COLD_S)
        return True

    def stop(self) -> None:
        """Stop reading and let go of all bodies; follow() begins again."""
        for partition, shelf in self.shelves.items():
            self._context.readers.unfollow(self._topic, partition)
            shelf.clear()
        self.shelves.clear()

    def coming_s(self) -> float:
        """How long it is worth waiting for what may be on its way."""
        if all(shelf.position >= shelf.end >= 0 and not shelf.wanted for shelf in self.shelves.values()):
            return 0.0
        return max(0.0, self._coming_until_s - self._context.clock.monotonic_s())

    def want(self, partition: int, offsets: Sequence[int]) -> None:
        """Read these again."""
        shelf = self.shelves.get(partition)
        if shelf is not None and (new := [offset for offset in offsets if offset not in shelf.wanted]):
            shelf.wanted.update(new)
            self._context.readers.want(self._topic, partition, new)

    def restock(self) -> None:
        """Have as much read as is good to have at hand."""
        for partition, shelf in self.shelves.items():
            state = self._state.partition(partition)
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

    def on_bodies(self, bodies: Sequence[Body]) -> None:
        """See BodyListener."""
        for body in bodies:
            shelf = self.shelves.get(body.partition)
            if shelf is None:
                continue  # on its way when reading ended
            if body.offset >= shelf.position:
                shelf.add_fresh(body)
            elif body.offset in shelf.wanted:
                shelf.wanted.discard(body.offset)
                state = self._state.partition(body.partition)
                if body.offset in state.visible:
                    shelf.add_again(body)
                elif body.offset in state.burying:
                    self._on_grave(body)
        self._on_stock()
        self.restock()

    def on_missing(self, partition: int, offsets: Sequence[int]) -> None:
        """See BodyListener: nobody can ever receive them, so they are done with."""
        shelf = self.shelves.get(partition)
        if shelf is None:
            return
        lost = [offset for offset in offsets if offset in shelf.wanted]
        shelf.wanted.difference_update(lost)
        state = self._state.partition(partition)
        gone = tuple(offset for offset in lost if offset in state.visible or offset in state.burying)
        if gone:
            self._context.change(Settled(self._state.number, partition, gone))
        self.restock()
        self._on_stock()

    def on_start(self, partition: int, low: int) -> None:
        """See BodyListener."""
        state, shelf = self._state.partition(partition), self.shelves.get(partition)
        if shelf is None or low <= state.settled.base:
            return
        for offset in [one for one in shelf.again if one < low]:
            shelf.pop_again(offset)
        while shelf.fresh and shelf.fresh[0].offset < low:
            shelf.pop_fresh()
        shelf.position = max(shelf.position, low)
        self._context.change(Trimmed(self._state.number, partition, low))

    def on_end(self, partition: int, offset: int) -> None:
        """See BodyListener."""
        if (shelf := self.shelves.get(partition)) is not None:
            shelf.end = shelf.position = max(shelf.position, offset)
            self._on_stock()
