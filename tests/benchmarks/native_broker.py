"""The broker of the benchmarks: a native one, or the one that BATCH_EVENTS_TEST_BOOTSTRAP names."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]  # public, but not listed

from tests.brokers.native import NativeCluster

TIMEOUT_S = 30.0


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
    """Create topics."""
    admin = AdminClient({"bootstrap.servers": servers})
    for future in admin.create_topics([NewTopic(topic, partitions, 1) for topic in topics]).values():
        future.result(TIMEOUT_S)
