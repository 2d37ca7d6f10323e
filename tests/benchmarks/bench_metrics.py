"""Counting an attempt: outcome, duration, time since its publish. The floor: each by itself, by the client's parts."""

import logging
import random
import time
from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Histogram

from adapters.attempt_log import AttemptLog
from adapters.memory import ManualClock
from pipeline.item import Attempt, Item
from pipeline.metrics import ATTEMPT_S, END_TO_END_S, Metrics
from pipeline.outcome import Delivered, Failed
from pipeline.ports import Push, Record

EPOCH_MS = 1_700_000_000_000
BATCH = 2_000
"""Attempts in 0.1 s at 20,000 a second."""

ROUNDS = 40


def attempts() -> list[Attempt]:
    """One in twenty fails; they take up to 20 ms, their events are up to a minute old."""
    made = []
    for number in range(BATCH):
        record = Record(0, number, b"job-1", b"", [], EPOCH_MS - random.randrange(60_000))
        outcome = Delivered(200) if number % 20 else Failed("status 503", 503)
        made.append(Attempt(Item(record, 1, Push("77", b"")), 1, outcome, random.random() / 50, None))
    return made


class Ours:
    """Noted one by one, counted together."""

    def __init__(self) -> None:
        logging.disable()
        self._log = AttemptLog("a/b", 4, ManualClock(EPOCH_MS), Metrics(CollectorRegistry()), None)

    def __call__(self, some: list[Attempt]) -> None:
        for attempt in some:
            self._log.add(attempt)
        self._log.flush()


class Theirs:
    """Counted one by one."""

    def __init__(self) -> None:
        registry = CollectorRegistry()
        self._clock = ManualClock(EPOCH_MS)
        attempts = Counter("attempts", "text", ("subscription", "outcome"), registry=registry)
        self._delivered, self._failed = attempts.labels("a/b", "delivered"), attempts.labels("a/b", "failed")
        made = [
            Histogram(name, "text", ("subscription",), registry=registry, buckets=buckets).labels("a/b")
            for name, buckets in (("attempt", ATTEMPT_S), ("end_to_end", END_TO_END_S))
        ]
        self._seconds, self._end_to_end = made

    def __call__(self, some: list[Attempt]) -> None:
        for attempt in some:
            self._seconds.observe(attempt.duration_s)
            if isinstance(attempt.outcome, Delivered):
                self._delivered.inc()
                self._end_to_end.observe((self._clock.now_ms() - attempt.item.record.timestamp_ms) / 1000)
            else:
                self._failed.inc()


def rate(count: Callable[[list[Attempt]], None]) -> float:
    """Attempts a second, in the best of the rounds."""
    some, best_s = attempts(), float("inf")
    for _ in range(ROUNDS):
        began_s = time.perf_counter()
        count(some)
        best_s = min(best_s, time.perf_counter() - began_s)
    return BATCH / best_s


def run() -> list[tuple[str, float, float, float]]:
    """Measure."""
    return [("attempts counted, a second; one by one", rate(Ours()), rate(Theirs()), 3.0)]
