"""Reading a whole topic once, without a group: for people's commands, not for delivery.

Shape   read_topic(cluster, topic) -> every record from the beginning to what was the end when it began
Errors  TopicMissingError, BrokerUnreachableError, AccessRefusedError
"""

import logging
from collections.abc import Iterator

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from pipeline.cluster import Cluster
from pipeline.errors import TopicMissingError
from pipeline.kafka_errors import About, is_access, translate

ANSWER_S = 10.0

log = logging.getLogger(__name__)


def read_topic(cluster: Cluster, topic: str) -> Iterator[Message]:
    """Yield every committed record that the topic holds now."""
    refusals: list[KafkaError] = []
    config = cluster.consumer_config("batch-events-reader", refusals.append) | {
        "logger": log,
        "enable.partition.eof": True,
        "fetch.wait.max.ms": 10,
        "auto.offset.reset": "earliest",
    }
    consumer = Consumer(config)
    try:
        yield from _read(cluster, consumer, topic)
    except KafkaException as error:
        consumer.poll(0)  # hears why nobody answered
        about = About((topic,))
        raise translate(next(filter(is_access, refusals), error), cluster.servers, about) from error
    finally:
        consumer.close()


def _read(cluster: Cluster, consumer: Consumer, topic: str) -> Iterator[Message]:
    metadata = consumer.list_topics(timeout=ANSWER_S).topics
    if topic not in metadata:
        raise cluster.topic_refused([topic]) or TopicMissingError(topic)
    partitions = set(metadata[topic].partitions)
    consumer.assign([TopicPartition(topic, partition, 0) for partition in partitions])
    while partitions:
        message = consumer.poll(ANSWER_S)
        if message is None:
            raise KafkaException(KafkaError(KafkaError._TIMED_OUT))
        error = message.error()
        if error is None:
            yield message
        elif error.code() == KafkaError._PARTITION_EOF:
            partitions.discard(message.partition() or 0)
        elif error.code() != KafkaError.GROUP_AUTHORIZATION_FAILED:  # no group is joined
            raise KafkaException(error)
