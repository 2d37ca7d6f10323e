"""Every case of the gateway, judged by one oracle (tests/harness/cmq_oracle.py)."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.brokers.native import NativeCluster
from tests.faults.gateway_case import GatewayCase
from tests.faults.gateway_cases import GATEWAY_CASES
from tests.faults.gateway_scene import GatewayScene

STOCK = {"group.initial.rebalance.delay.ms": "3000"}
"""What the test brokers set away from Kafka's defaults, and take-overs feel."""


def _param(case: GatewayCase) -> object:
    return pytest.param(case, id=case.name.replace(" ", "-"))


@pytest.fixture(scope="module")
def shared_cluster() -> Iterator[NativeCluster]:
    """For all cases that leave their broker alone."""
    with NativeCluster(1, STOCK) as cluster:
        yield cluster


@pytest.fixture
def scene(request: pytest.FixtureRequest, tmp_path: Path, unique: Callable[[str], str]) -> Iterator[GatewayScene]:
    """The case's world."""
    case: GatewayCase = request.node.callspec.params["case"]
    if not case.brokers:
        with GatewayScene(tmp_path, request.getfixturevalue("shared_cluster"), unique) as made:
            yield made
        return
    with (
        NativeCluster(case.brokers, STOCK | case.broker_config) as cluster,
        GatewayScene(tmp_path, cluster, unique) as made,
    ):
        yield made


@pytest.mark.faults
@pytest.mark.native_cluster
@pytest.mark.timeout(240)
@pytest.mark.parametrize("case", [_param(case) for case in GATEWAY_CASES])
def test_survives(case: GatewayCase, scene: GatewayScene) -> None:
    case.do(scene)
    verdict = scene.finish()
    assert verdict.faultless, verdict
