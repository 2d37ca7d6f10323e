"""A cheap CMQ client for loads and measurements: signed requests over raw asyncio, no SDK.

Shape   CmqClient(secret_id, secret, addresses): await call("SendMessage", {"queueName": …}) -> the reply as a dict.
        One connection and one call at a time, kept alive; close()
Sends   connect() apart from it, for those who must know that a call has left
Picks   any of the addresses, which is asked for before each connection: replicas come and go
Errors  LostError: nobody knows what came of the call; the next one takes another address. AssertionError: an answer
        that is none of HTTP 200
Cost    one future, one HMAC and one JSON decode a call
Source  cmq.md 2.1 to 2.5, written apart from ours
"""

import asyncio
import hmac
import itertools
import random
import time
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast
from urllib.parse import quote, quote_plus

import msgspec

Reply = dict[str, Any]

ANSWER_S = 6.0
CONNECT_S = 2.0
_DECODER = msgspec.json.Decoder(Reply)


class LostError(Exception):
    """No answer: the call may have been heeded, or not."""


class CmqClient:
    """One client, with one connection."""

    def __init__(
        self, secret_id: str, secret: str, addresses: Callable[[], Sequence[str]], answer_s: float = ANSWER_S
    ) -> None:
        self.address = ""
        """Where the last call went."""

        self._secret_id = secret_id
        self._key = secret.encode()
        self._addresses = addresses
        self._answer_s = answer_s
        self._connection: _Connection | None = None
        self._nonces = itertools.count(random.randrange(1, 1 << 40))  # noqa: S311  no secret

    async def call(self, action: str, values: Mapping[str, str], wait_s: float = 0.0) -> Reply:
        """Make a call; wait_s is how long it may take beside what calls take.

        Raises:
            LostError: no connection, or no answer.
        """
        try:
            async with asyncio.timeout(self._answer_s + wait_s):
                connection = await self._connected()
                return await connection.ask(self._request(action, values))
        except (OSError, TimeoutError) as error:
            raise LostError(repr(error)) from error
        finally:
            if self._connection is not None and not self._connection.idle:
                self.close()  # an answer that comes later must not be taken for the next call's

    async def connect(self) -> bool:
        """Connect, unless it is; whether it could."""
        try:
            await self._connected()
        except OSError:  # TimeoutError is one
            return False
        return True

    def close(self) -> None:
        """End the connection; the next call makes another."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    async def _connected(self) -> "_Connection":
        if self._connection is None or self._connection.ended:
            addresses = self._addresses()
            others = [one for one in addresses if one != self.address] or list(addresses)
            if not others:
                raise ConnectionError("nobody is there")
            self.address = random.choice(others)  # noqa: S311  spreads load
            host, _, port = self.address.rpartition(":")
            async with asyncio.timeout(CONNECT_S):
                loop = asyncio.get_running_loop()
                _, self._connection = await loop.create_connection(_Connection, host, int(port))
        return self._connection

    def _request(self, action: str, values: Mapping[str, str]) -> bytes:
        signed = {
            "Action": action,
            "Nonce": str(next(self._nonces)),
            "RequestClient": "batch-events-tests",
            "SecretId": self._secret_id,
            "Timestamp": str(int(time.time())),
            **values,
        }
        text = "&".join(f"{name}={signed[name]}" for name in sorted(signed))
        proof = hmac.digest(self._key, f"POST{self.address}/v2/index.php?{text}".encode(), "sha1")
        pairs = [f"{name}={quote_plus(value)}" for name, value in signed.items()]
        body = "&".join([*pairs, f"Signature={quote(b64encode(proof), safe='')}"])
        return (
            f"POST /v2/index.php HTTP/1.1\r\nHost: {self.address}\r\nContent-Length: {len(body)}\r\n\r\n{body}"
        ).encode()


class _Connection(asyncio.Protocol):
    """One connection; a reply is HTTP 200 with a Content-Length."""

    def __init__(self) -> None:
        self.ended = False
        self._transport: asyncio.Transport | None = None
        self._waiting: asyncio.Future[Reply] | None = None
        self._bytes = b""

    @property
    def idle(self) -> bool:
        """Whether no call is out."""
        return self._waiting is None

    async def ask(self, request: bytes) -> Reply:
        """Send a request and wait for its reply."""
        if self._transport is None or self.ended:
            raise ConnectionError("the connection ended")
        self._waiting = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        reply = await self._waiting
        self._waiting = None
        return reply

    def close(self) -> None:
        """Cut it."""
        self.ended = True
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """From asyncio."""
        self._transport = cast("asyncio.Transport", transport)  # a stream's, by create_connection

    def data_received(self, data: bytes) -> None:
        """From asyncio."""
        self._bytes = self._bytes + data if self._bytes else data
        end = self._bytes.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self._bytes[:end].lower()
        if not head.startswith(b"http/1.1 200 "):
            self.ended = True
            self._answer(AssertionError(head))
            return
        size = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
        body = self._bytes[end + 4 :]
        if len(body) < size:
            return
        self._bytes = b""
        if b"connection: close" in head:
            self.ended = True
        self._answer(_DECODER.decode(body[:size]))

    def connection_lost(self, error: Exception | None) -> None:
        """From asyncio."""
        self.ended = True
        self._answer(ConnectionResetError(str(error)))

    def _answer(self, answer: Reply | Exception) -> None:
        if self._waiting is None or self._waiting.done():
            return
        if isinstance(answer, Exception):
            self._waiting.set_exception(answer)
        else:
            self._waiting.set_result(answer)


def numbered(name: str, values: Sequence[str]) -> dict[str, str]:
    """A list as CMQ takes it: `name.1`, `name.2` and so on."""
    return {f"{name}.{index}": value for index, value in enumerate(values, 1)}
