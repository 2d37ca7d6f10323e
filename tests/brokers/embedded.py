"""The embedded tier: librdkafka's mock cluster, inside this process.

Not a Kafka: it makes every topic that is asked for, has no CreateTopics, keeps everything in memory.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from confluent_kafka import Producer

TIMEOUT_S = 10.0


@contextmanager
def embedded_broker(brokers: int = 1) -> Iterator[str]:
    """Give the bootstrap servers of a mock cluster that lives as long as the client that owns it."""
    owner = Producer({"test.mock.num.brokers": brokers, "log_level": 4})  # it announces itself at level 5
    addresses = owner.list_topics(timeout=TIMEOUT_S).brokers.values()
    yield ",".join(f"{broker.host}:{broker.port}" for broker in addresses)
    owner.flush(0)
