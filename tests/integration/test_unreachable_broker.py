"""A broker that is not there: who is asked says which; `run` keeps trying, is live, not ready, and recovers."""

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.brokers.killable import ClusterMaker
from tests.brokers.native import NativeCluster
from tests.brokers.ports import free_port
from tests.harness.command import Result, Running, invoke, wait_until
from tests.harness.kafka import read_all
from tests.harness.piped import Piped
from tests.harness.sink import Sink
from tests.integration.changes import job_line, text_of
from tests.integration.setting import Setting


def test_publish_says_which_broker_does_not_answer_and_is_no_success(tmp_path: Path) -> None:
    setting = Setting(tmp_path, f"127.0.0.1:{free_port()}", "job-message")
    result = setting.publish(b"nonsense\n" + text_of(job_line("job-1"), job_line("job-2")))
    assert result.status == 2
    told = [line for line in result.stderr.splitlines() if "FAIL" not in line]
    assert told[0].startswith("-:1: line: InvalidParameterValue: not a JSON object: ")
    assert told[1].startswith("2 lines read: 0 records published and acknowledged, ")
    assert told[2].startswith(f"batch-events: no broker answers at {setting.servers}: ")
    assert len(told) == 3


@pytest.mark.parametrize("args", [["topics"], ["dead-letters", "list", "job-message/billing"]])
def test_other_commands_say_it_too(args: list[str], tmp_path: Path) -> None:
    setting = Setting(tmp_path, f"127.0.0.1:{free_port()}", "job-message")
    setting.http("billing", "http://127.0.0.1:1/")
    result = invoke(*args, "--config", setting.file)
    assert result.status == 2
    assert f"batch-events: no broker answers at {setting.servers}: " in result.stderr
    assert_told_once(result)


def assert_told_once(result: Result) -> None:
    """What librdkafka repeats many times a second is a line or two here."""
    assert len(result.stderr.splitlines()) <= 3, result.stderr


def test_run_is_live_and_not_ready_and_ends_in_order_without_any_broker(tmp_path: Path) -> None:
    setting = Setting(tmp_path, f"127.0.0.1:{free_port()}", "job-message")
    setting.queue("ops-queue", "ops")
    setting.http("billing", "http://127.0.0.1:1/")
    with Running("run", "--config", setting.file, "--log-format", "json") as running:
        line = json.loads(running.wait_for_line("not_ready"))
        assert line["level"] == "ERROR"
        assert line["reason"].startswith(f"no broker answers at {setting.servers}: ")
        assert running.probe("/live") == (200, "ok\n")
        status, text = running.probe("/ready")
        assert status == 503
        assert sorted(text.splitlines()) == ["job-message/billing", "job-message/ops-queue"]
        began_s = time.monotonic()
        assert running.terminate() == 0
        assert time.monotonic() - began_s < 10
    assert all(json.loads(line)["event"] for line in running.lines)


@pytest.mark.native_cluster
def test_run_started_before_its_broker_delivers_when_it_comes(
    native_cluster: ClusterMaker, unique: Callable[[str], str], tmp_path: Path
) -> None:
    queue = unique("ops")
    with native_cluster() as cluster, Sink() as sink:
        setting = Setting(tmp_path, cluster.bootstrap_servers, unique("job-message"))
        setting.queue("ops-queue", queue)
        setting.http("billing", sink.url("/"))
        setting.create_topics()
        assert setting.publish(text_of(job_line("job-1"))).status == 0
        cluster.kill(1)
        with setting.run() as running:
            for name in ("ops-queue", "billing"):
                running.wait_for_line("not_ready", f"/{name}", f"no broker answers at {setting.servers}: ")
            assert running.probe("/ready")[0] == 503
            assert running.probe("/live") == (200, "ok\n")
            assert not sink.requests
            cluster.restart(1)
            wait_until(lambda: running.probe("/ready") == (200, "ok\n"), "ready", alive=[running])
            wait_until(lambda: sink.accepted("/") == 1, "the callback", alive=[running])
            wait_until(lambda: len(read_all(setting.servers, f"cmq.queue.{queue}")) == 1, "the queue")
            assert running.terminate() == 0


@pytest.mark.native_cluster
def test_an_http_subscription_whose_broker_goes_and_comes_back_goes_on(
    native_cluster: ClusterMaker, unique: Callable[[str], str], tmp_path: Path
) -> None:
    with native_cluster() as cluster, Sink() as sink:
        setting = Setting(tmp_path, cluster.bootstrap_servers, unique("job-message"))
        setting.http("billing", sink.url("/"))
        setting.create_topics()
        with setting.run() as running:
            lose_and_regain(cluster, setting, running, lambda: sink.accepted("/"))
            assert running.terminate() == 0


@pytest.mark.native_cluster
def test_a_queue_subscription_whose_broker_goes_and_comes_back_goes_on_and_repeats_nothing(
    native_cluster: ClusterMaker, unique: Callable[[str], str], tmp_path: Path
) -> None:
    topic = f"cmq.queue.{unique('ops')}"
    with native_cluster() as cluster:
        setting = Setting(tmp_path, cluster.bootstrap_servers, unique("job-message"))
        setting.queue("ops-queue", topic.removeprefix("cmq.queue."))
        setting.create_topics()
        with setting.run() as running:
            lose_and_regain(cluster, setting, running, lambda: len(read_all(setting.servers, topic)))
            assert running.terminate() == 0
        assert len(read_all(setting.servers, topic)) == 2


@pytest.mark.native_cluster
def test_that_a_broker_is_away_is_said_now_and_then_and_not_many_times_a_second(
    native_cluster: ClusterMaker, unique: Callable[[str], str], tmp_path: Path
) -> None:
    with native_cluster() as cluster, Sink() as sink:
        setting = Setting(tmp_path, cluster.bootstrap_servers, unique("job-message"))
        setting.http("billing", sink.url("/"))
        setting.create_topics()
        with setting.run() as running:
            wait_until(lambda: running.probe("/ready") == (200, "ok\n"), "ready", alive=[running])
            cluster.kill(1)
            running.wait_for_line("session timed out")  # seconds later
            assert running.terminate() == 0
        assert sum("not_ready" in line for line in running.lines) <= 3


def lose_and_regain(cluster: NativeCluster, setting: Setting, running: Running, arrived: Callable[[], int]) -> None:
    """Deliver one event, kill the broker, see that it is missed, bring it back, deliver another."""
    (name,) = [one["name"] for one in setting.config["subscriptions"]]
    assert setting.publish(text_of(job_line("job-1"))).status == 0
    wait_until(lambda: arrived() == 1, "the first", alive=[running])
    cluster.kill(1)
    wait_until(lambda: running.probe("/ready") == (503, f"{setting.topic}/{name}\n"), "not ready", alive=[running])
    running.wait_for_line("not_ready", f"/{name}", f"no broker answers at {setting.servers}: ")
    assert running.probe("/live") == (200, "ok\n")
    cluster.restart(1)
    assert setting.publish(text_of(job_line("job-2"))).status == 0
    wait_until(lambda: arrived() == 2, "the second", alive=[running], timeout_s=30)
    wait_until(lambda: running.probe("/ready") == (200, "ok\n"), "ready again", alive=[running])


@pytest.mark.native_cluster
def test_publish_whose_broker_falls_silent_names_every_line_that_is_not_acknowledged(
    native_cluster: ClusterMaker, unique: Callable[[str], str], tmp_path: Path
) -> None:
    lines = text_of(*(job_line(f"job-{number}") for number in range(50)))
    with native_cluster() as cluster:
        setting = Setting(tmp_path, cluster.bootstrap_servers, unique("job-message"))
        setting.config["kafka"] |= {"message.timeout.ms": 3000}
        setting.queue("ops-queue", unique("ops"))
        setting.create_topics()
        with Piped("publish", "--config", setting.file, "--notifications", setting.notifications()) as publishing:
            publishing.write(text_of(job_line("job-first")))
            wait_until(lambda: bool(read_all(setting.servers, setting.event_topic)), "the first record")
            cluster.pause(1)
            publishing.write(lines)
            began_s = time.monotonic()
            result = publishing.end()
            took_s = time.monotonic() - began_s
        cluster.resume(1)
    assert result.status == 1
    named = [line for line in result.stderr.splitlines() if line.startswith("-:")]
    assert sorted({int(line.split(":")[1]) for line in named}) == list(range(2, 52))
    assert all(f": line: NotAcknowledged: {setting.event_topic} job-" in line for line in named)
    assert "1 records published and acknowledged" in result.stderr.splitlines()[-1]
    assert took_s < 30
