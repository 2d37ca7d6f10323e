"""Every case of the table, judged by one oracle."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.brokers.broker import Broker  # noqa: TC001  beside the others
from tests.faults.case import Case
from tests.faults.cases import CASES
from tests.faults.scene import QUICK_CLOCKS, STOCK_CLOCKS, Scene
from tests.faults.table import compare

OWN_BROKERS = {"group.min.session.timeout.ms": "2000"}


def _param(case: Case) -> object:
    marks = [pytest.mark.native_cluster] if case.brokers else [pytest.mark.real_broker]
    return pytest.param(case, id=case.name.replace(" ", "-"), marks=marks)


@pytest.fixture
def scene(request: pytest.FixtureRequest, tmp_path: Path, unique: Callable[[str], str]) -> Iterator[Scene]:
    """The case's world."""
    case: Case = request.node.callspec.params["case"]
    if not case.brokers:
        broker: Broker = request.getfixturevalue("broker")
        short = "session" in case.clocks and broker.tier != "given"
        clocks = QUICK_CLOCKS if short else STOCK_CLOCKS
        with Scene(tmp_path, broker.bootstrap_servers, unique, clocks, case.config, case.http, case.queue) as made:
            yield made
        return
    with (
        case.make(case.brokers, OWN_BROKERS | case.broker_config) as cluster,
        Scene(
            tmp_path, cluster.bootstrap_servers, unique, QUICK_CLOCKS, case.config, case.http, case.queue, cluster
        ) as made,
    ):
        yield made


@pytest.mark.faults
@pytest.mark.timeout(120)
@pytest.mark.parametrize("case", [_param(case) for case in CASES])
def test_survives(case: Case, scene: Scene) -> None:
    case.do(scene)
    http, queue = scene.judge_http(redriven=case.expect.redriven), scene.judge_queue()
    print(f"sent {len(scene.sent)}; billing {http}; ops {queue}")  # noqa: T201  the case's counts
    assert http.faultless, (http, scene.progress())
    assert case.expect.letters in {None, http.letters}
    if queue is not None:
        assert queue.faultless, queue
        assert case.expect.queue_letters in {None, queue.letters}
    assert scene.uncommitted() == []


def test_the_table_says_what_there_is() -> None:
    assert compare(CASES) == []
