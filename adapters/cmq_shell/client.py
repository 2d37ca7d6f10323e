"""A client of the CMQ API that signs with a key of the configuration: every action stays the gateway's, once.

Shape   CmqClient(place, keys).call(action, **parameters) -> the reply's fields; blocks; one thread
Place   where to connect, and the host to sign for: place_of(settings, url)
Key     the first one that may do what is asked; the gateway alone decides, so where none may, it says so
Lists   a parameter with several values goes as `name.1`, `name.2` and on; one that is None is not sent
Errors  CmqRefusedError: the gateway's own refusal. GatewayError: nobody answers there, or nobody that is a gateway.
        Neither text, nor a traceback's, holds a secret
Source  cmq.md 2
"""

import http.client
import ipaddress
import json
import secrets
import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlencode, urlsplit

from adapters.gateway.errors import CmqError
from adapters.gateway.front.front import NAMELESS, named
from adapters.gateway.front.keys import Key, KeySpec
from adapters.gateway.front.signature import SIGNATURE, signature, string_to_sign
from adapters.settings import GatewaySettings
from pipeline.errors import PipelineError

PATH = "/v2/index.php"
CLIENT = "batch-events"

ANSWER_S = 60.0
"""Making a queue makes a Kafka topic, which may take its time."""

REPLY_BYTES = 8 << 20

Value = str | int | Sequence[str] | None
Reply = dict[str, Any]


class GatewayError(PipelineError):
    """No gateway answers."""


class CmqRefusedError(Exception):
    """The gateway refused, with a row of CMQ's table."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"{code}, {message}")
        self.code = code


class Place(NamedTuple):
    """Where the gateway is.

    Attributes:
        url: as people are told it.
        host: the Host header, which is signed.
    """

    url: str
    scheme: str
    address: str
    port: int | None
    host: str


def place_of(gateway: GatewaySettings, url: str | None) -> Place:
    """Where to call.

    Args:
        gateway: says where, if url does not: what it listens on, asked by the first of its hosts.
        url: `http://HOST[:PORT]` or https.

    Raises:
        ValueError: the URL is none that a gateway can have.
    """
    if url is None:
        host, _, port = gateway.listen.rpartition(":")
        address = f"{_reachable(host)}:{port}"
        known = next((one for one in gateway.hosts if one != "*"), address)
        return _place(f"http://{address}")._replace(host=known)
    return _place(url)


def _place(url: str) -> Place:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username is not None:
        raise ValueError("must be http://HOST[:PORT] or https://HOST[:PORT]")
    if parts.path not in {"", "/", PATH} or parts.query or parts.fragment:
        raise ValueError(f"must have no path but {PATH}")
    shown = f"{parts.scheme}://{parts.netloc}"
    return Place(shown, parts.scheme, parts.hostname, parts.port, parts.netloc)


def _reachable(host: str) -> str:
    """What listens everywhere can be reached on this machine."""
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return host
    if not address.is_unspecified:
        return host
    return "127.0.0.1" if address.version == 4 else "[::1]"


class CmqClient:
    """Of one gateway."""

    def __init__(self, place: Place, keys: Sequence[KeySpec]) -> None:
        """Nothing is sent yet; there is one key at least."""
        self._place = place
        self._keys = [(spec, Key(spec, 0.0)) for spec in keys]
        kind = http.client.HTTPSConnection if place.scheme == "https" else http.client.HTTPConnection
        self._connection = kind(place.address, place.port, timeout=ANSWER_S)

    def close(self) -> None:
        """Let go of the connection."""
        self._connection.close()

    def call(self, action: str, **parameters: Value) -> Reply:
        """One call.

        Raises:
            CmqRefusedError, GatewayError
        """
        values = {"Action": action, **_sent(parameters)}
        reply = self._asked(self._signed(values))
        if reply["code"]:
            raise CmqRefusedError(reply["code"], str(reply.get("message", "")))
        return reply

    def _signed(self, values: dict[str, str]) -> dict[str, str]:
        spec = self._key_for(values)
        values |= {
            "SecretId": spec.secret_id,
            "Timestamp": str(int(time.time())),
            "Nonce": str(secrets.randbelow(2**31) + 1),
            "SignatureMethod": "HmacSHA256",
            "RequestClient": CLIENT,
        }
        text = string_to_sign("POST", self._place.host, PATH, values)
        return values | {SIGNATURE: signature(text, spec.secret.encode(), "sha256").decode()}

    def _key_for(self, values: Mapping[str, str]) -> KeySpec:
        names = () if values["Action"] in NAMELESS else named(values)
        return next((spec for spec, key in self._keys if _may(key, values["Action"], names)), self._keys[0][0])

    def _asked(self, values: Mapping[str, str]) -> Reply:
        url = self._place.url
        try:
            self._connection.request("POST", PATH, urlencode(values).encode(), {"Host": self._place.host})
            response = self._connection.getresponse()
            text = response.read(REPLY_BYTES)
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise GatewayError(f"no gateway answers at {url}: {reason}") from error
        try:
            reply = json.loads(text)
        except ValueError:
            reply = None
        if response.status != http.client.OK or not isinstance(reply, dict) or not isinstance(reply.get("code"), int):
            raise GatewayError(f"{url} is no CMQ gateway: it answers with status {response.status} and no code")
        return reply


def _may(key: Key, action: str, names: Sequence[str]) -> bool:
    try:
        key.check_may(action, names)
    except CmqError:
        return False
    return key.enabled


def _sent(parameters: Mapping[str, Value]) -> dict[str, str]:
    sent: dict[str, str] = {}
    for name, value in parameters.items():
        if isinstance(value, str | int):
            sent[name] = str(value)
        elif value is not None:
            sent |= {f"{name}.{number}": item for number, item in enumerate(value, 1)}
    return sent
