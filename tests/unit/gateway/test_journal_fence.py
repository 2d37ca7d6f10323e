"""Writers that claim a slot from each other, stop, go on and lose records: what was acknowledged is there, once."""

import asyncio
from collections.abc import Coroutine
from functools import partial
from typing import Any, TypeVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from adapters.gateway.journal.journal_record import Claim, encode, new_epoch
from adapters.gateway.journal.slot_journal import KafkaSlotJournal
from tests.unit.gateway.journal_lab import Fate, ListState, Log, Road

T = TypeVar("T")


class Owner:
    """A replica: it claims, reads, appends; nobody tells it of the others."""

    def __init__(self, number: int, log: Log) -> None:
        self.number = number
        self.log = log
        self.road = Road(log)
        self.epoch = b""
        self.claimed_at: int | None = None
        self.state = ListState()
        self.journal: KafkaSlotJournal | None = None
        self.sent = 0

    def claim(self) -> None:
        self.epoch = epoch = new_epoch()
        self.claimed_at = self.journal = None

        def report(offset: int, error: str) -> None:
            if not error and offset >= 0 and self.epoch == epoch:
                self.claimed_at = offset

        self.road.send(7, encode(Claim(epoch, str(self.number))), report)

    def take_over(self) -> None:
        assert self.claimed_at is not None
        if self.log.starts[-1] > self.claimed_at:
            self.claimed_at = None  # somebody has claimed after us, and trimmed behind that
            return
        self.state = self.log.state(end=self.claimed_at + 1)
        self.journal = KafkaSlotJournal(7, self.epoch, self.claimed_at, self.road, lambda _reason: None)
        self.claimed_at = None


class Fence(RuleBasedStateMachine):
    """Two replicas, one slot, and a network that does what it likes."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.log = Log()
        self.owners = [Owner(number, self.log) for number in range(2)]
        self.acknowledged: list[bytes] = []
        self.appended: dict[bytes, list[bytes]] = {}
        """By epoch, in order."""

        self.trims: list[int] = []

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(coroutine)

    def _told(self, entry: bytes, done: "asyncio.Future[None]") -> None:
        if done.exception() is None:
            self.acknowledged.append(entry)

    def _taken(self, done: "asyncio.Future[int]") -> None:
        if done.exception() is None:
            self.trims.append(done.result())

    def teardown(self) -> None:
        self.loop.close()

    @rule(who=st.integers(0, 1))
    def claim_and_take_over(self, who: int) -> None:
        owner = self.owners[who]
        owner.claim()
        while owner.claimed_at is None:
            if owner.road.queue:
                owner.road.deliver()
            owner.road.tell()
        self.run(self._take_over(owner))

    @rule(who=st.integers(0, 1))
    def claim(self, who: int) -> None:
        """It arrives whenever it does."""
        self.owners[who].claim()

    @precondition(lambda self: any(owner.claimed_at is not None for owner in self.owners))
    @rule()
    def take_over(self) -> None:
        """A claim that was told of earlier is followed up."""
        for owner in self.owners:
            if owner.claimed_at is not None:
                self.run(self._take_over(owner))

    @staticmethod
    async def _take_over(owner: Owner) -> None:
        owner.take_over()

    @rule(who=st.integers(0, 1), count=st.integers(1, 3))
    def append(self, who: int, count: int) -> None:
        async def work() -> None:
            owner = self.owners[who]
            if owner.journal is None or not owner.journal.alive:
                return
            for _ in range(count):  # a record each
                owner.sent += 1
                entry = b"%d.%d" % (who, owner.sent)
                owner.state.apply(entry)
                self.appended.setdefault(owner.epoch, []).append(entry)
                owner.journal.append([entry]).add_done_callback(partial(self._told, entry))
                await asyncio.sleep(0)

        self.run(work())

    @rule(who=st.integers(0, 1))
    def snapshot(self, who: int) -> None:
        async def work() -> None:
            owner = self.owners[who]
            if owner.journal is not None and owner.journal.alive:
                owner.journal.append_snapshot(owner.state.snapshot()).add_done_callback(self._taken)

        self.run(work())

    @precondition(lambda self: self.trims)
    @rule(data=st.data())
    def trim(self, data: st.DataObject) -> None:
        """Late, and in any order."""
        self.log.trim(self.trims.pop(data.draw(st.integers(0, len(self.trims) - 1))))

    @rule(who=st.integers(0, 1), fates=st.lists(st.sampled_from(Fate), min_size=1, max_size=4))
    def deliver(self, who: int, fates: list[Fate]) -> None:
        for fate in fates:
            if self.owners[who].road.queue:
                self.owners[who].road.deliver(fate)

    @rule(who=st.integers(0, 1))
    def deliver_well(self, who: int) -> None:
        while self.owners[who].road.queue:
            self.owners[who].road.deliver()
        self.tell(who, 10)

    @rule(who=st.integers(0, 1), count=st.integers(1, 3))
    def tell(self, who: int, count: int) -> None:
        async def work() -> None:
            for _ in range(min(count, len(self.owners[who].road.reports))):
                self.owners[who].road.tell()
            for _ in range(3):
                await asyncio.sleep(0)

        self.run(work())

    @rule()
    def garbage(self) -> None:
        self.log.append(b"not ours")

    @invariant()
    def all_readers_agree(self) -> None:
        """Whoever began before a trim knows what those know who begin behind it."""
        states = [self.log.state(start).entries for start in self.log.starts]
        assert all(state == states[0] for state in states)

    @invariant()
    def what_was_acknowledged_is_there_once(self) -> None:
        entries = self.log.state().entries
        assert len(set(entries)) == len(entries)
        assert set(self.acknowledged) <= set(entries)

    @invariant()
    def nothing_is_there_without_what_came_before_it(self) -> None:
        entries = self.log.state(0).entries
        for appended in self.appended.values():
            there = [entry for entry in entries if entry in set(appended)]
            assert there == appended[: len(there)]


Fence.TestCase.settings = settings(max_examples=200, stateful_step_count=40, deadline=None)
TestWhateverTheOrder = Fence.TestCase
