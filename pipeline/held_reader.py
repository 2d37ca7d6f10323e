"""Held keys, read back from Kafka when a partition is assigned.

Shape   KafkaHeldReader keeps the port HeldReader, one for an input
Restore a held partition is read until its last stable offset has reached what was its end when the partition was
        assigned: reading to the last stable offset first would miss a transaction whose markers are being written
Errors  PipelineError: the broker does not say where the partitions end
"""

import logging
import time
from collections.abc import Callable, Iterable

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition

from pipeline.asking import ANSWER_S, ask
from pipeline.cluster import Cluster
from pipeline.kafka_errors import About, describe
from pipeline.ports import HeldEnd
from pipeline.told_offsets import extent

log = logging.getLogger(__name__)

STUCK_S = 1.0
"""How long the last stable offset may stay behind before the transaction that holds it is ended."""

_NOTHING_LOST = {KafkaError._PARTITION_EOF, KafkaError.GROUP_AUTHORIZATION_FAILED}
"""To whoever reads without joining a group."""


class KafkaHeldReader:
    """Reads the held partitions of one input back, a little at a time."""

    def __init__(self, cluster: Cluster, topic: str, on_trouble: Callable[[KafkaError], None] | None = None) -> None:
        """Nothing is read yet.

        Args:
            cluster, topic: where the held keys are.
            on_trouble: hears what is not read, and may raise; without, that is logged and waited for.
        """
        self._cluster = cluster
        self._topic = topic
        self._on_trouble = on_trouble or self._unread
        self._consumer: Consumer | None = None
        self._ends: dict[int, int] = {}
        self._since_s: dict[int, float] = {}
        self._owners: dict[int, str] = {}
        self._short: set[int] = set()

    def begin(self, owners: dict[int, str]) -> dict[int, HeldEnd]:
        """Begin to read partitions; each owner is whose transaction may still be open there.

        Raises:
            PipelineError: the broker does not say where they end.
        """
        ends = self._ends_of(owners) if owners else {}
        for partition, owner in owners.items():
            self._ends[partition] = ends[partition].offset
            self._since_s[partition] = time.monotonic()
            self._owners[partition] = owner
        if self._ends:
            self._assign()
        return ends

    def forget(self, partitions: set[int]) -> None:
        """Stop reading them."""
        for partition in partitions & self._ends.keys():
            self._drop(partition)
        if self._ends:
            self._assign()
        else:
            self.close()

    @property
    def reading(self) -> bool:
        """Whether a partition is not read to its end."""
        return bool(self._ends)

    def step(self) -> tuple[list[tuple[int, int, bytes | None, bytes | None]], list[int]]:
        """Read a little: (partition, offset, key, value) of each record, and the partitions that are through."""
        if not self._ends or self._consumer is None:
            return [], []
        records = []
        done = {partition for partition, end in self._ends.items() if end == 0}
        for message in self._consumer.consume(500, 0):
            partition, offset = message.partition() or 0, message.offset() or 0
            error = message.error()
            if error is None and partition in self._ends:
                records.append((partition, offset, message.key(), message.value()))
            elif error is not None and error.code() == KafkaError._PARTITION_EOF and partition in self._ends:
                if offset >= self._ends[partition]:
                    done.add(partition)
                else:
                    self._short.add(partition)
            elif error is not None and error.code() not in _NOTHING_LOST:
                self._on_trouble(error)
        for partition in done:
            self._drop(partition)
        for partition in self._short:
            self._end_open_transaction(partition)
        if not self._ends:
            self.close()  # until the next assignment nobody would serve it
        return records, sorted(done)

    def close(self) -> None:
        """Let go of the client."""
        if self._consumer is not None:
            self._consumer.close()
            self._consumer = None

    def _unread(self, error: KafkaError) -> None:
        log.warning("held_keys_unread", extra={"topic": self._topic, "error": describe(error, About((self._topic,)))})

    def _drop(self, partition: int) -> None:
        for kept in (self._ends, self._since_s, self._owners):
            kept.pop(partition, None)
        self._short.discard(partition)

    def _assign(self) -> None:
        if self._consumer is None:
            config = self._cluster.consumer_config("batch-events-held-reader") | {
                "enable.partition.eof": True,
                "fetch.wait.max.ms": 50,
                "auto.offset.reset": "earliest",
                "logger": log,
            }
            self._consumer = Consumer(config)
        known = {part.partition: part for part in self._consumer.position(self._consumer.assignment())}
        self._consumer.assign(
            [
                TopicPartition(self._topic, partition, max(0, known[partition].offset) if partition in known else 0)
                for partition in self._ends
            ]
        )

    def _ends_of(self, partitions: Iterable[int]) -> dict[int, HeldEnd]:
        """The high watermarks, open transactions included: a reader of uncommitted records is told them."""
        topic_id = self._cluster.topic_ids.of(self._topic)
        config = self._cluster.consumer_config("batch-events-held-reader") | {
            "isolation.level": "read_uncommitted",
            "logger": log,
        }
        consumer = Consumer(config)
        places = {partition: TopicPartition(self._topic, partition) for partition in partitions}

        def ends() -> dict[int, HeldEnd]:
            return {
                partition: HeldEnd(extent(consumer, place, ANSWER_S)[1], topic_id)
                for partition, place in places.items()
            }

        try:
            return ask(self._cluster, ends, self._on_trouble, About((self._topic,)))
        finally:
            consumer.close()

    def _end_open_transaction(self, partition: int) -> None:
        """The former owner was killed inside a transaction: whoever initialises its id ends it."""
        owner = self._owners[partition]
        if not owner or time.monotonic() - self._since_s[partition] < STUCK_S:
            return
        self._owners[partition] = ""
        producer = Producer(self._cluster.transactional_config(owner, logger=log))
        try:
            producer.init_transactions(ANSWER_S)
            log.warning("open_transaction_ended", extra={"topic": self._topic, "transactional_id": owner})
        except KafkaException as error:
            about = About(transactional_id=owner)
            log.warning("open_transaction_waits", extra={"topic": self._topic, "error": describe(error, about)})
        finally:
            producer.close()
