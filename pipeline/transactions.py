"""Transactions on Kafka: what moves held keys, dead letters and queue messages, each batch wholly or not at all.

Shape   KafkaTransactions keeps the port Transactions, one for an input
Fence   each transaction carries the group's metadata, taken in the same step as the offsets: a member that was replaced
        cannot commit. An open transaction ends after 10 s; a successor that finds one ends it at once, by its id
Errors  TransactionFailedError: nothing of the batch is in the log, or nobody will ever see it
"""

import logging
import threading
from collections.abc import Callable
from secrets import token_hex

from confluent_kafka import KafkaError, KafkaException, Message, Producer, TopicPartition

from pipeline.asking import ANSWER_S
from pipeline.cluster import Cluster
from pipeline.errors import TransactionFailedError
from pipeline.kafka_errors import About, describe, is_access, is_unreachable, kafka_error
from pipeline.kill_point import kill_point
from pipeline.ports import Batch, Write, Written

log = logging.getLogger(__name__)

TRIES = 3
"""By then the broker has ended the transaction; its coordinator's log says how, and a new producer finds out."""

SLACK_S = 2.0
"""Beyond its time-out, before a call is taken for stuck."""

PURGED = {KafkaError._PURGE_QUEUE, KafkaError._PURGE_INFLIGHT}
"""What records hear whose transaction has failed for another reason."""

RECORD_REFUSED = {KafkaError.MSG_SIZE_TOO_LARGE, KafkaError.INVALID_MSG, KafkaError.INVALID_RECORD}
"""Verdicts on one record, not on the broker's state."""


class KafkaTransactions:
    """The transactional producer of one input; made when first needed, replaced when it is beyond help."""

    def __init__(self, cluster: Cluster, ids: str, keep_trying: Callable[[], bool], group: str = "") -> None:
        """Nothing is asked of the broker yet.

        Args:
            ids: what transactional ids begin with.
            keep_trying: whether a call without a verdict is to be made again.
            group: whose offsets go with the transactions, for messages to people.
        """
        self._cluster = cluster
        self._ids = ids
        self._group = group
        self._keep_trying = keep_trying
        self._producer: Producer | None = None
        self._failure: KafkaError | None = None
        self._suspect = False
        self._maker: threading.Thread | None = None
        self._made = False
        self._written: Written = {}
        self.transactional_id = self._new_id()

    def ready(self) -> bool:
        """Whether run() need not wait for a producer, which takes half a second to make; if so begin to make it."""
        if self._producer is not None or self._made:
            return True
        if self._maker is None:
            self._maker = threading.Thread(target=self._make_ahead, name="transactions", daemon=True)
            self._maker.start()
            return False
        if not self._maker.is_alive():
            self._maker, self._made = None, True  # or it failed: then run() tries again, and says why
        return self._made

    def run(self, batch: Batch, group_metadata: object) -> Written:
        """Write it all, or nothing; returns how far.

        Raises:
            TransactionFailedError: nothing was written.
        """
        self._failure = None
        self._written = {}
        topics = dict.fromkeys(write.topic for write in batch.writes)
        about = About((*topics, batch.topic), self._group, self.transactional_id)
        producer: Producer | None = None
        committing = False
        try:
            producer = self._ready()
            producer.begin_transaction()
            for write in batch.writes:
                self._produce(producer, write)
            offsets = [TopicPartition(batch.topic, part, to.offset, to.metadata) for part, to in batch.commits.items()]
            self._retried(lambda: producer.send_offsets_to_transaction(offsets, group_metadata, ANSWER_S))
            kill_point(batch.kill_point)
            committing = True
            self._retried(lambda: producer.commit_transaction(ANSWER_S))
        except KafkaException as error:
            failure = self._reported() or kafka_error(error)
            unknown = committing and kafka_error(error).retriable()
            refused = failure.code() in RECORD_REFUSED
            if unknown:
                self._replace()  # to abort what may have been committed is refused, for good
            elif refused:
                self._producer, self._made = None, False  # an abort takes 10 s then; one of the same id ends it at once
            elif producer is not None:
                self._abort(producer, kafka_error(error))
            too_large = failure.code() == KafkaError.OFFSET_METADATA_TOO_LARGE
            raise TransactionFailedError(
                describe(failure, about),
                refused=refused,
                unknown=unknown,
                note_too_large=too_large,
                access=is_access(failure),
            ) from error
        return self._written

    def close(self) -> None:
        """Let go of the client."""
        if self._producer is not None:
            self._producer.close()

    def _new_id(self) -> str:
        return f"{self._ids}.{token_hex(6)}"

    def _ready(self) -> Producer:
        if self._maker is not None:
            self._maker.join()
            self._maker = None
        if self._producer is not None:
            self._producer.poll(0)
        if self._suspect:
            self._replace()
        if self._producer is None:
            self._producer = self._new_producer()
        return self._producer

    def _new_producer(self) -> Producer:
        more = {"logger": log, "error_cb": self._on_error}
        producer = Producer(self._cluster.transactional_config(self.transactional_id, **more))
        self._retried(lambda: producer.init_transactions(ANSWER_S))
        return producer

    def _make_ahead(self) -> None:
        try:
            self._producer = self._new_producer()
        except KafkaException as error:
            log.warning(
                "transactions_not_ready",
                extra={"error": describe(error, About(transactional_id=self.transactional_id))},
            )

    def _on_error(self, error: KafkaError) -> None:
        self._cluster.note(error)
        self._suspect = self._suspect or is_unreachable(error)

    def _produce(self, producer: Producer, write: Write) -> None:
        while True:
            try:
                producer.produce(
                    write.topic,
                    write.value,
                    write.key,
                    write.partition,
                    on_delivery=self._report,
                    headers=write.headers,
                )
            except BufferError:
                producer.poll(0.05)
            else:
                return

    def _report(self, error: KafkaError | None, message: Message) -> None:
        if error is None:
            where = message.topic() or "", message.partition() or 0
            self._written[where] = max(message.offset() or 0, self._written.get(where, 0))
        elif self._failure is None and error.code() not in PURGED:
            self._failure = error

    def _reported(self) -> KafkaError | None:
        return self._failure

    def _retried(self, call: Callable[[], None]) -> None:
        """A call that timed out has no verdict yet: call it again, TRIES times at most.

        Not of a producer that saw its broker go: it may wait for that broker's former self for ever.
        """
        tries_left = TRIES
        while True:
            tries_left -= 1
            try:
                self._bounded(call)
            except KafkaException as error:
                if self._producer is not None:
                    self._producer.poll(0)  # hear whether its broker went
                again = tries_left and not self._suspect and self._keep_trying()
                if not again or not kafka_error(error).retriable():
                    raise
            else:
                return

    def _bounded(self, call: Callable[[], None]) -> None:
        """Make a call that may heed no time-out: one that a broker's restart has cut off was seen to wait for ever.

        What it waits in is then left behind, with its thread and its producer.
        """
        failed: list[KafkaException] = []
        ended = threading.Event()

        def run() -> None:
            try:
                call()
            except KafkaException as error:
                failed.append(error)
            finally:
                ended.set()

        threading.Thread(target=run, name="transaction", daemon=True).start()
        if not ended.wait(ANSWER_S + SLACK_S):
            self._suspect = True
            raise KafkaException(KafkaError(KafkaError._TIMED_OUT, "the client does not return", retriable=True))
        if failed:
            raise failed[0]

    def _abort(self, producer: Producer, error: KafkaError) -> None:
        if error.fatal() or self._suspect:
            self._replace()
            return
        try:
            self._retried(lambda: producer.abort_transaction(ANSWER_S))
        except KafkaException as abort_error:
            log.warning("abort_failed", extra={"error": describe(abort_error)})
            self._replace()

    def _replace(self) -> None:
        self._suspect = self._made = False
        self._producer = None
        self.transactional_id = self._new_id()
