"""/live, /ready and /metrics: what they say, and that no client keeps others from hearing it."""

import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.client import HTTPConnection

import pytest
from prometheus_client import CollectorRegistry

from adapters import http_server
from adapters.http_server import HealthServer
from pipeline.health import LIVE_WITHIN_S, Health
from pipeline.metrics import Metrics


class Serving:
    """A server on a free port, with health to play with."""

    def __init__(self, listen: str = "127.0.0.1:0") -> None:
        self.health = Health()
        self.registry = CollectorRegistry()
        self.metrics = Metrics(self.registry)
        self.server = HealthServer(listen, self.health, self.registry)
        self.server.start()

    def ask(self, path: str, method: str = "GET") -> tuple[int, str]:
        request = urllib.request.Request(f"http://127.0.0.1:{self.server.port}{path}", method=method)
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.server.port), timeout=5)


@pytest.fixture
def serving() -> Iterator[Serving]:
    one = Serving()
    yield one
    one.server.close()


def test_a_process_without_parts_is_live_and_ready(serving: Serving) -> None:
    assert serving.ask("/live") == (200, "ok\n")
    assert serving.ask("/ready") == (200, "ok\n")


def test_a_part_is_not_ready_before_it_works_and_live_meanwhile(serving: Serving) -> None:
    vital = serving.health.vital("job-message/billing")
    assert serving.ask("/ready") == (503, "job-message/billing\n")
    assert serving.ask("/live") == (200, "ok\n")
    vital.trouble(None)
    assert serving.ask("/ready") == (200, "ok\n")


def test_ready_names_the_parts_concerned_and_never_the_error(serving: Serving) -> None:
    for name in ("a/one", "a/two", "a/three"):
        serving.health.vital(name).trouble("no broker answers at secret-host:9092" if name != "a/two" else None)
    status, text = serving.ask("/ready")
    assert (status, text) == (503, "a/one\na/three\n")


def test_a_part_whose_loop_stands_still_is_neither_live_nor_ready(serving: Serving) -> None:
    vital = serving.health.vital("a/one")
    vital.trouble(None)
    vital._turned_s -= LIVE_WITHIN_S + 1
    assert serving.ask("/live") == (503, "a/one\n")
    assert serving.ask("/ready") == (503, "a/one\n")
    vital.turned()
    assert serving.ask("/live") == (200, "ok\n")


def test_metrics_are_prometheus_text(serving: Serving) -> None:
    serving.metrics.received.labels("a/one").inc(3)
    status, text = serving.ask("/metrics")
    assert status == 200
    assert 'batch_events_received_total{subscription="a/one"} 3.0' in text.splitlines()


@pytest.mark.parametrize("path", ["/", "/live/", "/liveness", "/ready/../live", "/METRICS"])
def test_another_path_is_404_and_tells_which_there_are(path: str, serving: Serving) -> None:
    assert serving.ask(path) == (404, "/live, /ready, /metrics\n")


def test_a_query_does_not_matter(serving: Serving) -> None:
    assert serving.ask("/live?verbose=1") == (200, "ok\n")


def test_a_slow_client_keeps_nobody_from_an_answer(serving: Serving) -> None:
    slow = [serving.connect() for _ in range(20)]
    for client in slow:
        client.sendall(b"GET /live HTTP/1.1\r\nX-Slow: ")
    assert serving.ask("/live") == (200, "ok\n")
    for client in slow:
        client.close()


def test_a_client_that_says_nothing_is_let_go_without_a_word(
    serving: Serving, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(http_server._Handler, "timeout", 0.05)
    with serving.connect() as silent:
        assert silent.recv(1) == b""
    assert capfd.readouterr().err == ""


def test_a_client_that_goes_away_is_no_error(serving: Serving, capfd: pytest.CaptureFixture[str]) -> None:
    reset = b"\1\0\0\0\0\0\0\0"
    for request in (b"", b"GET /metr", b"GET /metrics HTTP/1.1\r\n\r\n", b"\x16\x03\x01garbage\r\n"):
        client = serving.connect()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
        client.sendall(request)
        client.close()
    assert serving.ask("/live") == (200, "ok\n")
    assert "Traceback" not in capfd.readouterr().err


def test_garbage_is_400(serving: Serving) -> None:
    with serving.connect() as client:
        client.sendall(b"garbage\r\n\r\n")
        assert b"Error code: 400" in client.recv(4096)


def test_an_ipv6_address_is_served_too() -> None:
    if not socket.has_ipv6:
        pytest.skip("this machine has no IPv6")
    one = Serving("[::1]:0")
    connection = HTTPConnection("::1", one.server.port, timeout=5)
    connection.request("GET", "/live")
    assert connection.getresponse().status == 200
    connection.close()
    one.server.close()


def test_an_address_in_use_is_an_error_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="Address already in use"):
        Serving(f"127.0.0.1:{taken.getsockname()[1]}")
