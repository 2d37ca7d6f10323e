"""A schema registry, as far as ours asks: register, look up, get by id, compare, over HTTP, in memory.

Shape   SchemaRegistry() as a context; .url. stop() and start() keep its address and what it knows. `asked` are the
        requests, as `GET /schemas/ids/1`. add(text) puts a schema in, `broken` makes it answer as a proxy would
Source  Confluent's REST API: error codes 40401 subject, 40403 schema not found
"""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

Answer = tuple[int, Any]

NO_SUBJECT: Answer = (404, {"error_code": 40401, "message": "Subject not found"})
NO_VERSION: Answer = (404, {"error_code": 40402, "message": "Version not found"})
NO_SCHEMA: Answer = (404, {"error_code": 40403, "message": "Schema not found"})


class SchemaRegistry:
    """Schemas by id, ids by subject."""

    def __init__(self, first_id: int = 1) -> None:
        self.schemas: dict[int, str] = {}
        self.subjects: dict[str, list[int]] = {}
        self.asked: list[str] = []
        self.credentials: list[str | None] = []
        self.broken: tuple[int, bytes] | None = None
        self.strict: set[str] = set()
        """Subjects with which nothing new is compatible."""

        self._next_id = first_id
        self._port = 0
        self._server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Listen, at the same port as before."""
        self._server = ThreadingHTTPServer(("127.0.0.1", self._port), _handler(self))
        self._server.daemon_threads = True
        self._port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        """Close the port; connections that are kept alive end too."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def add(self, text: str) -> int:
        """Know one more schema, of no subject."""
        schema_id, self._next_id = self._next_id, self._next_id + 1
        self.schemas[schema_id] = text
        return schema_id

    def answer(self, method: str, path: str, body: dict[str, Any]) -> Answer:
        """What a registry says."""
        self.asked.append(f"{method} {path}")
        match method, path.partition("?")[0].strip("/").split("/"):
            case "GET", ["schemas", "ids", number]:
                text = self.schemas.get(int(number))
                return NO_SCHEMA if text is None else (200, {"schema": text})
            case "POST", ["subjects", subject, "versions"]:
                return 200, {"id": self._registered(subject, body["schema"])}
            case "POST", ["compatibility", "subjects", subject, "versions", "latest"]:
                known_versions = subject in self.subjects
                return (200, {"is_compatible": subject not in self.strict}) if known_versions else NO_VERSION
            case "POST", ["subjects", subject]:
                if subject not in self.subjects:
                    return NO_SUBJECT
                known = [one for one in self.subjects[subject] if self.schemas[one] == body["schema"]]
                return (200, {"subject": subject, "id": known[0], "version": 1, **body}) if known else NO_SCHEMA
        return 404, {"error_code": 404, "message": "HTTP 404 Not Found"}

    def _registered(self, subject: str, text: str) -> int:
        ids = self.subjects.setdefault(subject, [])
        known = next((one for one in ids if self.schemas[one] == text), None)
        if known is None:
            known = self.add(text)
            ids.append(known)
        return known


def _handler(registry: SchemaRegistry) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer({})

        def do_POST(self) -> None:
            self._answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

        def _answer(self, body: dict[str, Any]) -> None:
            registry.credentials.append(self.headers["Authorization"])
            if registry.broken is not None:
                status, raw = registry.broken
            else:
                status, answer = registry.answer(self.command, self.path, body)
                raw = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/vnd.schemaregistry.v1+json")
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base class names it
            """Quiet."""

    return Handler
