"""/live, /ready and /metrics.

Shape   HealthServer(listen, health, registry): start(), close(); a thread of its own: it answers while others hang
Answers 200 or 503 with the names of the parts concerned; never an error's text
Clients that go away, or send nothing for READ_TIMEOUT_S, are forgotten: no line, no traceback on stderr
"""

import io
import logging
import socket
import sys
import threading
from collections.abc import Callable, Iterable
from socketserver import TCPServer, ThreadingMixIn
from typing import Any, cast
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from prometheus_client import CollectorRegistry, make_wsgi_app

from pipeline.health import Health

READ_TIMEOUT_S = 5
CLOSE_WITHIN_S = 0.05

Respond = Callable[[str, list[tuple[str, str]]], Any]


log = logging.getLogger(__name__)


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    request_queue_size = 128  # the default of 5 makes the sixth of many at once wait for a second

    def __init__(self, host: str, port: int) -> None:
        if ":" in host:
            self.address_family = socket.AF_INET6
        super().__init__((host, port), _Handler)

    def server_bind(self) -> None:
        """As the base class, without asking the DNS for our own name: that may take long, and is used nowhere."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])
        self.setup_environ()

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401  as the base class
        """A client that went away or said nothing."""
        del request
        log.debug("health_client_lost", extra={"client": str(client_address[0]), "error": repr(sys.exception())})


class _ErrorStream(io.StringIO):
    """Where wsgiref writes the traceback of an answer that failed."""

    def flush(self) -> None:
        if text := self.getvalue():
            log.warning("health_answer_failed", extra={"exception": text.rstrip()})


class _Handler(WSGIRequestHandler):
    timeout = READ_TIMEOUT_S  # a client that sends nothing does not keep a thread

    def get_stderr(self) -> _ErrorStream:
        """Into the log."""
        return _ErrorStream()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base class names it
        """Probes come every few seconds: no line for each."""


class HealthServer:
    """Serves until closed."""

    def __init__(self, listen: str, health: Health, registry: CollectorRegistry) -> None:
        """Bind.

        Raises:
            OSError: the address cannot be had.
        """
        host, _, port = listen.rpartition(":")
        self._health = health
        self._metrics = make_wsgi_app(registry)
        self._server = _Server(host.strip("[]"), int(port))
        self._server.set_app(self._answer)
        serve = self._server.serve_forever
        self._thread = threading.Thread(target=serve, args=(CLOSE_WITHIN_S,), name="health", daemon=True)

    @property
    def port(self) -> int:
        """Where it listens, also when 0 was asked for."""
        return self._server.server_port

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def close(self) -> None:
        """Stop answering."""
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, environ: dict[str, Any], respond: Respond) -> Iterable[bytes]:
        match environ["PATH_INFO"]:
            case "/live":
                return _report(respond, self._health.not_live())
            case "/ready":
                return _report(respond, self._health.not_ready())
            case "/metrics":
                return cast("Iterable[bytes]", self._metrics(environ, respond))
            case _:
                respond("404 Not Found", [("Content-Type", "text/plain")])
                return [b"/live, /ready, /metrics\n"]


def _report(respond: Respond, failing: list[str]) -> Iterable[bytes]:
    respond("503 Service Unavailable" if failing else "200 OK", [("Content-Type", "text/plain")])
    return [("\n".join(failing) or "ok").encode() + b"\n"]
