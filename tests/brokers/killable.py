"""Clusters whose brokers a test kills: as NativeCluster makes them, but quicker to notice."""

from collections.abc import Mapping
from typing import Protocol

from tests.brokers.broker_config import QUICK_FAILOVER
from tests.brokers.native import NativeCluster


class ClusterMaker(Protocol):
    """What the fixture `native_cluster` gives."""

    def __call__(
        self, brokers: int = 1, config: Mapping[str, str] | None = None, client: Mapping[str, str] | None = None
    ) -> NativeCluster:
        """Give a cluster that is not started; use it as a context."""


def killable_cluster(
    brokers: int = 1, config: Mapping[str, str] | None = None, client: Mapping[str, str] | None = None
) -> NativeCluster:
    """Give a cluster with QUICK_FAILOVER, unless config says otherwise."""
    return NativeCluster(brokers, {**QUICK_FAILOVER, **(config or {})}, client)
