"""Sending dead letters again: from `….dead-letter` to `….redrive`, once each.

Shape   redrive(cluster, subscription, wanted, …) -> how many; `run` delivers the redrive topic as an input of its own
Once    each transaction holds the records and what has been redriven, as the offset and map of the group
        `<dead-letter topic>.redrive`: two operators, or a kill half way, redrive once. Two at a time share the
        partitions
Order   among the redriven events of a key the order is kept; newer live events never wait for them
Errors  PipelineError when Kafka does not go along; what was acknowledged until then stays redriven
"""

import time
from collections.abc import Callable, Iterator

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from pipeline.cluster import Cluster
from pipeline.commit_note import MAX_BYTES, CommitNote, read_note, write_note
from pipeline.dead_letter import PREFIX
from pipeline.errors import PipelineError
from pipeline.held_store import KafkaTransactions
from pipeline.ledger import OffsetLedger
from pipeline.log_reader import record_of
from pipeline.ports import Batch, Commit, Transactions, Write
from pipeline.topics import dead_letter_topic, redrive_topic

ANSWER_S = 10.0
ASSIGN_S = 30.0
BATCH = 200

Wanted = Callable[[Message], bool]


class Redrive:
    """One run of `dead-letters redrive`."""

    def __init__(self, cluster: Cluster, topic_name: str, subscription_name: str) -> None:
        self._cluster = cluster
        self._from = dead_letter_topic(topic_name, subscription_name)
        self._to = redrive_topic(topic_name, subscription_name)
        self._group = f"{self._from}.redrive"
        self._ledger = OffsetLedger()
        self._assigned = False

    def run(self, wanted: Wanted, per_second: float | None, *, dry: bool) -> Iterator[Message]:
        """Redrive what is wanted and was not redriven yet; yields each letter when it is durable (or would be sent)."""
        config = self._cluster.consumer_config(self._group) | {"enable.partition.eof": True}
        consumer = Consumer(config)
        transactions = KafkaTransactions(self._cluster, self._group, lambda: True)
        try:
            consumer.subscribe([self._from], on_assign=self._on_assign, on_revoke=self._on_revoke)
            for batch in self._batches(consumer, wanted):
                if not dry:
                    self._send(transactions, consumer, batch)
                yield from batch
                if per_second and not dry:
                    time.sleep(len(batch) / per_second)
        except KafkaException as error:
            raise self._cluster.explain(error) from error
        finally:
            consumer.close()
            transactions.close()

    def _batches(self, consumer: Consumer, wanted: Wanted) -> Iterator[list[Message]]:
        batch: list[Message] = []
        ended: set[int] = set()
        until_s = time.monotonic() + ASSIGN_S
        while not self._assigned or set(self._ledger.assigned()) - ended:
            message = consumer.poll(0.5)
            if message is None:
                if not self._assigned and time.monotonic() > until_s:
                    raise PipelineError(f"{self._from}: no partitions assigned within {ASSIGN_S:g} s")
                continue
            error = message.error()
            if error is None:
                ended.discard(message.partition() or 0)
                if self._ledger.received(message.partition() or 0, message.offset() or 0) and wanted(message):
                    batch.append(message)
            elif error.code() == KafkaError._PARTITION_EOF:
                ended.add(message.partition() or 0)
            else:
                raise KafkaException(error)
            if len(batch) >= BATCH:
                yield batch
                batch = []
        if batch:
            yield batch

    def _send(self, transactions: Transactions, consumer: Consumer, batch: list[Message]) -> None:
        also: dict[int, set[int]] = {}
        for message in batch:
            also.setdefault(message.partition() or 0, set()).add(message.offset() or 0)
        commits = {}
        for partition, settled in also.items():
            snapshot = self._ledger.snapshot(partition, settled)
            note = write_note(CommitNote(runs=snapshot.runs))
            if len(note) > MAX_BYTES:
                raise PipelineError(
                    f"{self._from}: partition {partition}: what was redriven is too scattered to be noted; "
                    "redrive with a wider filter first"
                )
            commits[partition] = Commit(snapshot.offset, note)
        transactions.run(
            Batch([self._write(message) for message in batch], self._from, commits, "in-redrive"),
            consumer.consumer_group_metadata(),
        )
        for message in batch:
            partition = message.partition() or 0
            self._ledger.settle(partition, self._ledger.assignment(partition) or 0, message.offset() or 0)

    def _write(self, message: Message) -> Write:
        record = record_of(message)
        headers = [(name, value) for name, value in record.headers if not name.startswith(PREFIX)]
        return Write(self._to, record.partition, record.key, record.value, headers)

    def _on_assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._assigned = True
        starts = []
        for part in consumer.committed(partitions, timeout=ANSWER_S) if partitions else []:
            low, _ = consumer.get_watermark_offsets(TopicPartition(part.topic, part.partition), timeout=ANSWER_S)
            note = read_note(part.metadata or "") or CommitNote()
            start = max(low, part.offset)
            self._ledger.assign(part.partition, start, note.settled_ranges(part.offset))
            starts.append(TopicPartition(part.topic, part.partition, start))
        consumer.incremental_assign(starts)

    def _on_revoke(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        for part in partitions:
            self._ledger.revoke(part.partition)
        consumer.incremental_unassign(partitions)
