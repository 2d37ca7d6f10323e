"""The broker of the benchmarks: a native one, or the one that BATCH_EVENTS_TEST_BOOTSTRAP names."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic, OffsetSpec  # type: ignore[attr-defined]  # public, but not listed

from tests.brokers.native import NativeCluster

TIMEOUT_S = 120.0
AGAIN_S = 0.1
LATEST = OffsetSpec.latest()  # type: ignore[no-untyped-call]


@contextmanager
def broker() -> Iterator[str]:
    """Bootstrap servers."""
    given = os.environ.get("BATCH_EVENTS_TEST_BOOTSTRAP")
    if given:
        yield given
        return
    with NativeCluster() as cluster:
        yield cluster.bootstrap_servers


def create(servers: str, *topics: str, partitions: int = 6) -> None:
    """Create topics; return when each partition's leader answers."""
    admin = AdminClient({"bootstrap.servers": servers})
    for future in admin.create_topics([NewTopic(topic, partitions, 1) for topic in topics]).values():
        future.result(TIMEOUT_S)
    waiting = {TopicPartition(topic, partition): LATEST for topic in topics for partition in range(partitions)}
    deadline_s = time.monotonic() + TIMEOUT_S
    while waiting:
        answers = admin.list_offsets(waiting)
        waiting = {partition: LATEST for partition, answer in answers.items() if answer.exception(TIMEOUT_S)}
        assert time.monotonic() < deadline_s, f"no leader of {next(iter(waiting))}"
        time.sleep(AGAIN_S if waiting else 0)
