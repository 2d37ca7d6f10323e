"""Waiting for brokers, by condition: they answer, and all of them are there."""

import time
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

START_TIMEOUT_S = 90.0
PATIENCE_S = 0.5

KNOCKING = {
    "reconnect.backoff.ms": 50,
    "reconnect.backoff.max.ms": 200,
    "log_level": 0,  # refused connections are what we expect
}


class BrokerStartError(Exception):
    """A broker ended or did not answer in time; the text has the tail of its log."""


def wait_until_answering(
    bootstrap_servers: str,
    broker_ids: AbstractSet[int],
    still_running: Callable[[], None],
    client: Mapping[str, str] | None = None,
) -> None:
    """Return when all broker_ids are in the cluster's metadata.

    Args:
        bootstrap_servers: host:port, comma-separated.
        broker_ids: node ids; more may be there.
        still_running: called between tries; raises when waiting is in vain.
        client: what a client needs beyond the address.

    Raises:
        BrokerStartError: not all answered within START_TIMEOUT_S.
    """
    admin = AdminClient({"bootstrap.servers": bootstrap_servers, **KNOCKING, **(client or {})})
    give_up_at = time.monotonic() + START_TIMEOUT_S
    while not broker_ids <= (seen := _brokers_seen(admin)):
        still_running()
        if time.monotonic() > give_up_at:
            raise BrokerStartError(f"{bootstrap_servers}: brokers {set(seen)} of {set(broker_ids)} answer")


def _brokers_seen(admin: AdminClient) -> AbstractSet[int]:
    try:
        return admin.list_topics(timeout=PATIENCE_S).brokers.keys()
    except KafkaException:
        return frozenset()
