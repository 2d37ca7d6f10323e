"""A delivery with everything around it in memory, and items that are named for what they are."""

from itertools import count

from adapters.memory import ManualClock, MemoryAttempt, MemoryEndpoint
from pipeline.delivery import Delivery
from pipeline.item import Attempt, Item
from pipeline.outcome import Delivered, Failed, Outcome
from pipeline.ports import DeadLetter, Push, Record
from pipeline.subscription import HttpPolicy

OK = Delivered(200)
NO = Failed("status 503", 503, b"try later")
EPOCH_MS = 1_700_000_000_000


def no_answer(_push: Push) -> None:
    """An endpoint that says nothing: the test ends the attempts."""


class SwitchedGate:
    """A gate that a test opens and shuts."""

    def __init__(self) -> None:
        self.open = True

    def is_open(self, now_s: float) -> bool:  # noqa: ARG002  time is not what moves it
        return self.open


class Told:
    """What the consumer thread would hear, in lists; keeps the Reports port."""

    def __init__(self) -> None:
        self.settled_items: list[Item] = []
        self.to_hold: list[tuple[Item, int]] = []
        self.to_bury: list[tuple[Item, DeadLetter]] = []
        self.ended: list[tuple[Item, Outcome, int | None, DeadLetter | None]] = []

    def settled(self, item: Item) -> None:
        self.settled_items.append(item)

    def hold(self, item: Item, due_ms: int) -> None:
        self.to_hold.append((item, due_ms))

    def bury(self, item: Item, letter: DeadLetter) -> None:
        self.to_bury.append((item, letter))

    def held_ended(self, item: Item, outcome: Outcome, due_ms: int | None, letter: DeadLetter | None) -> None:
        self.ended.append((item, outcome, due_ms, letter))


class Rig:
    """One delivery. An item is named by its key and its place, `a1`; its push carries that name as msgId."""

    def __init__(
        self,
        policy: HttpPolicy | None = None,
        endpoint: MemoryEndpoint | None = None,
        clock: ManualClock | None = None,
    ) -> None:
        self.clock = clock or ManualClock(EPOCH_MS)
        self.endpoint = endpoint or MemoryEndpoint(self.clock, no_answer, timeout_s=1e9)
        self.gate = SwitchedGate()
        self.told = Told()
        self.attempts: list[Attempt] = []
        self.quiet: list[str] = []
        self.delivery = Delivery(
            policy or HttpPolicy("http://x"),
            self.endpoint,
            self.clock,
            self.gate,
            self.told,
            self.attempts.append,
            lambda _item: None,
        )
        self._offsets = count()

    def item(self, name: str, *, partition: int = 0, assignment: int = 1, refused: str | None = None) -> Item:
        """An item of the key that its name begins with."""
        record = Record(partition, next(self._offsets), name[:1].encode(), b"value of " + name.encode(), [], EPOCH_MS)
        return Item(record, assignment, Push(name, b"body of " + name.encode()), refused)

    def accept(self, *names: str, partition: int = 0) -> None:
        """Hand items over in one batch."""
        self.delivery.accept([self.item(name, partition=partition) for name in names])

    def accept_held(self, *names: str) -> None:
        """Hand over the next events of held keys."""
        items = [self.item(name) for name in names]
        for item in items:
            item.held = True
        self.delivery.accept_held(items)

    def drain(self) -> None:
        """Begin to stop; `quiet` hears of it."""
        self.delivery.drain(lambda: self.quiet.append("drained"))

    def revoke(self, *partitions: int) -> None:
        """Take partitions away; `quiet` hears of it."""
        self.delivery.revoke(set(partitions), lambda: self.quiet.append("revoked"))

    def out(self, name: str) -> MemoryAttempt:
        """The attempt of an item that is out."""
        (found,) = [attempt for attempt in self.endpoint.out if attempt.push.msg_id == name]
        return found

    def end(self, name: str, outcome: Outcome = OK) -> None:
        """Answer an attempt that is out."""
        self.out(name).end(outcome)
        self.clock.turn()

    def bury(self) -> None:
        """The consumer thread has written every dead letter that it was asked for: the followers may go."""
        for item, _ in self.told.to_bury:
            self.delivery.release(item)
        self.clock.turn()

    @property
    def posted(self) -> list[str]:
        """The items of all attempts, in their order."""
        return [push.msg_id for push in self.endpoint.posts]

    @property
    def out_now(self) -> list[str]:
        """The items whose attempts are out."""
        return [attempt.push.msg_id for attempt in self.endpoint.out]

    @property
    def settled(self) -> list[str]:
        """The items that are settled, in their order."""
        return [item.push.msg_id for item in self.told.settled_items]

    @property
    def to_hold(self) -> list[str]:
        """The heads of lanes that are to be held."""
        return [item.push.msg_id for item, _ in self.told.to_hold]

    @property
    def to_bury(self) -> list[str]:
        """The items that are to go to the dead letters."""
        return [item.push.msg_id for item, _ in self.told.to_bury]

    @property
    def letters(self) -> list[DeadLetter]:
        """The dead letters that were asked for."""
        return [letter for _, letter in self.told.to_bury]
