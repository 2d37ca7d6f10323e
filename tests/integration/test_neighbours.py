"""One process, many subscriptions: a dead endpoint and a hanging one cost the others nothing, and little memory."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.brokers.broker import Broker
from tests.harness import conduct
from tests.harness.command import Running, wait_until
from tests.harness.oracle import expected, judge
from tests.harness.sink import Conduct, Sink
from tests.integration.setting import Setting
from tests.integration.test_whole_path import ALL_RIGHT, of_json, simulated

JOBS = 200
HEALTHY = 8
ALLOWED_MIB = 350
"""That of the README's formula for ten subscriptions, with the suite's few events."""

pytestmark = pytest.mark.real_broker


def answer(path: str, _msg_id: str, _attempt: int) -> int | Conduct:
    return conduct.hang_for_good if path == "/hanging" else 200


def resident_mib(running: Running) -> float:
    """What the operating system says that the process holds, at its peak."""
    status = Path(f"/proc/{running.process.pid}/status").read_text()
    (line,) = [line for line in status.splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) / 1024


def test_a_dead_endpoint_and_a_hanging_one_stop_nobody_else(
    broker: Broker, unique: Callable[[str], str], tmp_path: Path
) -> None:
    lines = simulated(JOBS, seed=6)
    wanted = expected(lines)
    paths = [f"/{number}" for number in range(HEALTHY)]
    with Sink(answer) as sink:
        setting = Setting(tmp_path, broker.bootstrap_servers, unique("job-message"))
        for number, path in enumerate(paths):
            setting.http(f"healthy-{number}", sink.url(path))
        setting.http("hanging", sink.url("/hanging"))
        setting.http("dead", "http://127.0.0.1:9/")
        setting.create_topics()
        assert setting.publish(b"\n".join(lines)).status == 0
        with setting.run() as running:
            wait_until(
                lambda: all(sink.accepted(path) >= len(wanted) for path in paths),
                "the healthy endpoints to have everything",
                alive=[running],
            )
            assert sink.of("/hanging"), "nobody called the hanging endpoint"
            assert sink.accepted("/hanging") == 0
            assert resident_mib(running) < ALLOWED_MIB
            running.kill()
        for path in paths:
            assert judge(wanted, of_json(sink.of(path))) == ALL_RIGHT
