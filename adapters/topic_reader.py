"""Reading a topic once, without a group: for people's commands, not for delivery.

Shape   read_topic(cluster, topic) -> every record from the beginning, or a time, or given offsets, to what was the end
        when it began
Errors  TopicMissingError, BrokerUnreachableError, AccessRefusedError
"""

import logging
from collections.abc import Callable, Iterator, Mapping

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from pipeline.cluster import Cluster
from pipeline.errors import TopicMissingError
from pipeline.kafka_errors import About, is_access, translate
from pipeline.told_offsets import at_times

ANSWER_S = 10.0
STEP = 500

log = logging.getLogger(__name__)

Choice = Callable[[int], Mapping[int, int]]
"""How many partitions there are -> which to read, and from which offset each."""


def everything(partitions: int) -> Mapping[int, int]:
    """The whole topic."""
    return dict.fromkeys(range(partitions), 0)


def read_topic(
    cluster: Cluster,
    topic: str,
    choice: Choice = everything,
    since_ms: int | None = None,
    *,
    committed: bool = True,
) -> Iterator[Message]:
    """Yield every committed record that the topic holds now.

    Args:
        choice: of the partitions, and where to begin.
        since_ms: nothing that was written before; Unix milliseconds.
        committed: else also what a transaction that is open hides, be it of that transaction or not, or aborted.
    """
    refusals: list[KafkaError] = []
    config = cluster.consumer_config("batch-events-reader", refusals.append) | {
        "logger": log,
        "enable.partition.eof": True,
        "fetch.wait.max.ms": 10,
        "auto.offset.reset": "earliest",
        "isolation.level": "read_committed" if committed else "read_uncommitted",
    }
    consumer = Consumer(config)
    try:
        yield from _read(cluster, consumer, topic, choice, since_ms)
    except KafkaException as error:
        consumer.poll(0)  # hears why nobody answered
        about = About((topic,))
        raise translate(next(filter(is_access, refusals), error), cluster.servers, about) from error
    finally:
        consumer.close()


def _read(cluster: Cluster, consumer: Consumer, topic: str, choice: Choice, since_ms: int | None) -> Iterator[Message]:
    metadata = consumer.list_topics(timeout=ANSWER_S).topics
    if topic not in metadata:
        raise cluster.topic_refused([topic]) or TopicMissingError(topic)
    starts = dict(choice(len(metadata[topic].partitions)))
    if since_ms is not None:
        starts = _from_time(consumer, topic, starts, since_ms)
    partitions = set(starts)
    consumer.assign([TopicPartition(topic, partition, start) for partition, start in starts.items()])
    while partitions:
        first = consumer.poll(ANSWER_S)
        if first is None:
            raise KafkaException(KafkaError(KafkaError._TIMED_OUT))
        for message in [first, *consumer.consume(STEP, 0)]:
            error = message.error()
            if error is None:
                yield message
            elif error.code() == KafkaError._PARTITION_EOF:
                partitions.discard(message.partition() or 0)
            elif error.code() != KafkaError.GROUP_AUTHORIZATION_FAILED:  # no group is joined
                raise KafkaException(error)


def _from_time(consumer: Consumer, topic: str, starts: Mapping[int, int], since_ms: int) -> dict[int, int]:
    """Later starts; partitions that hold nothing so late are left out."""
    asked = [TopicPartition(topic, partition, since_ms) for partition in starts]
    found = at_times(consumer, asked, ANSWER_S) if asked else []
    return {part.partition: max(part.offset, starts[part.partition]) for part in found if part.offset >= 0}
