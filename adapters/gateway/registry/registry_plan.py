"""Which Kafka topics stand for queues and topics, what they should be, and what an entry of one that is found says.

Shape   Plan(topics, queues, configured): names both ways, specs, adopted entries. Does no I/O
Kept    a queue's messages a day longer than the queue keeps them: its owner lets them expire, by the time at which
        Kafka has taken them (LogAppendTime)
"""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from adapters.gateway.registry.registry_decisions import RESERVED_TOPIC, adopted_id, queue_entry
from pipeline.cmq_registry import Gone, QueueAttributes, QueueEntry, SubscriptionEntry, TopicEntry
from pipeline.topics import (
    DAY_MS,
    DEFAULT_PREFIX,
    EVENT_MAX_BYTES,
    QUEUE_FACTOR,
    TopicSpec,
    event_topic,
    queue_topic,
    topic_spec,
)
from schemas.names import name_fault

TIMES = {"message.timestamp.type": "LogAppendTime"}


class Sizes(msgspec.Struct, frozen=True):
    """What the configuration says of Kafka topics."""

    prefix: str = DEFAULT_PREFIX
    event_partitions: int = 6
    event_retention_s: int = 3 * DAY_MS // 1000
    queue_partitions: int = 1
    queue_retention_s: int = 4 * DAY_MS // 1000
    replication_factor: int = 3


class Plan:
    """The Kafka topics of one configuration."""

    adopted_queue_config = TIMES

    def __init__(self, sizes: Sizes, configured: Sequence[SubscriptionEntry] = ()) -> None:
        self._sizes = sizes
        self._topics = {event_topic(one.topic_name, sizes.prefix): one.topic_name for one in configured}
        self._queues = {queue_topic(one.endpoint): one.endpoint for one in configured if one.protocol == "queue"}

    @staticmethod
    def queue_topic(name: str) -> str:
        """The Kafka topic of a queue."""
        return queue_topic(name)

    def event_topic(self, name: str) -> str:
        """The Kafka topic of a topic."""
        return event_topic(name, self._sizes.prefix)

    def kafka_topic(self, gone: Gone) -> str:
        """The Kafka topic of a name that is being released."""
        return queue_topic(gone.name) if gone.kind == "queue" else self.event_topic(gone.name)

    @staticmethod
    def grown(queues: Iterable[QueueEntry], existing: Mapping[str, int]) -> list[QueueEntry]:
        """The entries of queues whose Kafka topics have more partitions than they say: nobody would read the others."""
        return [
            msgspec.structs.replace(entry, partitions=partitions)
            for entry in queues
            if (partitions := existing.get(queue_topic(entry.name), 0)) > entry.partitions
        ]

    def queue_of(self, kafka_topic: str) -> str | None:
        """The queue that a Kafka topic stands for, spelt as the configuration file does."""
        if kafka_topic in self._queues:
            return self._queues[kafka_topic]
        before = queue_topic("")
        name = kafka_topic.removeprefix(before)
        return name if kafka_topic.startswith(before) and name == name.lower() and name_fault(name) is None else None

    def topic_of(self, kafka_topic: str) -> str | None:
        """The topic that a Kafka topic stands for. Without a prefix only the configuration file tells."""
        prefix = self._sizes.prefix
        if kafka_topic in self._topics or not prefix or not kafka_topic.startswith(prefix):
            return self._topics.get(kafka_topic)
        name = kafka_topic.removeprefix(prefix)
        return name if name_fault(name) is None and name.lower() != RESERVED_TOPIC else None

    def queue_spec(self, name: str, attributes: QueueAttributes) -> TopicSpec:
        """What a queue's Kafka topic should be."""
        kept_ms = attributes.retention_s * 1000 + DAY_MS
        sizes, limit = self._sizes, QUEUE_FACTOR * EVENT_MAX_BYTES
        spec = topic_spec(queue_topic(name), sizes.queue_partitions, sizes.replication_factor, kept_ms, limit)
        return msgspec.structs.replace(spec, config=spec.config | TIMES)

    def topic_spec(self, name: str) -> TopicSpec:
        """What a topic's Kafka topic should be."""
        sizes, kept_ms = self._sizes, self._sizes.event_retention_s * 1000
        topic = self.event_topic(name)
        return topic_spec(topic, sizes.event_partitions, sizes.replication_factor, kept_ms, EVENT_MAX_BYTES)

    def adopted_queue(self, name: str, about: tuple[str, int], now_s: int) -> QueueEntry:
        """The entry of a queue whose Kafka topic, of this id and so many partitions, was there first."""
        attributes = QueueAttributes(max_msg_size=EVENT_MAX_BYTES, retention_s=self._sizes.queue_retention_s)
        return queue_entry(name, adopted_id("queue", about[0]), about, attributes, now_s)

    @staticmethod
    def adopted_topic(name: str, topic_id: str, now_s: int) -> TopicEntry:
        """The entry of a topic whose Kafka topic was there first."""
        return TopicEntry(name, adopted_id("topic", topic_id), EVENT_MAX_BYTES, 1, now_s, now_s)
