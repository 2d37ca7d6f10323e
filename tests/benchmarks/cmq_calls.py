"""CMQ's API 2.0 as its clients speak it: POST, form, HmacSHA256 over all parameters."""

import base64
import hashlib
import hmac
import itertools
import time
from collections.abc import Sequence
from urllib.parse import quote_plus

import msgspec

NO_MESSAGE = 7000
PATH = "/v2/index.php"


class _Message(msgspec.Struct, rename="camel"):
    receipt_handle: str
    msg_body: str


class _Answer(msgspec.Struct, rename="camel"):
    code: int
    message: str = ""
    msg_info_list: list[_Message] = []
    receipt_handle: str = ""
    msg_body: str = ""


_decode = msgspec.json.Decoder(_Answer).decode


class CmqCalls:
    """Of one queue, in the name of one key."""

    largest_batch = 16

    def __init__(self, host: str, queue: str, secret_id: str, secret_key: str) -> None:
        self._host = host
        self._queue = queue
        self._secret_id = secret_id
        self._secret = secret_key.encode()
        self._nonces = itertools.count(1)

    def create(self) -> bytes:
        return self._call("CreateQueue", {})

    def send(self, bodies: Sequence[str]) -> bytes:
        if len(bodies) == 1:
            return self._call("SendMessage", {"msgBody": bodies[0], "delaySeconds": "0"})
        numbered = {f"msgBody.{number}": body for number, body in enumerate(bodies, 1)}
        return self._call("BatchSendMessage", {**numbered, "delaySeconds": "0"})

    def receive(self, count: int, wait_s: int) -> bytes:
        wait = {"pollingWaitSeconds": str(wait_s)}
        if count == 1:
            return self._call("ReceiveMessage", wait)
        return self._call("BatchReceiveMessage", {**wait, "numOfMsg": str(count)})

    def delete(self, handles: Sequence[str]) -> bytes:
        if len(handles) == 1:
            return self._call("DeleteMessage", {"receiptHandle": handles[0]})
        numbered = {f"receiptHandle.{number}": handle for number, handle in enumerate(handles, 1)}
        return self._call("BatchDeleteMessage", numbered)

    @staticmethod
    def done(answer: bytes) -> None:
        assert _decode(answer).code == 0, answer

    @staticmethod
    def received(answer: bytes) -> list[tuple[str, str]]:
        said = _decode(answer)
        assert said.code in {0, NO_MESSAGE}, answer
        if said.receipt_handle:
            return [(said.receipt_handle, said.msg_body)]
        return [(one.receipt_handle, one.msg_body) for one in said.msg_info_list]

    def _call(self, action: str, fields: dict[str, str]) -> bytes:
        named = {
            "Action": action,
            "Nonce": str(next(self._nonces)),
            "RequestClient": "SDK_bench_1.0",
            "SecretId": self._secret_id,
            "SignatureMethod": "HmacSHA256",
            "Timestamp": str(int(time.time())),
            "queueName": self._queue,
            **fields,
        }
        signed = "&".join(f"{name}={named[name]}" for name in sorted(named))
        digest = hmac.digest(self._secret, f"POST{self._host}{PATH}?{signed}".encode(), hashlib.sha256)
        named["Signature"] = base64.b64encode(digest).decode()
        body = "&".join(f"{name}={quote_plus(value)}" for name, value in named.items()).encode()
        head = f"POST {PATH} HTTP/1.1\r\nHost: {self._host}\r\nContent-Length: {len(body)}\r\n\r\n"
        return head.encode() + body
