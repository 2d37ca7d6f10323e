"""The broker that a test session runs on, whatever its tier."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from confluent_kafka.admin import AdminClient, ConfigResource  # type: ignore[attr-defined] # they forgot __all__

from tests.brokers.container import container_broker
from tests.brokers.embedded import embedded_broker
from tests.brokers.image import ensure_image
from tests.brokers.native import NativeCluster
from tests.brokers.tiers import Tier

TIMEOUT_S = 15.0


def _no_log() -> str:
    return ""


@dataclass(frozen=True)
class Broker:
    """Where it answers, which tier it is, whether it makes every topic that is named to it, and what it said last."""

    bootstrap_servers: str
    tier: str
    auto_creates_topics: bool = False
    log_tail: Callable[[], str] = _no_log


@contextmanager
def running_broker(tier: Tier, given_bootstrap_servers: str) -> Iterator[Broker]:
    """Start the tier's broker and end it; a given one is left alone."""
    match tier:
        case Tier.GIVEN:
            yield Broker(given_bootstrap_servers, tier, _auto_creates_topics(given_bootstrap_servers))
        case Tier.CONTAINER:
            with container_broker(ensure_image(lambda _: None)) as (bootstrap_servers, log_tail):
                yield Broker(bootstrap_servers, tier, log_tail=log_tail)
        case Tier.NATIVE:
            with NativeCluster() as cluster:
                yield Broker(cluster.bootstrap_servers, tier, log_tail=cluster.log_tail)
        case Tier.EMBEDDED:
            with embedded_broker() as bootstrap_servers:
                yield Broker(bootstrap_servers, tier, auto_creates_topics=True)


def _auto_creates_topics(bootstrap_servers: str) -> bool:
    """Ask a cluster that somebody else configured."""
    admin = AdminClient({"bootstrap.servers": bootstrap_servers})
    some_broker = next(iter(admin.list_topics(timeout=TIMEOUT_S).brokers))
    asked = ConfigResource("broker", str(some_broker))
    config = admin.describe_configs([asked], request_timeout=TIMEOUT_S)[asked].result()
    return bool(config["auto.create.topics.enable"].value == "true")
