"""What one input of a subscription tells of itself: its own thread writes, whoever scrapes reads.

Shape   Figures(metrics, label, times), one an input; a subscription has two, its events and what is redriven, and
        each metric's spec says how theirs are combined. Standing is how things are, replaced whole by look()s
Cost    nothing an event: a turn of the loop counts its time, all else is said at look()s, commits and rebalances
Threads what scrapes call reads one attribute, once
"""

from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

from pipeline.clock import SystemTimes, Times
from pipeline.metrics import CHANGE, VERDICT, Metrics


class Standing(msgspec.Struct, frozen=True):
    """How an input stood at the last look.

    Attributes:
        lag: records not yet settled, up to the log's end.
        unsettled_ms: when the oldest event that is not settled was published, at the latest; None without one.
        held_ms: the same of what waits for a held key.
        gap: offsets settled beyond the first unsettled one.
    """

    lag: int = 0
    outstanding: int = 0
    unsettled_ms: int | None = None
    held_ms: int | None = None
    held_keys: int = 0
    held_keys_fullest: int = 0
    gap: int = 0


class InHand(msgspec.Struct, frozen=True):
    """A batch that is being moved."""

    events: int
    oldest_ms: int
    since_s: float


class Figures:
    """One input's."""

    def __init__(self, metrics: Metrics, label: str, times: Times | None = None) -> None:
        self.standing = Standing()
        self.in_hand: InHand | None = None
        self._times = times or SystemTimes()
        self._to_commit_since_s: float | None = None
        self._turned_s: float | None = None
        self._restarting = False
        self._turns = metrics.loop_turn.tally(label)
        self._changes = {change: metrics.rebalances.labels(label, change) for change in CHANGE.values}
        self._verdicts = {verdict: metrics.transactions.labels(label, verdict) for verdict in VERDICT.values}
        own = (label,)
        metrics.lag.add(own, lambda: self.standing.lag)
        metrics.oldest.add(own, self._oldest_age_s)
        metrics.oldest_unsettled.add(own, self._unsettled_age_s)
        metrics.outstanding.add(own, self._outstanding)
        metrics.held_keys.add(own, lambda: self.standing.held_keys)
        metrics.held_keys_fullest.add(own, lambda: self.standing.held_keys_fullest)
        metrics.ledger_gap.add(own, lambda: self.standing.gap)
        metrics.commit_age.add(own, self._commit_age_s)

    def turned(self) -> None:
        """The loop begins a turn."""
        now_s = self._times.monotonic_s()
        if self._turned_s is not None:
            self._turns.add((now_s - self._turned_s,))
        self._turned_s = now_s

    def moved(self, change: str, partitions: object) -> None:
        """Partitions came or went; none is no change."""
        if partitions and not self._restarting:
            self._changes[change].inc()

    @contextmanager
    def restarting(self) -> Iterator[None]:
        """Within, partitions go and come because we begin again: nobody took them, and what is in hand waits on."""
        in_hand, self._restarting = self.in_hand, True
        try:
            yield
        finally:
            self.in_hand, self._restarting = in_hand, False

    def takes_in_hand(self, events: int, oldest_ms: int) -> None:
        """A batch is about to be moved; or is so again, if nothing came of it."""
        since_s = self._times.monotonic_s() if self.in_hand is None else self.in_hand.since_s
        self.in_hand = InHand(events, oldest_ms, since_s)

    def transaction(self, verdict: str) -> None:
        """A transaction has ended."""
        self._verdicts[verdict].inc()
        if verdict == "committed":
            self.committed()
            self.in_hand = None

    def to_commit(self, *, there_is: bool) -> None:
        """Whether there is something to commit."""
        if not there_is:
            self._to_commit_since_s = None
        elif self._to_commit_since_s is None:
            self._to_commit_since_s = self._times.monotonic_s()

    def committed(self) -> None:
        """A commit was acknowledged; what came since counts from the next to_commit() on."""
        self._to_commit_since_s = None

    def _oldest_age_s(self) -> float:
        return max(self._unsettled_age_s(), self._age_s(self.standing.held_ms))

    def _unsettled_age_s(self) -> float:
        in_hand = self.in_hand
        return max(self._age_s(self.standing.unsettled_ms), self._age_s(None if in_hand is None else in_hand.oldest_ms))

    def _age_s(self, published_ms: int | None) -> float:
        """An event that waits is never 0 s old, whatever the clocks say."""
        return 0.0 if published_ms is None else max(0.001, (self._times.now_ms() - published_ms) / 1000)

    def _commit_age_s(self) -> float:
        in_hand = self.in_hand
        since_s = self._to_commit_since_s if in_hand is None else in_hand.since_s
        return 0.0 if since_s is None else self._times.monotonic_s() - since_s

    def _outstanding(self) -> float:
        in_hand = self.in_hand
        return self.standing.outstanding + (0 if in_hand is None else in_hand.events)
