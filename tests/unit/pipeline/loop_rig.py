"""A whole HTTP subscription in one thread, all around it in memory: one process, over a log that outlives it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from prometheus_client import CollectorRegistry

from adapters.memory import (
    ManualClock,
    MemoryEndpoint,
    MemoryHeldReader,
    MemoryLog,
    MemoryLogReader,
    MemorySource,
    MemoryTransactions,
)
from pipeline import run_loop
from pipeline.commit_gate import CommitGate
from pipeline.custody import Custody
from pipeline.delivery import Delivery
from pipeline.health import Vital
from pipeline.held_record import EVENTS
from pipeline.inbox import Collected, Inbox
from pipeline.item import Item
from pipeline.ledger import OffsetLedger
from pipeline.metrics import Metrics
from pipeline.moves import Names
from pipeline.ports import DeadLetter, Record
from pipeline.prepare import Preparation
from pipeline.room import Bounds
from pipeline.run_loop import HttpSubscriptionLoop
from pipeline.stop import StopRequest
from pipeline.subscription import Subscription
from pipeline.transform import Transform

NAMES = Names("events", "held", "dead-letters", EVENTS)
NEVER_SHUT_S = 1e12


class InlineSide:
    """The delivery, called by the consumer's own thread; each call lets the clock make what is due."""

    def __init__(self, delivery: Delivery, clock: ManualClock, inbox: Inbox) -> None:
        self.delivery = delivery
        self.clock = clock
        self.inbox = inbox
        self.drain_takes_s = 0.0

    def accept(self, items: list[Item]) -> None:
        self.delivery.accept(items)
        self.clock.turn()

    def accept_held(self, items: list[Item]) -> None:
        self.delivery.accept_held(items)
        self.clock.turn()

    def collect(self, item: Item) -> None:
        self.inbox.put(Collected(item, self.delivery.collect(item)))

    def release(self, item: Item) -> None:
        self.delivery.release(item)
        self.clock.turn()

    def pump(self) -> None:
        self.delivery.pump()
        self.clock.turn()

    def revoke(self, partitions: set[int], when_quiet: Callable[[], None]) -> None:
        self.delivery.revoke(partitions, when_quiet)
        self.clock.turn()

    def drain(self, when_quiet: Callable[[], None]) -> None:
        self.delivery.drain(when_quiet)
        self.clock.advance(self.drain_takes_s)

    def abandon(self, when_done: Callable[[int], None]) -> None:
        when_done(self.delivery.abandon())


class Member:
    """One member of a subscription's group: a process."""

    def __init__(
        self,
        subscription: Subscription,
        log: MemoryLog,
        clock: ManualClock,
        endpoint: MemoryEndpoint,
        *,
        grace_s: float = 25.0,
        make_source: Callable[[MemoryLog, HttpSubscriptionLoop], MemorySource] | None = None,
        session_s: float = NEVER_SHUT_S,
    ) -> None:
        assert subscription.http is not None
        self.log = log
        self.clock = clock
        self.endpoint = endpoint
        self.stop = StopRequest(grace_s)
        self.vital = Vital(subscription.label)
        self.registry = CollectorRegistry()
        self.inbox = Inbox()
        self.gate = CommitGate(session_s, 0.0)
        self.transactions = MemoryTransactions(log)
        self.log_reader = MemoryLogReader(log, NAMES.events)
        self.held_reader = MemoryHeldReader(log, NAMES.held)
        self.buried = 0
        metrics = Metrics(self.registry)
        prepare = Preparation(Transform(subscription), metrics.filtered.labels(subscription.label).inc)
        delivery = Delivery(subscription.http, endpoint, clock, self.gate, self.inbox, lambda _attempt: None, prepare)
        self.side = InlineSide(delivery, clock, self.inbox)
        self.source: MemorySource
        self.custody: Custody
        self._make_source = make_source or (lambda log, loop: MemorySource(log, NAMES.events, loop))
        self.loop = HttpSubscriptionLoop(
            subscription,
            self._sourced,
            self._in_custody,
            self.held_reader,
            prepare,
            self.side,
            self.inbox,
            self.gate,
            self.stop,
            self.vital,
            metrics,
            EVENTS,
            Bounds(),
            clock,
        )

    def turn(self, times: int = 1) -> None:
        """Let the loop go round."""
        for _ in range(times):
            self.loop._turn()

    def turn_and_wait(self, times: int, seconds: float = 1.0) -> None:
        """Let the loop go round, and time pass."""
        for _ in range(times):
            self.turn()
            self.clock.advance(seconds)

    def crash(self, *, commit_arrives: bool = False) -> None:
        """Be killed: nothing of this member is heard of again."""
        self.source.crash(commit_arrives=commit_arrives)

    def count(self, metric: str) -> float:
        """A metric's value for this subscription."""
        return self.registry.get_sample_value(f"batch_events_{metric}", {"subscription": self.loop.name}) or 0.0

    @property
    def committed(self) -> dict[int, int]:
        """The group's offsets."""
        return self.log.committed(NAMES.events)

    @property
    def dead_letters(self) -> list[Record]:
        """What was buried, whoever did it."""
        topic = self.log.topic(NAMES.dead_letters)
        return [record for partition in topic.partitions for record in topic.read(partition, 0, 1_000_000)]

    @property
    def held_keys(self) -> int:
        """How many keys are not live."""
        return self.custody.held_count()

    def _sourced(self, loop: HttpSubscriptionLoop) -> MemorySource:
        self.source = self._make_source(self.log, loop)
        return self.source

    def _in_custody(self, loop: HttpSubscriptionLoop, ledger: OffsetLedger) -> Custody:
        def on_written(letters: list[DeadLetter]) -> None:
            self.buried += len(letters)

        self.custody = Custody(
            NAMES,
            ledger,
            self.side,
            self.log_reader,
            self.transactions,
            loop.to_item,
            loop.accept,
            on_written,
            self.clock,
        )
        return self.custody


@contextmanager
def no_waiting() -> Iterator[None]:
    """Nobody else runs here, so there is nothing to wait for; and a commit is due at every turn."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("POLL_S", "BUSY_POLL_S", "ROOM_WAIT_S", "COMMIT_EVERY_S", "REVOKE_BUDGET_S"):
            patch.setattr(run_loop, name, 0.0)
        yield
