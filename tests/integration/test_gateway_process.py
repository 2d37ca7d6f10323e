"""The process of `batch-events gateway`: how it starts, how it ends, and what it does without its broker."""

import json
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from adapters.provision import TopicAdmin
from pipeline.cluster import Cluster
from tests.brokers.broker import Broker
from tests.brokers.killable import ClusterMaker
from tests.brokers.native import NativeCluster
from tests.brokers.passwords import BROKER, asking_for_passwords, with_password
from tests.brokers.ports import free_port
from tests.harness.command import invoke, probe, wait_until
from tests.integration.gateway_process import GATEWAY, SECRET_KEY, Caller, GatewayProcess

Unique = Callable[[str], str]

GRACE_S = 10
SLACK_S = 4.0
AT_ONCE_S = 2.0
NO_MESSAGE = (7000, "(10200)no message")


def config(folder: Path, servers: str, **more: Any) -> str:
    """Only what is needed, unless more is said; the path of the file."""
    file = folder / "gateway.yaml"
    kafka = {"bootstrap.servers": servers, **more.pop("kafka", {})}
    file.write_text(yaml.safe_dump({"kafka": kafka, "gateway": GATEWAY, **more}))
    return str(file)


def short(folder: Path, servers: str, **more: Any) -> str:
    """For one broker, and with ports of our own."""
    topics = {"partitions": 1, "replication_factor": 1}
    return config(folder, servers, topics=topics, http={"listen": "127.0.0.1:0"}, stop_grace_s=GRACE_S, **more)


def ready(gateway: GatewayProcess) -> None:
    """Calls that come before are waited with for 8 s, then refused: joining the group may take longer."""
    wait_until(lambda: gateway.probe("/ready") == (200, "ok\n"), "ready", alive=[gateway])


class Poll(threading.Thread):
    """A long poll, on a connection of its own."""

    def __init__(self, port: int, queue: str, wait_s: int = 30) -> None:
        super().__init__(daemon=True)
        self.reply: dict[str, Any] | None = None
        self._port, self._queue, self._wait_s = port, queue, wait_s
        self.start()

    def run(self) -> None:
        with Caller(self._port) as call:
            self.reply = call("ReceiveMessage", queueName=self._queue, pollingWaitSeconds=self._wait_s)

    def answer(self, within_s: float) -> tuple[int, str]:
        self.join(within_s)
        assert self.reply is not None, f"no answer in {within_s} s"
        return self.reply["code"], self.reply["message"]


@pytest.mark.native_cluster
def test_kafka_an_address_and_keys_are_enough_and_it_makes_its_own_topics(
    native_cluster: ClusterMaker, tmp_path: Path
) -> None:
    """Three brokers: nothing is said of replication factors, and the default is three."""
    with native_cluster(brokers=3) as cluster:
        file = config(tmp_path, cluster.bootstrap_servers)
        env = {"BATCH_EVENTS__HTTP__LISTEN": "127.0.0.1:0"}  # the default's port may be taken where tests run
        with GatewayProcess(file, env=env) as gateway, Caller(gateway.wait_until_serving()) as call:
            ready(gateway)
            assert call("CreateQueue", queueName="orders")["code"] == 0
            assert call("SendMessage", queueName="orders", msgBody="x")["code"] == 0
            assert call("ReceiveMessage", queueName="orders", pollingWaitSeconds=10)["msgBody"] == "x"
            assert gateway.probe("/live") == (200, "ok\n")
            assert gateway.probe("/metrics")[0] == 200
            admin = TopicAdmin(Cluster({"bootstrap.servers": cluster.bootstrap_servers}))
            found = {
                name: (topic.partitions, topic.replication_factor)
                for name, topic in admin.actual(list(admin.existing())).items()
            }
            ours = {name: sizes for name, sizes in found.items() if not name.startswith("__")}
            assert ours == {"cmq.registry": (1, 3), "cmq.slots": (64, 3), "cmq.queue.orders": (1, 3)}
            assert gateway.terminate() == 0
        assert sum("registry_end_unknown" in line for line in gateway.lines) <= 1
        assert not [line for line in gateway.lines if "Traceback" in line or SECRET_KEY in line]


@pytest.mark.real_broker
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_at_its_end_polls_are_told_that_there_is_no_message_and_calls_are_finished(
    number: signal.Signals, broker: Broker, unique: Unique, tmp_path: Path
) -> None:
    queue, other = unique("orders"), unique("orders")
    with (
        GatewayProcess(short(tmp_path, broker.bootstrap_servers)) as gateway,
        Caller(port := gateway.wait_until_serving()) as call,
        Caller(port) as sending,
    ):
        ready(gateway)
        for name in (queue, other):
            assert call("CreateQueue", queueName=name)["code"] == 0
        polls = [Poll(port, queue) for _ in range(20)]
        sent: list[int] = []
        stopped = threading.Event()

        def send() -> None:
            """Until the connection is closed: an answer, or none and the connection gone."""
            try:
                while True:
                    sent.append(sending("SendMessage", queueName=other, msgBody="x")["code"])
            except OSError:
                stopped.set()

        sender = threading.Thread(target=send, daemon=True)
        sender.start()
        wait_until(lambda: len(sent) > 20, "calls", alive=[gateway])
        wait_until(lambda: "gateway_long_polls 20.0" in gateway.probe("/metrics")[1], "polls", alive=[gateway])
        began_s = time.monotonic()
        gateway.process.send_signal(number)
        answers = [poll.answer(GRACE_S) for poll in polls]
        assert gateway.process.wait(GRACE_S + SLACK_S) == 0
        assert time.monotonic() - began_s < GRACE_S
        sender.join(SLACK_S)
    assert answers == [NO_MESSAGE] * 20
    assert stopped.is_set()
    assert set(sent) == {0}, "each was answered in full"
    assert "status=0" in gateway.wait_for_line("stopped", "status=")


@contextmanager
def stopping_with_a_call_out(cluster: NativeCluster, file: str) -> Iterator[GatewayProcess]:
    """A process that was told to stop while a call could not come to its end: its broker has fallen silent."""
    with GatewayProcess(file) as gateway:
        port = gateway.wait_until_serving()
        ready(gateway)
        with Caller(port) as call, socket.create_connection(("127.0.0.1", port)) as sending:
            assert call("CreateQueue", queueName="orders")["code"] == 0
            assert call("SendMessage", queueName="orders", msgBody="known to be there")["code"] == 0
            body = call.body("SendMessage", queueName="orders", msgBody="never acknowledged")
            head = f"POST /v2/index.php HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Length: {len(body)}\r\n\r\n"
            cluster.pause(1)
            try:
                sending.sendall(head.encode() + body)
                assert call("NoAction")["code"] == 4000, "what came later was read: the send is out"
                gateway.process.send_signal(signal.SIGTERM)
                gateway.wait_for_line("stopping")
                yield gateway
            finally:
                cluster.resume(1)


@pytest.mark.native_cluster
def test_a_call_that_does_not_end_is_abandoned_within_the_grace_period_with_status_3(
    native_cluster: ClusterMaker, tmp_path: Path
) -> None:
    with native_cluster() as cluster:
        with stopping_with_a_call_out(cluster, short(tmp_path, cluster.bootstrap_servers)) as gateway:
            assert gateway.process.wait(GRACE_S + SLACK_S) == 3
        assert "status=3" in gateway.wait_for_line("stopped", "status=")


@pytest.mark.native_cluster
def test_a_second_signal_ends_at_once_with_130(native_cluster: ClusterMaker, tmp_path: Path) -> None:
    with (
        native_cluster() as cluster,
        stopping_with_a_call_out(cluster, short(tmp_path, cluster.bootstrap_servers)) as gateway,
    ):
        began_s = time.monotonic()
        assert gateway.terminate() == 130
        assert time.monotonic() - began_s < AT_ONCE_S


def test_without_any_broker_it_is_live_and_not_ready_says_why_now_and_then_and_ends_in_order(tmp_path: Path) -> None:
    servers = f"127.0.0.1:{free_port()}"
    health = free_port()
    file = config(tmp_path, servers, http={"listen": f"127.0.0.1:{health}"})
    with GatewayProcess(file, "--log-format", "json") as gateway:
        line = json.loads(gateway.wait_for_line("not_ready"))
        assert line["level"] == "ERROR"
        assert line["reason"].startswith(f"no broker answers at {servers}: ")
        assert probe(health, "/live") == (200, "ok\n")
        assert probe(health, "/ready") == (503, "gateway\n")
        assert probe(health, "/metrics")[0] == 200
        began_s = time.monotonic()
        assert gateway.terminate() == 0
        assert time.monotonic() - began_s < 10
    assert sum("not_ready" in line for line in gateway.lines) == 1
    assert all(json.loads(line)["event"] for line in gateway.lines)


@pytest.mark.native_cluster
def test_started_before_its_broker_it_serves_when_it_comes_and_again_after_its_restart(
    native_cluster: ClusterMaker, tmp_path: Path
) -> None:
    with native_cluster() as cluster:
        health = free_port()
        file = short(tmp_path, cluster.bootstrap_servers)
        cluster.kill(1)
        with GatewayProcess(file, env={"BATCH_EVENTS__HTTP__LISTEN": f"127.0.0.1:{health}"}) as gateway:
            gateway.wait_for_line("not_ready", f"no broker answers at {cluster.bootstrap_servers}: ")
            assert probe(health, "/ready")[0] == 503
            cluster.restart(1)
            port = gateway.wait_until_serving()
            wait_until(lambda: probe(health, "/ready") == (200, "ok\n"), "ready", alive=[gateway])
            with Caller(port) as call:
                outlive_its_broker(call, cluster, health, gateway)
            assert gateway.terminate() == 0
        assert sum("not_ready" in line for line in gateway.lines) <= 6
        assert not [line for line in gateway.lines if "Traceback" in line]


def outlive_its_broker(call: Caller, cluster: NativeCluster, health: int, gateway: GatewayProcess) -> None:
    """Messages and a lease from before a restart are there after it."""
    assert call("CreateQueue", queueName="orders", visibilityTimeout=600)["code"] == 0
    assert call("SendMessage", queueName="orders", msgBody="1")["code"] == 0
    assert call("SendMessage", queueName="orders", msgBody="2")["code"] == 0
    first = call("ReceiveMessage", queueName="orders", pollingWaitSeconds=10)
    assert first["msgBody"] == "1"

    cluster.kill(1)
    wait_until(lambda: probe(health, "/ready")[0] == 503, "not ready", alive=[gateway])
    gateway.wait_for_line("not_ready", "reason=cmq.registry cannot be read")
    assert probe(health, "/live") == (200, "ok\n")
    cluster.restart(1)
    wait_until(lambda: probe(health, "/ready") == (200, "ok\n"), "ready again", alive=[gateway])
    wait_until(
        lambda: call("DeleteMessage", queueName="orders", receiptHandle=first["receiptHandle"])["code"] == 0,
        "the lease to be known",
        timeout_s=20,
        alive=[gateway],
    )
    second = call("ReceiveMessage", queueName="orders", pollingWaitSeconds=10)
    assert (second["msgBody"], second["dequeueCount"]) == ("2", 1)
    assert call("SendMessage", queueName="orders", msgBody="3")["code"] == 0
    assert call("ReceiveMessage", queueName="orders", pollingWaitSeconds=10)["msgBody"] == "3"


@pytest.mark.native_cluster
def test_a_refused_password_is_said_once_and_shown_nowhere(native_cluster: ClusterMaker, tmp_path: Path) -> None:
    """As `run` does, it keeps trying: a password may be set on the brokers while it waits."""
    right, wrong = "the-right-one-8d2f", "the-wrong-one-77ab"
    asking = native_cluster(config=asking_for_passwords({"batch-events": right}), client=with_password(*BROKER))
    with asking as cluster:
        health = free_port()
        kafka = with_password("batch-events", "${PASSWORD}")
        file = short(tmp_path, cluster.bootstrap_servers, kafka=kafka)
        env = {"BATCH_EVENTS__HTTP__LISTEN": f"127.0.0.1:{health}"}
        with GatewayProcess(file, "--log-level", "DEBUG", env=env | {"PASSWORD": wrong}) as gateway:
            refused = f"the broker at {cluster.bootstrap_servers} refuses us: _AUTHENTICATION: "
            assert "Invalid username or password" in gateway.wait_for_line("not_ready", refused, timeout_s=30)
            assert probe(health, "/live") == (200, "ok\n")
            assert probe(health, "/ready") == (503, "gateway\n")
            assert gateway.terminate() == 0
        assert sum("not_ready" in line for line in gateway.lines) == 1
        assert wrong not in "\n".join(gateway.lines)
        with GatewayProcess(file, env={"PASSWORD": right}) as gateway:
            gateway.wait_until_serving()
            ready(gateway)
            assert gateway.terminate() == 0


def test_an_address_in_use_is_status_2_and_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        listen = f"127.0.0.1:{taken.getsockname()[1]}"
        file = config(tmp_path, f"127.0.0.1:{free_port()}", http={"listen": listen})
        result = invoke("gateway", "--config", file, env={"CMQ_SECRET": SECRET_KEY})
    assert result.status == 2
    assert "http.listen" in result.stderr
    assert "Address already in use" in result.stderr
