"""The unmodified Java SDK against two replicas on a real broker behind one address."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.brokers.broker import Broker
from tests.brokers.pytest_plugin import refuse, unique_name
from tests.brokers.tiers import CannotRun
from tests.harness.java_sdk import JavaSdk
from tests.integration.sdk_scene import Scene, sdk_scene

pytestmark = pytest.mark.real_broker


@pytest.fixture(scope="module")
def sdk(request: pytest.FixtureRequest) -> JavaSdk:
    try:
        return JavaSdk.found()
    except CannotRun as reason:
        refuse(request.node, f"no Java SDK: {reason}")


@pytest.fixture(scope="module")
def scene(broker: Broker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with sdk_scene(broker.bootstrap_servers, tmp_path_factory.mktemp("gateway")) as scene:
        yield scene


def test_everything_that_the_java_sdk_can_do_works_whichever_replica_answers(
    sdk: JavaSdk, scene: Scene, tmp_path: Path
) -> None:
    with scene.both_have_turns():
        steps = sdk.play(*scene.access, unique_name("java"), tmp_path)
    assert len(steps) == 14
