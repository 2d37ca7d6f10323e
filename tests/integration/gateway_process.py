"""Processes of `batch-events gateway`, and calls to them, signed as CMQ's documentation says.

Shape   with GatewayProcess(file) as gateway: gateway.wait_until_serving() -> port;
        with Caller(port) as call: call(action, …) -> the reply
"""

import json
import re
import time
from collections.abc import Mapping
from http.client import HTTPConnection
from itertools import count
from typing import Any, Self

from tests.harness.command import Running
from tests.unit.gateway.signing import PATH, Values, form, signed

SECRET_ID, SECRET_KEY = "AKIDuser", "a-secret-of-the-tests"
SECRET = {"CMQ_SECRET": SECRET_KEY}
GATEWAY: dict[str, Any] = {"listen": "127.0.0.1:0", "keys": {SECRET_ID: "${CMQ_SECRET}"}}
"""Of the configuration; SECRET is the environment that it refers to."""

START_S = 60.0
ANSWER_S = 45.0


class GatewayProcess(Running):
    """A replica."""

    def __init__(self, file: str, *args: str, env: Mapping[str, str] | None = None) -> None:
        super().__init__("gateway", "--config", file, *args, env={**SECRET, **(env or {})})

    def wait_until_serving(self, timeout_s: float = START_S) -> int:
        """The port that clients use."""
        line = self.wait_for_line("started", "health_port", timeout_s=timeout_s)
        found = re.search(r"\bport\W+(\d+)", line)
        assert found is not None, line
        return int(found[1])


class Caller:
    """A client with one kept connection; no two of them make the same call, which would be one repeated."""

    _nonces = count(1)

    def __init__(self, port: int) -> None:
        self._host = f"127.0.0.1:{port}"
        self._connection = HTTPConnection("127.0.0.1", port, timeout=ANSWER_S)

    def __call__(self, action: str, **parameters: str | int) -> dict[str, Any]:
        """Make a call; `msgBody_1` stands for `msgBody.1`. OSError: the connection is gone."""
        body = self.body(action, **parameters)
        self._connection.request("POST", PATH, body, {"Host": self._host})
        answer = self._connection.getresponse()
        assert answer.status == 200
        reply: dict[str, Any] = json.loads(answer.read())
        return reply

    def body(self, action: str, **parameters: str | int) -> bytes:
        """A call, signed."""
        values: Values = {
            "Action": action,
            "SecretId": SECRET_ID,
            "Timestamp": str(int(time.time())),
            "Nonce": str(next(self._nonces)),
            "SignatureMethod": "HmacSHA256",
            "RequestClient": "SDK_Python_1.3",
        } | {name.replace("_", "."): str(value) for name, value in parameters.items()}
        return form(signed(values, host=self._host, key=SECRET_KEY))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()
