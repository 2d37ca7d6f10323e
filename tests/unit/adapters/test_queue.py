"""Where a queue subscription stands, as its metrics tell it, also while its transactions fail."""

from collections.abc import Iterator

import pytest
from prometheus_client import CollectorRegistry

from adapters import queue
from adapters.memory import Fate, ManualClock, MemoryLog, MemorySource, MemoryTransactions
from adapters.queue import LOOK_EVERY_S, QueueSubscriptionLoop
from pipeline.health import Vital
from pipeline.metrics import Metrics
from pipeline.stop import StopRequest
from pipeline.transform import Transform
from tests.unit.pipeline.records import encode, job_event, queue_subscription

EVENTS = "events"
EPOCH_MS = 1_700_000_000_000


@pytest.fixture(autouse=True)
def _no_waiting() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(queue, "POLL_S", 0.0)
        yield


class Rig:
    def __init__(self, events: frozenset[str] | None = None) -> None:
        self.log = MemoryLog()
        self.clock = ManualClock(EPOCH_MS)
        self.registry = CollectorRegistry()
        self.transactions = MemoryTransactions(self.log)
        self.source: MemorySource
        one = queue_subscription(events)
        self.name = one.label
        self.loop = QueueSubscriptionLoop(
            one,
            self._sourced,
            self.transactions,
            Transform(one),
            StopRequest(25),
            Vital(one.label),
            Metrics(self.registry),
            EVENTS,
            self.clock,
        )
        self.source.assign(0)
        self.turn(2)

    def _sourced(self, loop: QueueSubscriptionLoop) -> MemorySource:
        self.source = MemorySource(self.log, EVENTS, loop)
        return self.source

    def publish(self, age_s: float, name: str = "JOB_FAILED") -> None:
        at_ms = self.clock.now_ms() - int(age_s * 1000)
        self.log.topic(EVENTS).append(0, b"job-1", encode(job_event(name)), timestamp_ms=at_ms)

    def turn(self, times: int = 1) -> None:
        for _ in range(times):
            self.loop._turn()

    def told(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(f"batch_events_{name}", {"subscription": self.name, **labels})


def test_what_was_moved_is_timed_from_its_publish_and_what_was_not_asked_for_is_not() -> None:
    rig = Rig(frozenset({"JOB_FAILED"}))
    rig.publish(3.0)
    rig.publish(500.0, "JOB_RUNNING")
    rig.log.topic(EVENTS).append(0, b"bad", b"nonsense", timestamp_ms=EPOCH_MS - 900_000)
    rig.turn()
    assert (rig.told("end_to_end_seconds_count"), rig.told("end_to_end_seconds_sum")) == (1, 3)
    assert rig.told("delivered_total") == rig.told("filtered_total") == rig.told("dead_letters_total") == 1
    assert rig.told("received_total") == 3


def test_a_batch_whose_transactions_fail_waits_and_ages_until_one_is_committed() -> None:
    rig = Rig()
    rig.publish(10.0)
    rig.transactions.fates.extend([Fate.ABORT] * 4)
    for _ in range(4):
        rig.turn()
        rig.clock.advance(LOOK_EVERY_S)
    assert rig.told("oldest_undelivered_seconds") == rig.told("oldest_unsettled_seconds") == 10 + 4 * LOOK_EVERY_S
    assert rig.told("commit_age_seconds") == 4 * LOOK_EVERY_S
    assert rig.told("outstanding") == 1
    assert rig.told("transactions_total", verdict="aborted") == 4
    assert rig.told("rebalances_total", change="lost") == 0, "it has begun again by itself"
    rig.turn(2)
    assert rig.told("commit_age_seconds") == rig.told("outstanding") == 0
    rig.clock.advance(LOOK_EVERY_S)
    rig.turn()
    assert rig.told("oldest_undelivered_seconds") == rig.told("lag") == 0


def test_a_partition_that_is_lost_takes_what_waited_with_it() -> None:
    rig = Rig()
    rig.publish(10.0)
    rig.transactions.fates.append(Fate.ABORT)
    rig.turn()
    assert (rig.told("oldest_undelivered_seconds") or 0) >= 10
    rig.source.lose(0)
    rig.turn(2)
    assert (rig.told("oldest_undelivered_seconds"), rig.told("commit_age_seconds"), rig.told("lag")) == (0, 0, 0)
    assert rig.told("rebalances_total", change="lost") == 1


def test_what_lies_in_the_log_unread_is_lag_and_ages() -> None:
    rig = Rig()
    rig.loop._limit = 1
    for _ in range(3):
        rig.publish(0.0)
    rig.clock.advance(LOOK_EVERY_S)
    rig.turn()
    assert rig.told("lag") == 3
    rig.clock.advance(LOOK_EVERY_S)
    rig.loop._limit = 1
    rig.turn()
    assert rig.told("lag") == 2
    assert rig.told("oldest_unsettled_seconds") == LOOK_EVERY_S, "it was seen first one look ago"
