"""Dead letters are sent again once each, whoever repeats it."""

import re
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.brokers.broker import Broker
from tests.harness.command import invoke, wait_until
from tests.harness.kafka import read_all
from tests.harness.oracle import expected, judge
from tests.harness.sink import Sink
from tests.integration.setting import Setting
from tests.integration.test_whole_path import of_json, simulated

pytestmark = pytest.mark.real_broker


def test_redriven_dead_letters_arrive_once_and_a_second_redrive_finds_none(
    broker: Broker, unique: Callable[[str], str], tmp_path: Path
) -> None:
    lines = simulated(60, seed=8)
    wanted = expected(lines)
    mended = [False]

    def answer(_path: str, msg_id: str, _attempt: int) -> int:
        return 500 if not mended[0] and zlib.crc32(msg_id.encode()) % 20 == 0 else 200

    with Sink(answer) as sink:
        setting = Setting(tmp_path, broker.bootstrap_servers, unique("job-message"))
        setting.http("billing", sink.url("/json"), retry_schedule_s=[0.05])
        setting.create_topics()
        assert setting.publish(b"\n".join(lines)).status == 0
        topic, label = setting.dead_letter_topic("billing"), f"{setting.topic}/billing"
        with setting.run() as running:
            wait_until(
                lambda: sink.accepted("/json") + len(read_all(broker.bootstrap_servers, topic)) >= len(wanted),
                "everything delivered or buried",
                alive=[running],
                every_s=0.3,
            )
            buried = len(read_all(broker.bootstrap_servers, topic))
            mended[0] = True
            redrive = ("dead-letters", "redrive", label, "--config", setting.file)
            dry = invoke(*redrive, "--dry-run")
            first_key = read_all(broker.bootstrap_servers, topic)[0].key or b""
            some = invoke(*redrive, "--key", first_key.decode())
            rest = invoke(*redrive, "--reason", "status 500")
            again = invoke(*redrive)
            wait_until(lambda: sink.accepted("/json") >= len(wanted), "the redriven ones", alive=[running])
            assert running.terminate() == 0
        accepted = [request for request in sink.of("/json") if request.status == 200]

    assert buried > 10
    assert counted(dry.stdout) == buried
    assert 0 < counted(some.stdout) < buried
    assert counted(some.stdout) + counted(rest.stdout) == buried
    assert counted(again.stdout) == 0
    verdict = judge(wanted, of_json(accepted))
    assert (verdict.lost, verdict.unknown, verdict.repeated) == (0, 0, 0)


def counted(output: str) -> int:
    found = re.search(r"(\d+) dead letters of", output)
    assert found is not None, output
    return int(found.group(1))
