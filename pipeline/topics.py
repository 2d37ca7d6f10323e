"""CMQ names <-> Kafka names, and the Kafka topics that a configuration needs.

Shape   kafka names as plain functions; TopicSpec says what one topic should be; TopicPlan compares with a cluster
Kept    events 3 days, queues 4 days (CMQ's), dead letters 14 days, traces 3 days; all configurable
Sizes   an event up to 1 MiB; a dead letter holds it with headers of ours (+ 64 KiB); a queue record is its Base64 and
        JSON at least three times as large
Source  design section 4
"""

import msgspec

DEFAULT_PREFIX = "batch."

DAY_MS = 86_400_000
EVENT_MAX_BYTES = 1 << 20
DEAD_LETTER_EXTRA_BYTES = 64 << 10
QUEUE_FACTOR = 3

TRACE_TOPIC = "cmq.trace"
"""The attempts of all traced subscriptions (trace_record.py)."""

TRACE_MAX_BYTES = 1 << 20


def event_topic(topic_name: str, prefix: str = DEFAULT_PREFIX) -> str:
    """The Kafka topic of a CMQ topic."""
    return f"{prefix}{topic_name}"


def queue_topic(queue_name: str) -> str:
    """The Kafka topic of a CMQ queue. CMQ queue names are unique regardless of case, Kafka's are not: lower case."""
    return f"cmq.queue.{queue_name.lower()}"


def subscription_group(topic_name: str, subscription_name: str) -> str:
    """The consumer group of a subscription."""
    return f"cmq.{topic_name}.{subscription_name}"


def dead_letter_topic(topic_name: str, subscription_name: str) -> str:
    """Where a subscription's undeliverable events go."""
    return f"cmq.{topic_name}.{subscription_name}.dead-letter"


def held_topic(topic_name: str, subscription_name: str) -> str:
    """Where a subscription notes the keys that wait."""
    return f"cmq.{topic_name}.{subscription_name}.held"


def redrive_topic(topic_name: str, subscription_name: str) -> str:
    """Dead letters that are to be delivered again: an input of its own."""
    return f"cmq.{topic_name}.{subscription_name}.redrive"


def redrive_group(topic_name: str, subscription_name: str) -> str:
    """The group whose offsets say what of the dead letters was redriven."""
    return f"{dead_letter_topic(topic_name, subscription_name)}.redrive"


class TopicSpec(msgspec.Struct, frozen=True):
    """What a Kafka topic should be: partitions, replicas, and the settings that matter to us."""

    name: str
    partitions: int
    replication_factor: int
    config: dict[str, str]


def topic_spec(
    name: str, partitions: int, replication_factor: int, retention_ms: int, max_message_bytes: int
) -> TopicSpec:
    """A topic that keeps what was acknowledged: two in-sync replicas wherever there are three."""
    config = {
        "cleanup.policy": "delete",
        "retention.ms": str(retention_ms),
        "retention.bytes": "-1",
        "max.message.bytes": str(max_message_bytes),
        "min.insync.replicas": "2" if replication_factor >= 3 else "1",
    }
    return TopicSpec(name, partitions, replication_factor, config)


def held_spec(name: str, partitions: int, replication_factor: int) -> TopicSpec:
    """A compacted topic with small segments: the active one is never compacted."""
    config = {
        "cleanup.policy": "compact",
        "segment.bytes": str(16 << 20),
        "segment.ms": str(10 * 60_000),
        "min.cleanable.dirty.ratio": "0.1",
        "min.insync.replicas": "2" if replication_factor >= 3 else "1",
    }
    return TopicSpec(name, partitions, replication_factor, config)


def redrive_spec(name: str, partitions: int, replication_factor: int) -> TopicSpec:
    """As an event topic: what is sent again is an event again."""
    limit = EVENT_MAX_BYTES + DEAD_LETTER_EXTRA_BYTES
    return topic_spec(name, partitions, replication_factor, 3 * DAY_MS, limit)


class ActualTopic(msgspec.Struct, frozen=True):
    """What a Kafka topic is."""

    partitions: int
    replication_factor: int
    config: dict[str, str]


def differences(spec: TopicSpec, actual: ActualTopic) -> list[str]:
    """How a topic differs from its spec, one sentence a difference."""
    found = []
    if actual.partitions != spec.partitions:
        found.append(f"partitions: is {actual.partitions}, configured {spec.partitions}")
    if actual.replication_factor != spec.replication_factor:
        found.append(f"replication factor: is {actual.replication_factor}, configured {spec.replication_factor}")
    for name, wanted in spec.config.items():
        value = actual.config.get(name)
        if value != wanted:
            found.append(f"{name}: is {value}, configured {wanted}")
    return found
