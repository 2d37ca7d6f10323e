"""The demo's subscriber: a callback endpoint that is unavailable once."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple


class Request(NamedTuple):
    """One POST, as it came, and what it was answered."""

    headers: list[tuple[str, str]]
    body: bytes
    status: int

    @property
    def msg_id(self) -> str:
        """The CMQ message id."""
        return dict(self.headers).get("x-cmq-message-id", "")


class CallbackServer:
    """Answers 200, but 503 to the first attempt of the message number `refuse`."""

    def __init__(self, refuse: int) -> None:
        self.requests: list[Request] = []
        lock = threading.Lock()

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self) -> None:  # the name is the base class's
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with lock:
                    status = 503 if len(requests) == refuse else 200
                    requests.append(Request(list(self.headers.items()), body, status))
                self.send_response(status)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"ok")

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base class names it
                """The demo tells of the requests itself."""

        requests = self.requests
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/batch-events"
        self._thread = threading.Thread(target=self._server.serve_forever, name="demo-callback", daemon=True)
        self._thread.start()

    def accepted(self) -> set[str]:
        """The msgIds that were answered 200."""
        return {request.msg_id for request in list(self.requests) if request.status == 200}

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()
