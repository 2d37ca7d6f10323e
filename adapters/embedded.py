"""A Kafka inside this process: librdkafka's mock cluster, which ships in the confluent-kafka wheel.

For the demo and quick tests, never for figures: it keeps everything in memory, fetches slowly, makes topics when asked
about them, knows no CreateTopics, and does not store a transaction's offsets.
"""

import logging
from types import TracebackType
from typing import Self

from confluent_kafka import Producer

ANSWER_S = 10.0

log = logging.getLogger(__name__)


class EmbeddedCluster:
    """with EmbeddedCluster() as cluster: … cluster.bootstrap_servers."""

    def __init__(self, brokers: int = 1) -> None:
        # The cluster lives as long as the client that owns it.
        config = {"bootstrap.servers": "mock", "test.mock.num.brokers": brokers, "log_level": 3, "logger": log}
        self._owner = Producer(config)
        found = self._owner.list_topics(timeout=ANSWER_S).brokers.values()
        self.bootstrap_servers = ",".join(f"{broker.host}:{broker.port}" for broker in found)

    def create(self, topic: str) -> None:
        """Make a topic, of four partitions."""
        self._owner.list_topics(topic, timeout=ANSWER_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._owner.close()
