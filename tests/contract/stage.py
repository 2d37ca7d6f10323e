"""What a contract is tested on: topics, and the parts of ours that read and write them, in memory or on a broker.

Shape   MemoryStage(), KafkaStage(servers, unique): both keep Stage. Two partitions each
"""

import time
from collections.abc import Callable
from typing import Protocol

from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import NewTopic  # type: ignore[attr-defined]  # they forgot __all__

from adapters.memory import MemoryHeldReader, MemoryLog, MemoryLogReader, MemorySource, MemoryTransactions
from pipeline.cluster import Cluster
from pipeline.held_reader import KafkaHeldReader
from pipeline.log_reader import KafkaLogReader
from pipeline.ports import Commit, HeldReader, LogReader, Record, Source, SourceListener, Start, Transactions
from pipeline.source import KafkaSource
from pipeline.subscription import Start as StartAt
from pipeline.transactions import KafkaTransactions

LIMIT_S = 30.0
PARTITIONS = 2


class Stage(Protocol):
    """Where the parts play."""

    events: str
    held: str

    def append(self, topic: str, partition: int, key: bytes | None, value: bytes | None) -> None: ...

    def trim(self, topic: str, partition: int, low: int) -> None: ...

    def source(self, listener: SourceListener) -> Source: ...

    def log_reader(self) -> LogReader: ...

    def held_reader(self) -> HeldReader: ...

    def transactions(self) -> Transactions: ...


class MemoryStage:
    """In memory."""

    events = "events"
    held = "held"

    def __init__(self) -> None:
        self.log = MemoryLog(PARTITIONS)

    def append(self, topic: str, partition: int, key: bytes | None, value: bytes | None) -> None:
        self.log.topic(topic).append(partition, key, value)

    def trim(self, topic: str, partition: int, low: int) -> None:
        self.log.topic(topic).trim(partition, low)

    def source(self, listener: SourceListener) -> Source:
        source = MemorySource(self.log, self.events, listener)
        source.assign(*range(PARTITIONS))
        return source

    def log_reader(self) -> LogReader:
        return MemoryLogReader(self.log, self.events)

    def held_reader(self) -> HeldReader:
        return MemoryHeldReader(self.log, self.held)

    def transactions(self) -> Transactions:
        return MemoryTransactions(self.log)


class KafkaStage:
    """On a broker."""

    def __init__(self, servers: str, unique: Callable[[str], str]) -> None:
        self.events, self.held, self.group = unique("events"), unique("held"), unique("group")
        self._cluster = Cluster({"bootstrap.servers": servers})
        topics = [NewTopic(name, PARTITIONS, 1) for name in (self.events, self.held)]
        self._admin = self._cluster.admin()
        for made in self._admin.create_topics(topics).values():
            made.result(LIMIT_S)

    def append(self, topic: str, partition: int, key: bytes | None, value: bytes | None) -> None:
        producer = Producer(self._cluster.producer_config())
        producer.produce(topic, value, key, partition)
        assert producer.flush(LIMIT_S) == 0
        producer.close()

    def trim(self, topic: str, partition: int, low: int) -> None:
        for done in self._admin.delete_records([TopicPartition(topic, partition, low)]).values():
            done.result(LIMIT_S)

    def source(self, listener: SourceListener) -> Source:
        return KafkaSource(self._cluster, self.events, self.group, StartAt(), listener, lambda _reason: None)

    def log_reader(self) -> LogReader:
        return KafkaLogReader(self._cluster, self.events)

    def held_reader(self) -> HeldReader:
        return KafkaHeldReader(self._cluster, self.held)

    def transactions(self) -> Transactions:
        return KafkaTransactions(self._cluster, self.group, lambda: True)


class Heard:
    """A listener that writes down what it hears."""

    def __init__(self) -> None:
        self.starts: dict[int, Start] = {}
        self.verdicts: list[bool] = []
        self.revoked: list[set[int]] = []
        self.to_commit: dict[int, Commit] = {}

    def on_assigned(self, starts: dict[int, Start]) -> None:
        self.starts |= starts

    def on_revoked(self, partitions: set[int]) -> dict[int, Commit]:
        self.revoked.append(set(partitions))
        return {partition: commit for partition, commit in self.to_commit.items() if partition in partitions}

    def on_lost(self, partitions: set[int]) -> None:
        self.revoked.append(set(partitions))

    def on_committed(self, *, acknowledged: bool, too_large: bool = False) -> None:
        assert not too_large
        self.verdicts.append(acknowledged)


class Member:
    """A source, and what its listener hears."""

    def __init__(self, stage: Stage) -> None:
        self.heard = Heard()
        self.source = stage.source(self.heard)

    def join(self) -> "Member":
        """Poll until every partition is ours."""
        assert self.read(lambda _: len(self.heard.starts) == PARTITIONS) == []
        return self

    def read(self, enough: Callable[[list[Record]], bool]) -> list[Record]:
        """Poll until it is enough."""
        records: list[Record] = []
        until_s = time.monotonic() + LIMIT_S
        while not enough(records):
            assert time.monotonic() < until_s, records
            records += self.source.poll(100, 0.05)
        return records
