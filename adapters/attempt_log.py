"""One `delivery_attempted` line per attempt, and the metrics and traces of attempts, written in batches.

Fields  FIELDS, always all of them and in that order; a test holds the list
Unsent  what was not sent for want of a file descriptor is said beside that, with the number, every SAY_EVERY_S at most
Cost    an attempt appends to a list; the event loop writes the list a few times a second, and counts it then, without
        a lock (deploy/monitoring/metrics.md has the figures)
"""

import logging
from typing import Any

from adapters.logs import LineWriter
from adapters.trace_log import TraceLog
from pipeline.clock import Clock
from pipeline.item import Attempt
from pipeline.metrics import OUTCOME, Metrics
from pipeline.outcome import outcome_words

FIELDS = (
    "subscription",
    "partition",
    "offset",
    "key",
    "msg_id",
    "attempt",
    "attempts_allowed",
    "outcome",
    "status",
    "reason",
    "duration_ms",
    "retry_in_s",
)

FLUSH_S = 0.1
SAY_EVERY_S = 30.0

log = logging.getLogger(__name__)


class AttemptLog:
    """The attempts of one subscription."""

    def __init__(
        self,
        label: str,
        attempts_allowed: int,
        clock: Clock,
        metrics: Metrics,
        writer: LineWriter | None,
        trace: TraceLog | None = None,
    ) -> None:
        self._label = label
        self._allowed = attempts_allowed
        self._clock = clock
        self._writer = writer if log.isEnabledFor(logging.INFO) else None
        self._trace = trace
        self._attempts: list[Attempt] = []
        self._unsent = 0
        self._said_s = float("-inf")
        self._delivered = metrics.delivered.labels(label)
        self._seconds = metrics.attempt_seconds.tally(label)
        self._end_to_end = metrics.end_to_end.tally(label)
        self._by_outcome = {name: metrics.attempts.labels(label, name) for name in OUTCOME.values}

    def add(self, attempt: Attempt) -> None:
        """Note an attempt that has ended."""
        if not self._attempts:
            self._clock.call_later(FLUSH_S, self.flush)
        self._attempts.append(attempt)

    def flush(self) -> None:
        """Write what was noted."""
        attempts, self._attempts = self._attempts, []
        if not attempts:
            return
        self._count(attempts)
        if self._writer is not None:
            self._writer.write_many("delivery_attempted", map(self._fields, attempts))
        if self._trace is not None:
            self._trace.attempts(attempts)

    def _count(self, attempts: list[Attempt]) -> None:
        by_outcome: dict[str, list[Attempt]] = {}
        for attempt in attempts:
            by_outcome.setdefault(outcome_words(attempt.outcome)[0], []).append(attempt)
        for name, some in by_outcome.items():
            self._by_outcome[name].inc(len(some))
            if name != "unsent":
                self._seconds.add([attempt.duration_s for attempt in some])
        delivered = by_outcome.get("delivered", [])
        self._delivered.inc(len(delivered))
        self._end_to_end.add(self._since_published(delivered))
        for attempt in by_outcome.get("unsent", []):
            self._say(outcome_words(attempt.outcome)[2])

    def _since_published(self, delivered: list[Attempt]) -> list[float]:
        """Seconds from publish to acceptance: an attempt knows when it began by one clock, a record by the other."""
        if not delivered:
            return []
        apart_s = self._clock.now_ms() / 1000 - self._clock.monotonic_s()
        return [
            max(0.0, apart_s + attempt.item.started_s + attempt.duration_s - attempt.item.record.timestamp_ms / 1000)
            for attempt in delivered
        ]

    def _say(self, reason: str | None) -> None:
        self._unsent += 1
        now_s = self._clock.monotonic_s()
        if now_s - self._said_s >= SAY_EVERY_S:
            log.warning(
                "attempts_unsent", extra={"subscription": self._label, "unsent": self._unsent, "reason": reason}
            )
            self._said_s, self._unsent = now_s, 0

    def _fields(self, attempt: Attempt) -> dict[str, Any]:
        item, record = attempt.item, attempt.item.record
        outcome, status, reason = outcome_words(attempt.outcome)
        key = None if record.key is None else record.key.decode("utf-8", "replace")
        values = (
            self._label,
            record.partition,
            record.offset,
            key,
            item.push.msg_id,
            attempt.number,
            self._allowed,
            outcome,
            status,
            reason,
            round(attempt.duration_s * 1000, 1),
            attempt.retry_in_s,
        )
        return dict(zip(FIELDS, values, strict=True))
