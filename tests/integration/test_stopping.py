"""How `run` ends: what it says with its exit status, and within which time."""

import re
import signal
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.brokers.broker import Broker
from tests.harness.command import invoke, wait_until
from tests.harness.kafka import read_all
from tests.harness.sink import Sink
from tests.integration.changes import job_line, text_of
from tests.integration.setting import Setting

pytestmark = pytest.mark.real_broker

SLACK_S = 4.0
"""What leaving the group and ending the process may take beyond the grace period."""


class HangingEndpoint:
    """Takes requests and never answers."""

    def __init__(self) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self._taken: list[socket.socket] = []

    def wait_for_request(self) -> None:
        self._server.settimeout(60)
        connection, _ = self._server.accept()
        connection.settimeout(60)
        assert connection.recv(4096).startswith(b"POST ")
        self._taken.append(connection)

    def close(self) -> None:
        for connection in (*self._taken, self._server):
            connection.close()


@pytest.fixture
def hanging() -> Iterator[HangingEndpoint]:
    one = HangingEndpoint()
    yield one
    one.close()


def setting_with(broker: Broker, unique: Callable[[str], str], folder: Path, url: str, **more: object) -> Setting:
    one = Setting(folder, broker.bootstrap_servers, unique("job-message"), **more)
    one.http("billing", url, timeout_s=60)
    one.create_topics()
    return one


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_idle_process_ends_with_0(
    number: signal.Signals, broker: Broker, unique: Callable[[str], str], tmp_path: Path
) -> None:
    with Sink() as sink:
        setting = setting_with(broker, unique, tmp_path, sink.url("/"))
        setting.queue("ops-queue", unique("ops"))
        setting.create_topics()
        with setting.run() as running:
            wait_until(lambda: running.probe("/ready")[0] == 200, "ready", alive=[running])
            running.process.send_signal(number)
            assert running.process.wait(10) == 0
            running.wait_for_line("stopped", "status=0")


def test_a_hanging_endpoint_is_abandoned_with_status_3_within_the_grace_period_and_sent_again_later(
    hanging: HangingEndpoint, broker: Broker, unique: Callable[[str], str], tmp_path: Path
) -> None:
    setting = setting_with(broker, unique, tmp_path, f"http://127.0.0.1:{hanging.port}/", stop_grace_s=3)
    assert setting.publish(text_of(job_line("job-1"), job_line("job-1", "SUCCEED", "RUNNING"))).status == 0
    with setting.run() as running:
        hanging.wait_for_request()
        began_s = time.monotonic()
        assert running.terminate() == 3
        assert time.monotonic() - began_s < 3 + SLACK_S
        running.wait_for_line("delivery_attempted", "outcome=abandoned")
        running.wait_for_line("stopped", "status=3", f"abandoned=['{setting.topic}/billing']")

    with Sink() as sink:
        setting.config["subscriptions"][0]["endpoint"] = sink.url("/")
        with setting.run() as running:
            wait_until(lambda: sink.accepted("/") == 2, "both again", alive=[running])
            assert running.terminate() == 0
        assert len(sink.requests) == 2


def test_what_is_out_may_end_within_the_grace_period_and_is_committed(
    broker: Broker, unique: Callable[[str], str], tmp_path: Path
) -> None:
    server = socket.create_server(("127.0.0.1", 0))
    setting = setting_with(broker, unique, tmp_path, f"http://127.0.0.1:{server.getsockname()[1]}/")
    assert setting.publish(text_of(job_line("job-1"))).status == 0
    with setting.run() as running, server:
        server.settimeout(60)
        connection, _ = server.accept()
        with connection:
            assert connection.recv(4096)
            running.process.send_signal(signal.SIGTERM)
            running.wait_for_line("stopping")
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            assert running.process.wait(15) == 0
    with Sink() as sink:
        setting.config["subscriptions"][0]["endpoint"] = sink.url("/")
        assert setting.publish(text_of(job_line("job-2"))).status == 0
        with setting.run() as running:
            wait_until(lambda: sink.accepted("/") == 1, "the new one", alive=[running])
            assert running.terminate() == 0
        assert len(sink.requests) == 1


def test_what_waits_for_its_retry_is_held_and_no_work_is_abandoned(
    broker: Broker, unique: Callable[[str], str], tmp_path: Path
) -> None:
    with Sink(lambda *_: 503) as sink:
        setting = setting_with(broker, unique, tmp_path, sink.url("/"))
        assert setting.publish(text_of(job_line("job-1"))).status == 0
        with setting.run() as running:
            running.wait_for_line("delivery_attempted", "outcome=failed", "retry_in_s=2.0")
            assert running.terminate(timeout_s=10) == 0
        (held,) = read_all(broker.bootstrap_servers, f"cmq.{setting.topic}.billing.held")
        assert held.key is not None
        assert held.key.endswith(b"job-1")


def test_a_second_signal_ends_at_once_with_130(
    hanging: HangingEndpoint, broker: Broker, unique: Callable[[str], str], tmp_path: Path
) -> None:
    setting = setting_with(broker, unique, tmp_path, f"http://127.0.0.1:{hanging.port}/", stop_grace_s=60)
    assert setting.publish(text_of(job_line("job-1"))).status == 0
    with setting.run() as running:
        hanging.wait_for_request()
        running.process.send_signal(signal.SIGTERM)
        running.wait_for_line("stopping")
        began_s = time.monotonic()
        assert running.terminate() == 130
        assert time.monotonic() - began_s < 2


def test_an_address_in_use_is_status_2_and_named(broker: Broker, unique: Callable[[str], str], tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        listen = f"127.0.0.1:{taken.getsockname()[1]}"
        setting = setting_with(broker, unique, tmp_path, "http://127.0.0.1:1/", http={"listen": listen})
        result = invoke("run", "--config", setting.file)
    assert (result.status, result.stderr) == (2, f"http.listen: '{listen}': Address already in use\n")


def test_a_host_that_nobody_has_is_status_2_and_named(
    broker: Broker, unique: Callable[[str], str], tmp_path: Path
) -> None:
    listen = "no-such-host.invalid:8080"
    setting = setting_with(broker, unique, tmp_path, "http://127.0.0.1:1/", http={"listen": listen})
    result = invoke("run", "--config", setting.file)
    assert result.status == 2
    assert re.fullmatch(rf"http\.listen: '{listen}': [A-Z][A-Za-z ]+\n", result.stderr)


def test_an_unknown_subscription_is_status_2_and_named(
    broker: Broker, unique: Callable[[str], str], tmp_path: Path
) -> None:
    setting = setting_with(broker, unique, tmp_path, "http://127.0.0.1:1/")
    result = invoke("run", "--subscription", "job-message/nobody", "--config", setting.file)
    there_is = f"there are: {setting.topic}/billing"
    assert result.status == 2
    assert result.stderr == f"--subscription: 'job-message/nobody' is not configured; {there_is}\n"


def test_only_the_subscriptions_that_are_asked_for_are_delivered(
    broker: Broker, unique: Callable[[str], str], tmp_path: Path
) -> None:
    with Sink() as sink:
        setting = setting_with(broker, unique, tmp_path, sink.url("/billing"))
        setting.http("audit", sink.url("/audit"))
        setting.create_topics()
        assert setting.publish(text_of(job_line("job-1"))).status == 0
        with setting.run("--subscription", f"{setting.topic}/audit") as running:
            wait_until(lambda: sink.accepted("/audit") == 1, "the one", alive=[running])
            running.wait_for_line("started", "subscriptions=1")
            assert running.terminate() == 0
        assert not sink.of("/billing")
