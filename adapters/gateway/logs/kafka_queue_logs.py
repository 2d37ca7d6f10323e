"""What a slot's owner asks of queue topics beside their bodies, of Kafka.

Shape   KafkaQueueLogs(cluster, facts, send, partitions_of) keeps the QueueLogs port
Errors  CmqError NO_QUEUE: there is no such Kafka topic; PipelineError: the brokers do not answer
Cost    a question each time; is_buried reads what was appended to the dead-letter queue since, after a change of owner
"""

from collections.abc import Callable, Sequence
from functools import partial

from confluent_kafka import KafkaException

from adapters.gateway.errors import CmqError, Row
from adapters.gateway.kafka_queues import Sender
from adapters.gateway.logs.blocking import blocking
from adapters.gateway.logs.log_facts import LogFacts
from adapters.topic_reader import read_topic
from pipeline.cluster import Cluster
from pipeline.errors import PipelineError, TopicMissingError
from pipeline.headers import Headers
from pipeline.kafka_errors import About, is_unknown_topic
from pipeline.ports import ANY_PARTITION
from pipeline.topics import queue_topic

READ_S = 30.0


class KafkaQueueLogs:
    """The logs of all queues."""

    def __init__(
        self, cluster: Cluster, facts: LogFacts, send: Sender, partitions_of: Callable[[str], int | None]
    ) -> None:
        """Ask nothing yet.

        Args:
            partitions_of: a queue's number of partitions, as the registry has it; None: there is no such queue.
        """
        self._cluster = cluster
        self._facts = facts
        self._send = send
        self._partitions_of = partitions_of

    async def ends(self, queue_name: str) -> Sequence[int]:
        """See QueueLogs."""
        topic, partitions = queue_topic(queue_name), self._partitions_of(queue_name)
        if partitions is None:
            raise Row.NO_QUEUE.error()
        try:
            extents = await self._facts.extents(topic, range(partitions))
        except KafkaException as error:
            raise self._explained(error, topic) from error
        return [extents[partition].end for partition in range(partitions)]

    async def offset_at(self, queue_name: str, partition: int, timestamp_ms: int) -> int:
        """See QueueLogs."""
        topic = queue_topic(queue_name)
        try:
            return (await self._facts.offsets_at(topic, [partition], timestamp_ms))[partition]
        except KafkaException as error:
            raise self._explained(error, topic) from error

    async def bury(self, queue_name: str, body: bytes, headers: Headers) -> None:
        """See QueueLogs."""
        try:
            await self._send(queue_topic(queue_name), ANY_PARTITION, [body], [headers])
        except CmqError as error:
            if error.row is Row.NO_QUEUE:
                raise
            raise PipelineError(f"dead-letter queue {queue_name!r}: {error}") from error

    async def is_buried(self, queue_name: str, since: Sequence[int], headers: Headers) -> bool:
        """See QueueLogs."""
        topic = queue_topic(queue_name)
        try:
            return await blocking(partial(self._find, topic, since, headers), READ_S)
        except TopicMissingError as error:
            raise Row.NO_QUEUE.error() from error
        except TimeoutError as error:
            raise PipelineError(f"topic {topic!r} could not be read within {READ_S:.0f} s") from error

    def _find(self, topic: str, since: Sequence[int], headers: Headers) -> bool:
        def choice(partitions: int) -> dict[int, int]:
            return {partition: since[partition] if partition < len(since) else 0 for partition in range(partitions)}

        wanted = set(headers)
        # A dead letter is of no transaction; one that is open there must not hide it.
        messages = read_topic(self._cluster, topic, choice, committed=False)
        return any(wanted <= set(message.headers() or []) for message in messages)

    def _explained(self, error: KafkaException, topic: str) -> Exception:
        if is_unknown_topic(error):
            return Row.NO_QUEUE.error()
        return self._cluster.explain(error, About((topic,)))
