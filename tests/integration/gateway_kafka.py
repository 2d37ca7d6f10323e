"""What the tests of the gateway's Kafka parts play on: a cluster, topics, and readers, on an event loop."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import uvloop
from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import NewTopic  # type: ignore[attr-defined]  # they forgot __all__

from adapters.gateway.logs.body_readers import KafkaBodyReaders
from adapters.gateway.logs.log_facts import LogFacts
from adapters.gateway.logs.sender import KafkaSender
from pipeline.cluster import Cluster
from tests.harness.kafka import produce_many

LIMIT_S = 30.0


class Stage:
    """One cluster, its topics and what died."""

    def __init__(self, servers: str) -> None:
        self.servers = servers
        self.cluster = Cluster({"bootstrap.servers": servers})
        self.died: list[str] = []
        self._admin = self.cluster.admin()

    def create(self, *topics: str, partitions: int = 1, config: dict[str, str] | None = None) -> None:
        made = [NewTopic(topic, partitions, 1, config=dict(config or {})) for topic in topics]
        for done in self._admin.create_topics(made).values():
            done.result(LIMIT_S)

    def delete(self, *topics: str) -> None:
        for done in self._admin.delete_topics(list(topics)).values():
            done.result(LIMIT_S)

    def trim(self, topic: str, low: int) -> None:
        for done in self._admin.delete_records([TopicPartition(topic, 0, low)]).values():
            done.result(LIMIT_S)

    def put(self, topic: str, *values: bytes) -> None:
        produce_many(self.servers, topic, [(value, None, 0, {"n": value}) for value in values])

    def transaction(self, topic: str, *values: bytes, commit: bool) -> None:
        producer = Producer(self.cluster.transactional_config(f"test-{topic}"))
        producer.init_transactions(LIMIT_S)
        producer.begin_transaction()
        for value in values:
            producer.produce(topic, value, partition=0)
        producer.flush(LIMIT_S)
        if commit:
            producer.commit_transaction()
        else:
            producer.abort_transaction()
        producer.close()

    @asynccontextmanager
    async def readers(self) -> AsyncIterator[KafkaBodyReaders]:
        readers = KafkaBodyReaders(self.cluster, LogFacts(self.cluster), self.died.append)
        try:
            yield readers
        finally:
            await readers.close()
            assert self.died == []

    @asynccontextmanager
    async def sender(self) -> AsyncIterator[KafkaSender]:
        sender = KafkaSender(self.cluster, self.died.append)
        try:
            yield sender
        finally:
            await sender.close()
            assert self.died == []


def play(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a test's work on the loop that the gateway has; an exception in a callback fails it."""
    faults: list[dict[str, Any]] = []

    async def watched() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _loop, context: faults.append(context))
        await work()

    uvloop.run(watched())
    assert faults == []


async def eventually(holds: Callable[[], bool]) -> None:
    """Return when it holds."""
    async with asyncio.timeout(LIMIT_S):
        while not holds():  # noqa: ASYNC110  what is looked at tells nobody that it has changed
            await asyncio.sleep(0.02)
