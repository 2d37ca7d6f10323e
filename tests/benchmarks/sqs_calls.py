"""SQS's JSON protocol, for servers that check no signature."""

from collections.abc import Sequence
from typing import Any

import msgspec

_encode = msgspec.json.Encoder().encode


class _Message(msgspec.Struct, rename="pascal"):
    receipt_handle: str
    body: str


class _Answer(msgspec.Struct, rename="pascal"):
    messages: list[_Message] | None = None
    failed: list[Any] | None = None


_decode = msgspec.json.Decoder(_Answer).decode


class SqsCalls:
    """Of one queue."""

    largest_batch = 10

    def __init__(self, port: int, queue: str) -> None:
        self._host = f"127.0.0.1:{port}"
        self._queue = f"http://{self._host}/000000000000/{queue}"

    def send(self, bodies: Sequence[str]) -> bytes:
        if len(bodies) == 1:
            return self._call("SendMessage", MessageBody=bodies[0])
        entries = [{"Id": str(index), "MessageBody": body} for index, body in enumerate(bodies)]
        return self._call("SendMessageBatch", Entries=entries)

    def receive(self, count: int, wait_s: int) -> bytes:
        return self._call("ReceiveMessage", MaxNumberOfMessages=count, WaitTimeSeconds=wait_s)

    def delete(self, handles: Sequence[str]) -> bytes:
        if len(handles) == 1:
            return self._call("DeleteMessage", ReceiptHandle=handles[0])
        entries = [{"Id": str(index), "ReceiptHandle": handle} for index, handle in enumerate(handles)]
        return self._call("DeleteMessageBatch", Entries=entries)

    @staticmethod
    def done(answer: bytes) -> None:
        assert not answer or not _decode(answer).failed, answer

    @staticmethod
    def received(answer: bytes) -> list[tuple[str, str]]:
        return [(one.receipt_handle, one.body) for one in (answer and _decode(answer).messages) or ()]

    def _call(self, action: str, **fields: object) -> bytes:
        body = _encode({"QueueUrl": self._queue, **fields})
        head = (
            f"POST / HTTP/1.1\r\nHost: {self._host}\r\nContent-Type: application/x-amz-json-1.0\r\n"
            f"X-Amz-Target: AmazonSQS.{action}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body
