"""What makes a new subscription begin at its topic's end, before anybody knows of it.

Shape   begin_at_end(cluster, subscription, kafka_topic), blocking, of whoever makes a subscription at run time
Promise nothing that is published after the call is missed, however late `run` takes the subscription up, and nothing
        that was published before it is delivered: the group's offsets are the topic's end as it was within the call.
        So: first this, then the entry in the registry, then the answer
Anew    a subscription of that name may have been there before. What it had not delivered is given up, held keys too
Alone   the caller has made sure that there is no such subscription now: this one's offsets would be moved
Errors  TopicMissingError for the topic; PipelineError: members of a former subscription of that name have not left the
        group within LEAVE_S, or Kafka does not go along. Nothing was promised then
Cost    a few questions and a commit; after a former HTTP subscription a join and a transaction, some seconds
"""

import logging
import time
from collections.abc import Mapping

import msgspec
from confluent_kafka import Consumer, KafkaException, TopicPartition
from confluent_kafka.admin import TopicMetadata  # type: ignore[attr-defined]  # public names that it does not list

from adapters.rewind import Rewind, Target, members_of
from pipeline.cluster import Cluster
from pipeline.commit_note import CommitNote, write_note
from pipeline.errors import PipelineError, TopicMissingError
from pipeline.kafka_errors import About, is_passing, kafka_error
from pipeline.subscription import Start, Subscription
from pipeline.told_offsets import sound
from pipeline.topics import held_topic, subscription_group

log = logging.getLogger(__name__)

ANSWER_S = 5.0

LEAVE_S = 8.0
"""`run` lets go of a subscription that is gone within about six seconds."""

LOOK_S = 0.2


def begin_at_end(cluster: Cluster, subscription: Subscription, kafka_topic: str) -> dict[int, int]:
    """Commit the end of each partition; returns them.

    Raises:
        TopicMissingError, PipelineError: it was not done.
    """
    group = subscription_group(subscription.topic_name, subscription.name)
    until_s = time.monotonic() + LEAVE_S
    while True:
        try:
            if not (members := members_of(cluster, group)):
                return _begin(cluster, subscription, kafka_topic, group)
        except KafkaException as error:
            if time.monotonic() >= until_s or not (kafka_error(error).retriable() or is_passing(error)):
                raise cluster.explain(error, About((kafka_topic,), group)) from error
        else:
            # They would be given other offsets than they work with; the brokers would refuse that.
            if time.monotonic() >= until_s:
                raise PipelineError(f"group {group} has {members} members still, of a former subscription of that name")
        time.sleep(LOOK_S)


def _begin(cluster: Cluster, subscription: Subscription, kafka_topic: str, group: str) -> dict[int, int]:
    consumer = Consumer(cluster.consumer_config(group, cluster.note) | {"logger": log})
    try:
        metadata = consumer.list_topics(timeout=ANSWER_S).topics
        if kafka_topic not in metadata:
            raise cluster.topic_refused([kafka_topic]) or TopicMissingError(kafka_topic, subscription.topic_name)
        partitions = [TopicPartition(kafka_topic, partition) for partition in metadata[kafka_topic].partitions]
        if subscription.http is not None and _holds(cluster, consumer, metadata, subscription):
            return _anew(cluster, subscription, kafka_topic)
        return _commit_ends(cluster, consumer, kafka_topic, partitions)
    finally:
        consumer.close()


def _holds(
    cluster: Cluster, consumer: Consumer, metadata: Mapping[str, TopicMetadata], subscription: Subscription
) -> bool:
    """Whether a former subscription of that name may have held keys; a topic that is hidden from us may hold them."""
    name = held_topic(subscription.topic_name, subscription.name)
    if (held := metadata.get(name)) is not None:
        return _was_written(consumer, held)
    if (refused := cluster.topic_refused([name])) is not None:
        raise refused
    return False


def _was_written(consumer: Consumer, topic: TopicMetadata) -> bool:
    """Whether keys may be held there."""
    places = (TopicPartition(str(topic.topic), partition) for partition in topic.partitions)
    return any(consumer.get_watermark_offsets(place, timeout=ANSWER_S)[1] for place in places)


def _commit_ends(
    cluster: Cluster, consumer: Consumer, kafka_topic: str, partitions: list[TopicPartition]
) -> dict[int, int]:
    note = write_note(CommitNote(topic_id=cluster.topic_ids.of(kafka_topic)))
    ends = {part.partition: consumer.get_watermark_offsets(part, timeout=ANSWER_S)[1] for part in partitions}
    offsets = [TopicPartition(kafka_topic, partition, end, note) for partition, end in ends.items()]
    sound(consumer.commit(offsets=offsets, asynchronous=False) or ())
    return ends


def _anew(cluster: Cluster, subscription: Subscription, kafka_topic: str) -> dict[int, int]:
    """As an operator's `rewind --to latest --skip`."""
    one = msgspec.structs.replace(subscription, start=Start("latest"))
    moved = Rewind(cluster, one, kafka_topic).run(Target(Start("latest"), skip=True))
    return {partition: to.offset for partition, to in moved.items()}
