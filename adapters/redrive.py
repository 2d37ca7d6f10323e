"""Sending dead letters again: from `….dead-letter` to `….redrive`, once each.

Shape   redrive(cluster, subscription, wanted, …) -> how many; `run` delivers the redrive topic as an input of its own
Once    each transaction holds the records and what has been redriven, as the offset and map of the group
        `<dead-letter topic>.redrive`: two operators, or a kill half way, redrive once. Two at a time share the
        partitions
Dry     a dry run is no member of the group: it reads beside whoever redrives meanwhile, and takes nothing from them
Order   among the redriven events of a key the order is kept; newer live events never wait for them
Errors  PipelineError when Kafka does not go along; what was acknowledged until then stays redriven
"""

import logging
import time
from collections.abc import Callable, Iterator
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from adapters.pace import Pace
from pipeline.asking import ANSWER_S, ask
from pipeline.cluster import Cluster
from pipeline.commit_note import MAX_BYTES, CommitNote, read_note, write_note
from pipeline.dead_letter import PREFIX
from pipeline.errors import PipelineError, TopicMissingError
from pipeline.free_text import MESSAGE_ID, is_text
from pipeline.headers import find_header
from pipeline.kafka_errors import About, describe
from pipeline.leaving import leave
from pipeline.ledger import OffsetLedger
from pipeline.log_reader import record_of
from pipeline.ports import Batch, Commit, Record, Transactions, Write
from pipeline.told_offsets import committed, extent
from pipeline.topics import dead_letter_topic, redrive_group, redrive_topic
from pipeline.transactions import KafkaTransactions
from schemas.identity import text_message_id

log = logging.getLogger(__name__)

ASSIGN_S = 30.0

Wanted = Callable[[Message], bool]


class Redrive:
    """One run of `dead-letters redrive`."""

    def __init__(self, cluster: Cluster, topic_name: str, subscription_name: str) -> None:
        self._cluster = cluster
        self._topic_name = topic_name
        self._from = dead_letter_topic(topic_name, subscription_name)
        self._to = redrive_topic(topic_name, subscription_name)
        self._group = redrive_group(topic_name, subscription_name)
        self._about = About((self._from, self._to), self._group)
        self._ledger = OffsetLedger()
        self._assigned = False

    def run(self, wanted: Wanted, per_second: float | None, *, dry: bool) -> Iterator[Message]:
        """Redrive what is wanted and was not redriven yet; yields each letter when it is durable (or would be sent)."""
        config = self._config()
        consumer = Consumer(config)
        transactions = KafkaTransactions(self._cluster, self._group, lambda: True, self._group)
        pace = Pace(None if dry else per_second)
        try:
            if dry:
                self._read_beside(consumer)
            else:
                consumer.subscribe([self._from], on_assign=self._on_assign, on_revoke=self._on_revoke)
            for batch in self._batches(consumer, wanted, pace.size):
                if not dry:
                    pace.step(len(batch))
                    self._send(transactions, consumer, batch)
                yield from batch
        except KafkaException as error:
            raise self._cluster.explain(error, self._about) from error
        finally:
            leave(consumer, config)
            transactions.close()

    def _config(self) -> dict[str, Any]:
        config = self._cluster.consumer_config(self._group) | {"enable.partition.eof": True}
        if config["group.protocol"] == "classic":
            config["partition.assignment.strategy"] = "cooperative-sticky"  # the callbacks below are for that alone
        return config

    def _batches(self, consumer: Consumer, wanted: Wanted, size: int) -> Iterator[list[Message]]:
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
            if len(batch) >= size:
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
        if is_text(record) and find_header(headers, MESSAGE_ID) is None:
            headers.append((MESSAGE_ID, self._text_id(record)))
        return Write(self._to, record.partition, record.key, record.value, headers)

    def _text_id(self, record: Record) -> bytes:
        """The msgId that its subscriber knows, by where the text lay: it lies elsewhere from now on."""
        partition, offset = (
            int(find_header(record.headers, f"{PREFIX}source_{part}") or -1) for part in ("partition", "offset")
        )
        return text_message_id(self._topic_name, partition, offset).encode()

    def _read_beside(self, consumer: Consumer) -> None:
        metadata = consumer.list_topics(timeout=ANSWER_S).topics
        if self._from not in metadata:
            raise self._cluster.topic_refused([self._from]) or TopicMissingError(self._from)
        consumer.assign(
            self._begin(consumer, [TopicPartition(self._from, part) for part in metadata[self._from].partitions])
        )

    def _on_assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        consumer.incremental_assign(self._begin(consumer, partitions))

    def _begin(self, consumer: Consumer, partitions: list[TopicPartition]) -> list[TopicPartition]:
        """Where each partition begins; what was redriven before is settled."""
        self._assigned = True
        starts = []
        for part in self._committed(consumer, partitions) if partitions else []:
            low, _ = extent(consumer, TopicPartition(part.topic, part.partition), ANSWER_S)
            note = read_note(part.metadata or "") or CommitNote()
            start = max(low, part.offset)
            self._ledger.assign(part.partition, start, note.settled_ranges(part.offset))
            starts.append(TopicPartition(part.topic, part.partition, start))
        return starts

    def _committed(self, consumer: Consumer, partitions: list[TopicPartition]) -> list[TopicPartition]:
        """The group's offsets; a coordinator that moves, or has just come to be, is asked again."""
        return ask(self._cluster, lambda: committed(consumer, partitions, ANSWER_S), self._say, self._about)

    def _say(self, error: KafkaError) -> None:
        log.warning("not_told_yet", extra={"group": self._group, "error": describe(error, self._about)})

    def _on_revoke(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        for part in partitions:
            self._ledger.revoke(part.partition)
        consumer.incremental_unassign(partitions)
