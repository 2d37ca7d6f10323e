"""The bytes of one POST.

Shape   RequestForm(url, signer).encode(push, now_s) -> head and body
Errors  UnsendableError: a msgId, or when built a URL, that would not stay in its line of the head
Headers CMQ's own (cmq_push.py), Standard Webhooks where there are keys, traceparent and tags where there are some, both
        checked before; the request id is new for each attempt
"""

from itertools import count
from secrets import token_hex
from urllib.parse import urlsplit

from adapters.callback.signature import Signer
from pipeline.errors import PipelineError
from pipeline.ports import Push
from schemas.cmq_push import CONTENT_TYPE, USER_AGENT


class UnsendableError(PipelineError):
    """A message that would not be the request that it is meant to be."""


class RequestForm:
    """What all requests of one subscription share."""

    def __init__(self, url: str, signer: Signer) -> None:
        self._head = _shared_head(url)
        self._signer = signer
        self._number = count(1).__next__

    def encode(self, push: Push, now_s: float) -> bytes:
        """The whole request."""
        msg_id, body = push.msg_id, push.body
        if not (msg_id.isascii() and msg_id.isprintable()):
            raise UnsendableError("the msgId cannot stand in a header line")
        return b"%b%d\r\nx-cmq-message-id: %b\r\n%b%b%bContent-Length: %d\r\n\r\n%b" % (
            self._head,
            self._number(),
            msg_id.encode(),
            push.tags and b"x-cmq-message-tag: %b\r\n" % push.tags,
            push.traceparent and b"traceparent: %b\r\n" % push.traceparent,
            self._signer.headers(msg_id, body, int(now_s)),
            len(body),
            body,
        )


def _shared_head(text: str) -> bytes:
    """Everything up to the number in the request id."""
    url = urlsplit(text)
    target = (url.path or "/") + (f"?{url.query}" if url.query else "")
    host = url.netloc.rpartition("@")[2]
    if not all(33 <= ord(c) < 127 for c in target + host):
        raise UnsendableError("an endpoint's URL is printable ASCII without blanks")
    lines = [
        f"POST {target} HTTP/1.1",
        f"Host: {host}",
        f"Content-Type: {CONTENT_TYPE}",
        f"User-Agent: {USER_AGENT}",
        f"x-cmq-request-id: {token_hex(8)}-",
    ]
    return "\r\n".join(lines).encode("ascii")
