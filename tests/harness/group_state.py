"""What a subscription has durably done, read from Kafka by somebody else: committed offsets with their maps, held keys.

Shape   DurableState.of(servers, group, event topic, held topic) -> settled(partition, offset, key), unfinished(records)
Source  the forms that pipeline/commit_note.py and pipeline/held_record.py document, decoded anew: the oracle does not
        believe the code that it judges
"""

import json
import time
import zlib
from base64 import b85decode
from collections.abc import Callable
from typing import NamedTuple

from confluent_kafka import Consumer, KafkaException, TopicPartition

from tests.harness.kafka import TIMEOUT_S, Read, read_all


class Committed(NamedTuple):
    """A partition's committed offset, and the ranges [from, to) that are settled beyond it."""

    offset: int
    ranges: tuple[tuple[int, int], ...]

    def settled(self, offset: int) -> bool:
        return offset < self.offset or any(low <= offset < high for low, high in self.ranges)


class DurableState(NamedTuple):
    """A moment's state. `held` maps (partition, key) to the frontier: the key's events from there on are not done."""

    committed: dict[int, Committed]
    held: dict[tuple[int, bytes | None], int]

    @classmethod
    def of(cls, servers: str, group: str, event_topic: str, held_topic: str | None) -> "DurableState":
        # The commit first: a key that is held between the two looks is then in neither, which allows more, not less.
        committed = committed_offsets(servers, group, event_topic)
        return cls(committed, held_keys(servers, held_topic) if held_topic else {})

    @property
    def begun(self) -> bool:
        """Whether any event was committed."""
        return any(one.offset or one.ranges for one in self.committed.values())

    def settled(self, partition: int, offset: int, key: bytes | None) -> bool:
        """Whether a successor would not send this event again."""
        held = self.held.get((partition, key))
        if held is not None and offset >= held:
            return False
        return partition in self.committed and self.committed[partition].settled(offset)

    def unfinished(self, records: list[Read]) -> list[Read]:
        """Those of these records that are not committed, or whose key is still held."""
        return [one for one in records if not self.settled(one.partition, one.offset, one.key)]


def committed_offsets(servers: str, group: str, topic: str) -> dict[int, Committed]:
    """Without waiting for a transaction that is open: what it would commit is not durable."""
    config = {"bootstrap.servers": servers, "group.id": group, "isolation.level": "read_uncommitted", "log_level": 0}
    consumer = Consumer(config)
    try:
        partitions = consumer.list_topics(topic, timeout=TIMEOUT_S).topics[topic].partitions
        found = _answered(lambda: consumer.committed([TopicPartition(topic, one) for one in partitions], timeout=5.0))
        return {one.partition: _committed(one) for one in found if one.offset >= 0}
    finally:
        consumer.close()


def _answered(ask: Callable[[], list[TopicPartition]]) -> list[TopicPartition]:
    """Ask until somebody answers: the coordinator may be about to move."""
    deadline_s = time.monotonic() + TIMEOUT_S
    while True:
        try:
            return ask()
        except KafkaException:
            if time.monotonic() > deadline_s:
                raise
            time.sleep(0.1)


def held_keys(servers: str, topic: str) -> dict[tuple[int, bytes | None], int]:
    """The frontier of every key of the event topic that is held."""
    held: dict[tuple[int, bytes | None], int] = {}
    for record in read_all(servers, topic):
        assert record.key is not None
        if record.key[0] != 0:
            continue  # of the redrive topic
        key = record.key[2:] if record.key[1] else None
        if record.value is None:
            held.pop((record.partition, key), None)
        else:
            held[record.partition, key] = json.loads(record.value)[0]
    return held


def _committed(one: TopicPartition) -> Committed:
    return Committed(one.offset, tuple(_ranges(one.offset, one.metadata or "")))


def _ranges(offset: int, metadata: str) -> list[tuple[int, int]]:
    packed = metadata.split(";", 6)[6] if metadata.startswith("1;") else ""
    data = b85decode(packed[1:]) if packed else b""
    if packed.startswith("z"):
        data = zlib.decompress(data)
    ranges, value, shift, settled = [], 0, 0, False
    for byte in data:
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte & 0x80:
            continue
        if settled:
            ranges.append((offset, offset + value))
        offset, value, shift, settled = offset + value, 0, 0, not settled
    return ranges
