"""How many messages a topic has, and how many a subscription has still to deliver: asked of Kafka each time.

Shape   TopicCounts(cluster, facts): messages(kafka_topic), waiting(entry, kafka_topic)
Counts  of records in the log. Event topics are written without transactions, so there are no markers among them
Errors  CmqError NO_TOPIC: there is no such Kafka topic; INTERNAL: no answer
"""

import logging
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Protocol

from confluent_kafka import KafkaException

from adapters.gateway.errors import Row
from adapters.gateway.logs.blocking import blocking
from adapters.gateway.logs.kafka_logs import KafkaLogs
from adapters.group_progress import Progress, progress_of
from pipeline.cluster import Cluster
from pipeline.cmq_registry import SubscriptionEntry
from pipeline.errors import PipelineError
from pipeline.kafka_errors import describe
from pipeline.topics import subscription_group

log = logging.getLogger(__name__)

ANSWER_S = 6.0


class Facts(Protocol):
    """What is needed of LogFacts."""

    async def extents(self, topic: str, partitions: Iterable[int]) -> Mapping[int, tuple[int, int]]:
        """Where partitions begin and end."""
        ...


class TopicCounts:
    """Asks Kafka."""

    def __init__(self, cluster: Cluster, facts: Facts) -> None:
        self._cluster = cluster
        self._facts = facts
        self._logs = KafkaLogs(cluster)

    async def messages(self, kafka_topic: str) -> int:
        """How many messages the topic has.

        Raises:
            CmqError: see above.
        """
        return sum(end - low for low, end in (await self._extents(kafka_topic)).values())

    async def waiting(self, entry: SubscriptionEntry, kafka_topic: str) -> int:
        """How many messages the subscription's group has not settled.

        Raises:
            CmqError: see above.
        """
        extents = await self._extents(kafka_topic)
        group = subscription_group(entry.topic_name, entry.name)
        try:
            progress = await blocking(partial(progress_of, self._cluster, group, kafka_topic, list(extents)), ANSWER_S)
        except (PipelineError, KafkaException, TimeoutError) as error:
            log.warning("subscription_progress_unknown", extra={"group": group, "error": repr(error)})
            raise Row.INTERNAL.error() from error
        return sum(
            unsettled(low, end, progress.get(partition, Progress()), configured=entry.configured)
            for partition, (low, end) in extents.items()
        )

    async def _extents(self, kafka_topic: str) -> Mapping[int, tuple[int, int]]:
        try:
            existing = await blocking(self._logs.existing, ANSWER_S)
            if kafka_topic not in existing:
                raise Row.NO_TOPIC.error()
            return await self._facts.extents(kafka_topic, range(existing[kafka_topic]))
        except (KafkaException, TimeoutError) as error:
            shown = describe(error) if isinstance(error, KafkaException) else "no answer"
            log.warning("topic_not_counted", extra={"topic": kafka_topic, "error": shown})
            raise Row.INTERNAL.error() from error


def unsettled(low: int, end: int, progress: Progress, *, configured: bool) -> int:
    """How many of the offsets of [low, end) a group has still before it.

    One without offsets has everything before it if it is of the configuration file, which starts with the earliest;
    one that was made through the API starts at the end.
    """
    if progress.committed is None:
        return end - low if configured else 0
    start = max(low, progress.committed)
    ahead = sum(max(0, min(to, end) - max(first, start)) for first, to in progress.ranges)
    return max(0, end - start - ahead)
