"""The stages, in memory and on a broker."""

from collections.abc import Iterator

import pytest

from tests.contract.gateway_stage import Play, play_in_memory
from tests.contract.kafka_gateway import KafkaGateway
from tests.contract.stage import KafkaStage, MemoryStage, Stage

STAGES = ["memory", pytest.param("kafka", marks=pytest.mark.real_broker)]


@pytest.fixture(params=STAGES)
def stage(request: pytest.FixtureRequest) -> Stage:
    if request.param == "memory":
        return MemoryStage()
    return KafkaStage(request.getfixturevalue("broker").bootstrap_servers, request.getfixturevalue("unique"))


@pytest.fixture(scope="package")
def kafka_gateway(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaGateway]:
    """For the whole package, since it takes seconds to start; not longer, since its `run` would serve others, too."""
    servers = request.getfixturevalue("broker").bootstrap_servers
    with KafkaGateway(servers, tmp_path_factory.mktemp("gateway")) as gateway:
        yield gateway


@pytest.fixture(params=STAGES)
def gateway_stage(request: pytest.FixtureRequest) -> Play:
    if request.param == "memory":
        return play_in_memory
    gateway: KafkaGateway = request.getfixturevalue("kafka_gateway")
    return gateway.play
