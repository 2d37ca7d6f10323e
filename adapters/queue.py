"""Queue subscriptions: consume, re-encode, produce into `cmq.queue.<name>`, in one Kafka transaction with the offsets.

Shape   QueueSubscriptionLoop.run() until the stop request, on a thread of its own
Promise exactly one message in the queue per event, also after kill -9: message and offset become visible together
Fence   the group's metadata goes with each transaction, so a member that was replaced cannot commit
Refused a batch that the broker refuses is halved until one record is left; that one goes to the dead letters, in a
        transaction like any other
Errors  PipelineError when Kafka says that it can never work
"""

import logging
from collections.abc import Callable
from typing import NamedTuple

from pipeline.clock import SystemTimes, Times
from pipeline.dead_letter import dead_letter_headers
from pipeline.errors import TransactionFailedError
from pipeline.figures import Figures, Standing
from pipeline.health import Vital
from pipeline.metrics import Metrics
from pipeline.ports import (
    ANY_PARTITION,
    Batch,
    Commit,
    DeadLetter,
    Record,
    Source,
    SourceListener,
    Start,
    Transactions,
    Write,
)
from pipeline.stop import StopRequest
from pipeline.subscription import Subscription
from pipeline.topics import dead_letter_topic, queue_topic
from pipeline.transform import QueueMessage, Refusal, Transform, Unwanted
from pipeline.unread import Unread

log = logging.getLogger(__name__)

BATCH = 5_000
POLL_S = 0.1
LOOK_EVERY_S = 2.0


class Counts(NamedTuple):
    """What became of a batch's records."""

    filtered: int
    buried: int
    published_ms: list[int]
    """Of those that go into the queue."""


class QueueSubscriptionLoop(SourceListener):
    """One input of one queue subscription."""

    def __init__(  # noqa: PLR0913, PLR0917  all of it is its outside
        self,
        subscription: Subscription,
        make_source: Callable[["QueueSubscriptionLoop"], Source],
        transactions: Transactions,
        transform: Transform,
        stop: StopRequest,
        vital: Vital,
        metrics: Metrics,
        topic: str,
        times: Times | None = None,
    ) -> None:
        self.name = subscription.label
        self.abandoned = 0
        self._transactions = transactions
        self._transform = transform
        self._stop = stop
        self._vital = vital
        self._event_topic = topic
        self._queue_topic = queue_topic(subscription.queue_name)
        self._dead_letter_topic = dead_letter_topic(subscription.topic_name, subscription.name)
        self._limit = BATCH
        self._denied = False
        self._refused: dict[tuple[int, int], str] = {}
        self._received = metrics.received.labels(self.name)
        self._filtered = metrics.filtered.labels(self.name)
        self._delivered = metrics.delivered.labels(self.name)
        self._dead_letters = metrics.dead_letters.labels(self.name)
        self._end_to_end = metrics.end_to_end.tally(self.name)
        self._times = times or SystemTimes()
        self._figures = Figures(metrics, self.name, self._times)
        self._unread = Unread()
        self._partitions: set[int] = set()
        self._looked_s = float("-inf")
        self._source = make_source(self)

    def run(self) -> None:
        """Deliver until the stop request; a batch is committed whole or not at all."""
        try:
            while not self._stop.requested:
                self._turn()
        finally:
            self._source.close()
            self._transactions.close()

    def _turn(self) -> None:
        self._vital.turned()
        self._figures.turned()
        self._look()
        self._source.set_paused(set())
        records = self._source.poll(self._limit, POLL_S)
        if records:
            self._deliver(records)

    def _look(self) -> None:
        """Say how far we are from the log's end, now and then; between two batches all that was read is settled."""
        now_s = self._times.monotonic_s()
        if now_s - self._looked_s < LOOK_EVERY_S:
            return
        self._looked_s = now_s
        now_ms = self._times.now_ms()
        lag, unsettled_ms = 0, []
        for partition, (position, end) in self._source.reach(sorted(self._partitions)).items():
            lag += max(0, end - position)
            unsettled_ms.append(self._unread.looked(partition, position, end, now_ms))
        known = (one for one in unsettled_ms if one is not None)
        self._figures.standing = Standing(lag, unsettled_ms=min(known, default=None))

    def _deliver(self, records: list[Record]) -> None:
        self._figures.takes_in_hand(len(records), min(record.timestamp_ms for record in records))
        writes, counts = self._writes(records)
        commits = {record.partition: Commit(record.offset + 1) for record in records}
        batch = Batch(writes, self._event_topic, commits, "in-queue-transaction")
        try:
            self._transactions.run(batch, self._source.group_metadata())
        except TransactionFailedError as error:
            self._failed(records, error)
            return
        if self._denied:
            self._vital.trouble(None)
            self._denied = False
        self._limit = min(BATCH, self._limit * 2)
        self._refused.clear()
        self._figures.transaction("committed")
        self._received.inc(len(records))
        self._filtered.inc(counts.filtered)
        self._dead_letters.inc(counts.buried)
        self._delivered.inc(len(counts.published_ms))
        now_ms = self._times.now_ms()
        self._end_to_end.add([max(0, now_ms - one) / 1000 for one in counts.published_ms])

    def _failed(self, records: list[Record], error: TransactionFailedError) -> None:
        """What was read is read again, from what is committed: that tells what the transaction came to, too."""
        self._figures.transaction("unknown" if error.unknown else "aborted")
        log.warning("transaction_aborted", extra={"subscription": self.name, "error": str(error)})
        if error.access:
            self._vital.trouble(str(error))
            self._denied = True
        if error.refused:
            self._narrow(records, str(error))
        with self._figures.restarting():
            self._source.restart()

    def _narrow(self, records: list[Record], reason: str) -> None:
        """The next batch is half as large; a single record that is refused is a dead letter."""
        self._limit = max(1, len(records) // 2)
        if len(records) == 1:
            self._refused[records[0].partition, records[0].offset] = reason

    def _writes(self, records: list[Record]) -> tuple[list[Write], Counts]:
        writes: list[Write] = []
        published_ms: list[int] = []
        filtered = buried = 0
        for record in records:
            message: QueueMessage | Refusal | Unwanted = self._transform.queue_message(record)
            if self._refused and (refused := self._refused.get((record.partition, record.offset))):
                message = Refusal(f"refused by the broker: {refused}")
            match message:
                case QueueMessage(value, headers):
                    writes.append(Write(self._queue_topic, ANY_PARTITION, record.key, value, headers))
                    published_ms.append(record.timestamp_ms)
                case Refusal(reason):
                    buried += 1
                    letter = dead_letter_headers(DeadLetter(record, reason), self._event_topic)
                    writes.append(Write(self._dead_letter_topic, ANY_PARTITION, record.key, record.value, letter))
                case Unwanted():
                    filtered += 1
        return writes, Counts(filtered, buried, published_ms)

    def on_assigned(self, starts: dict[int, Start]) -> None:
        """Nothing to keep: positions travel in the transactions."""
        self._partitions |= starts.keys()
        self._figures.moved("assigned", starts)
        log.info("partitions_assigned", extra={"subscription": self.name, "partitions": sorted(starts)})

    def on_revoked(self, partitions: set[int]) -> dict[int, Commit]:
        """Nothing is open between two polls, so nothing is left to commit."""
        self._let_go(partitions)
        self._figures.moved("revoked", partitions)
        log.info("partitions_revoked", extra={"subscription": self.name, "partitions": sorted(partitions)})
        return {}

    def on_lost(self, partitions: set[int]) -> None:
        """As on_revoked."""
        self._let_go(partitions)
        self._figures.moved("lost", partitions)

    def _let_go(self, partitions: set[int]) -> None:
        self._partitions -= partitions
        self._unread.forget(partitions)
        self._figures.in_hand = None
        self._looked_s = float("-inf")

    def on_committed(self, *, acknowledged: bool, too_large: bool = False) -> None:
        """Never called: the offsets go with the transactions."""
