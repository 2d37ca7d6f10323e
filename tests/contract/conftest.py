"""The stages, in memory and on a broker."""

import pytest

from tests.contract.gateway_stage import Play, play_in_memory
from tests.contract.stage import KafkaStage, MemoryStage, Stage


@pytest.fixture(params=["memory", pytest.param("kafka", marks=pytest.mark.real_broker)])
def stage(request: pytest.FixtureRequest) -> Stage:
    if request.param == "memory":
        return MemoryStage()
    return KafkaStage(request.getfixturevalue("broker").bootstrap_servers, request.getfixturevalue("unique"))


@pytest.fixture(params=["memory"])
def gateway_stage(request: pytest.FixtureRequest) -> Play:
    plays = {"memory": play_in_memory}
    return plays[request.param]
