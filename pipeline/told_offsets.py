"""Offsets as the brokers tell them, with a refusal as an error: librdkafka gives no offset then, or an older answer.

Shape   committed(consumer, places), at_times(consumer, places), extent(consumer, place) -> (low, high); sound(places)
Why     of a topic that is refused each place has an error of its own, and no offset, as where there is none to tell. A
        client that has once been told so goes on saying that it knows no such partition, also when the right is back,
        until it asks for the topic again
Errors  KafkaException
"""

from collections.abc import Sequence

from confluent_kafka import Consumer, KafkaException, TopicPartition

from pipeline.kafka_errors import is_unknown_topic


def committed(consumer: Consumer, places: list[TopicPartition], timeout_s: float) -> list[TopicPartition]:
    """What the consumer's group has committed."""
    return sound(consumer.committed(places, timeout=timeout_s))


def at_times(consumer: Consumer, places: list[TopicPartition], timeout_s: float) -> list[TopicPartition]:
    """The first offsets that are not older than the times that stand in the place of offsets."""
    return sound(consumer.offsets_for_times(places, timeout=timeout_s))


def extent(consumer: Consumer, place: TopicPartition, timeout_s: float) -> tuple[int, int]:
    """The log's first offset, and the one behind its last."""
    try:
        low, high = consumer.get_watermark_offsets(place, timeout=timeout_s)
    except KafkaException as error:
        if not is_unknown_topic(error):
            raise
        topic = consumer.list_topics(place.topic, timeout=timeout_s).topics[place.topic]
        if topic.error is not None:
            raise KafkaException(topic.error) from error
        low, high = consumer.get_watermark_offsets(place, timeout=timeout_s)
    return low, high


def sound(places: Sequence[TopicPartition]) -> list[TopicPartition]:
    """These, if none of them has an error."""
    for place in places:
        if place.error is not None:
            raise KafkaException(place.error)
    return list(places)
