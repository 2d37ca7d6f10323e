"""The stage, in memory and on a broker."""

import pytest

from tests.contract.stage import KafkaStage, MemoryStage, Stage


@pytest.fixture(params=["memory", pytest.param("kafka", marks=pytest.mark.real_broker)])
def stage(request: pytest.FixtureRequest) -> Stage:
    if request.param == "memory":
        return MemoryStage()
    return KafkaStage(request.getfixturevalue("broker").bootstrap_servers, request.getfixturevalue("unique"))
