"""A process that has fewer file descriptors than its subscriptions ask for: slower, and nothing lost or given up."""

import os
import resource
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from adapters.callback.descriptors import RESERVED
from tests.brokers.broker import Broker
from tests.harness.command import wait_until
from tests.harness.conduct import slowly
from tests.harness.kafka import read_all
from tests.harness.oracle import expected
from tests.harness.sink import Sink
from tests.integration.setting import Setting
from tests.integration.test_whole_path import simulated

pytestmark = [
    pytest.mark.real_broker,
    pytest.mark.skipif(sys.platform != "linux", reason="only Linux changes another process's limits"),
]

ROOM = 6


def test_callbacks_that_find_no_descriptor_wait_and_are_not_given_up(
    broker: Broker, unique: Callable[[str], str], tmp_path: Path
) -> None:
    lines = simulated(120, seed=5)
    wanted = expected(lines)
    with Sink(lambda *_: slowly(0.02)) as sink:
        setting = Setting(tmp_path, broker.bootstrap_servers, unique("job-message"))
        setting.http("billing", sink.url("/json"), retry_schedule_s=[], concurrency=64)
        setting.create_topics()
        with setting.run() as running:
            running.wait_for_line("partitions_assigned")
            pid = running.process.pid
            highest = max(map(int, os.listdir(f"/proc/{pid}/fd")))  # noqa: PTH208  names are all there is
            before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
            resource.prlimit(pid, resource.RLIMIT_NOFILE, (highest + 1 + RESERVED + ROOM, before[1]))
            assert setting.publish(b"\n".join(lines)).status == 0
            assert "no file descriptor left of" in running.wait_for_line("attempts_unsent")
            wait_until(lambda: sink.accepted("/json") == len(wanted), "all of them", alive=[running])
            assert running.probe("/ready") == (200, "ok\n"), "there are some for the probes"
            assert running.terminate() == 0
        assert read_all(broker.bootstrap_servers, setting.dead_letter_topic("billing")) == []
