"""An independent reader of topics, and a bare producer: confluent-kafka alone."""

import time
from collections.abc import Iterable
from typing import NamedTuple

from confluent_kafka import Consumer, KafkaError, Producer, TopicPartition

TIMEOUT_S = 30.0


class Read(NamedTuple):
    """A record."""

    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: dict[str, bytes]


def read_all(servers: str, topic: str) -> list[Read]:
    """Every committed record of a topic, partition by partition in the order of the log."""
    config = {"bootstrap.servers": servers, "group.id": "independent", "enable.auto.commit": False}
    config |= {"isolation.level": "read_committed", "enable.partition.eof": True, "fetch.wait.max.ms": 50}
    config |= {"auto.offset.reset": "earliest", "log_level": 0}  # a log may begin later than at 0
    consumer = Consumer(config)
    try:
        partitions = set(consumer.list_topics(topic, timeout=TIMEOUT_S).topics[topic].partitions)
        consumer.assign([TopicPartition(topic, partition, 0) for partition in partitions])
        found: list[Read] = []
        deadline_s = time.monotonic() + TIMEOUT_S
        while partitions:
            assert time.monotonic() < deadline_s, f"{topic}: not read to its end in {TIMEOUT_S} s"
            message = consumer.poll(1.0)
            if message is None:
                continue
            error = message.error()
            if error is not None:
                assert error.code() == KafkaError._PARTITION_EOF, error
                partitions.discard(message.partition() or 0)
                continue
            headers = {name: value for name, value in dict(message.headers() or []).items() if isinstance(value, bytes)}
            where = message.partition() or 0, message.offset() or 0
            found.append(Read(*where, message.key(), message.value(), headers))
        return found
    finally:
        consumer.close()


def committed_count(servers: str, topic: str) -> int:
    """How many committed records a topic holds."""
    return len(read_all(servers, topic))


def produce(
    servers: str,
    topic: str,
    value: bytes | None,
    key: bytes | None = None,
    partition: int = 0,
    headers: dict[str, bytes] | None = None,
) -> None:
    """Put one record into a topic as it is."""
    config = {"bootstrap.servers": servers, "message.max.bytes": 8 << 20, "compression.type": "lz4"}
    producer = Producer(config)
    failures: list[object] = []
    producer.produce(
        topic,
        value,
        key,
        partition,
        on_delivery=lambda error, _: failures.append(error) if error else None,
        headers=dict(headers or {}),
    )
    assert producer.flush(TIMEOUT_S) == 0
    assert not failures, failures
    producer.close()


def produce_many(
    servers: str, topic: str, records: Iterable[tuple[bytes | None, bytes | None, int, dict[str, bytes]]]
) -> None:
    """Put many records (value, key, partition, headers) into a topic, in order."""
    producer = Producer({"bootstrap.servers": servers, "enable.idempotence": True})
    for value, key, partition, headers in records:
        producer.produce(topic, value, key, partition, headers=dict(headers))
    assert producer.flush(TIMEOUT_S) == 0
    producer.close()


class Follower:
    """Reads a topic on and on: `records` grows with each look."""

    def __init__(self, servers: str, topic: str) -> None:
        config = {"bootstrap.servers": servers, "group.id": "independent", "enable.auto.commit": False}
        config |= {"isolation.level": "read_committed", "fetch.wait.max.ms": 20, "fetch.queue.backoff.ms": 20}
        config |= {"auto.offset.reset": "earliest"}
        self._consumer = Consumer(config | {"log_level": 0})
        partitions = self._consumer.list_topics(topic, timeout=TIMEOUT_S).topics[topic].partitions
        self._consumer.assign([TopicPartition(topic, partition, 0) for partition in partitions])
        self.records: list[Read] = []

    def look(self) -> list[Read]:
        """Take what has come; all there was so far."""
        for message in self._consumer.consume(10_000, 0.02):
            if message.error() is None:
                headers = {name: one for name, one in dict(message.headers() or []).items() if isinstance(one, bytes)}
                where = message.partition() or 0, message.offset() or 0
                self.records.append(Read(*where, message.key(), message.value(), headers))
        return self.records

    def close(self) -> None:
        self._consumer.close()
