"""The registry of what is made at run time, written as a gateway does; what a test has written is gone after it."""

import time
from typing import Self

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]  # they forgot __all__

from pipeline.cmq_registry import REGISTRY_TOPIC, Gone, SubscriptionEntry, encode, subscription_key
from tests.harness.kafka import produce


class Registry:
    """Entries of one test."""

    def __init__(self, servers: str) -> None:
        self._servers = servers
        self._keys: set[bytes] = set()
        admin = AdminClient({"bootstrap.servers": servers})  # without a name it would be gone before the answer
        topic = NewTopic(REGISTRY_TOPIC, 1, 1, config={"cleanup.policy": "compact"})
        (answer,) = admin.create_topics([topic]).values()
        try:
            answer.result()
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for key in self._keys:
            produce(self._servers, REGISTRY_TOPIC, None, key)

    def put(self, entry: SubscriptionEntry | Gone) -> None:
        """Write an entry."""
        self.put_raw(*encode(entry))

    def put_raw(self, key: bytes, value: bytes | None) -> None:
        """Write a record."""
        self._keys.add(key)
        produce(self._servers, REGISTRY_TOPIC, value, key)

    def gone(self, topic: str, name: str) -> None:
        """A subscription is deleted."""
        key = subscription_key(topic, name)
        self.put(Gone("subscription", key.partition(":")[2], int(time.time()) + 30))


def made(topic: str, name: str, protocol: str, endpoint: str, **more: object) -> SubscriptionEntry:
    """An entry of a subscription that is made now."""
    return SubscriptionEntry(topic, name, f"id-{name}", protocol, endpoint, created_s=int(time.time()), **more)  # type: ignore[arg-type]
