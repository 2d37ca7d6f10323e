"""The bytes of a request: CMQ's headers, the signature, and no way to smuggle a line into the head."""

import base64
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from adapters.callback.request import RequestForm, UnsendableError
from adapters.callback.signature import Signer, secret_fault
from pipeline.outcome import Delivered, Failed
from pipeline.ports import Push
from tests.unit.callback.lab import OK, PUSH, Lab, Peer, Received, on_loop

FIRST = "whsec_" + base64.b64encode(b"the first key, 24 bytes.").decode()
SECOND = base64.b64encode(b"the second key has some more bytes").decode()
NOW_S = 1_700_000_000.9


async def received(push: Push = PUSH, **lab_options: object) -> Received:
    """What a server reads of a post."""
    requests: list[Received] = []

    async def serve(peer: Peer) -> None:
        requests.append(await peer.request())
        await peer.send(OK)

    async with Lab(serve, **lab_options) as lab:  # type: ignore[arg-type]
        assert await lab.outcome(push) == Delivered(200)
    return requests[0]


@on_loop
async def test_the_head_is_what_cmq_sent() -> None:
    request = await received(path="/a/b%20c?x=1&y=%0d%0a")
    assert request.line == "POST /a/b%20c?x=1&y=%0d%0a HTTP/1.1"
    assert [line.partition(b":")[0].decode() for line in request.head.split(b"\r\n")[1:-2]] == [
        "Host",
        "Content-Type",
        "User-Agent",
        "x-cmq-request-id",
        "x-cmq-message-id",
        "Content-Length",
    ]
    assert request.header("Content-Type") == "text/plain"
    assert request.header("User-Agent") == "Qcloud Notification Service Agent"
    assert request.header("x-cmq-message-id") == PUSH.msg_id
    assert request.body == PUSH.body


@on_loop
async def test_tags_stand_in_a_line_of_their_own() -> None:
    request = await received(Push("42", b"text", b"", "a, 世界".encode()))
    assert b"\r\nx-cmq-message-tag: " + "a, 世界".encode() + b"\r\n" in request.head
    assert request.body == b"text"


@on_loop
async def test_each_attempt_has_a_request_id_of_its_own() -> None:
    ids = {(await received()).header("x-cmq-request-id") for _ in range(3)}
    form = RequestForm("http://h/", Signer(()))
    ids |= {head_of(form.encode(PUSH, NOW_S)).header("x-cmq-request-id") for _ in range(100)}
    assert len(ids) == 103


def head_of(request: bytes) -> Received:
    head, _, body = request.partition(b"\r\n\r\n")
    return Received(head, body)


@pytest.mark.parametrize(
    ("url", "line", "host"),
    [
        ("http://h", "POST / HTTP/1.1", "h"),
        ("http://h?q=1", "POST /?q=1 HTTP/1.1", "h"),
        ("http://h:8080/p#fragment", "POST /p HTTP/1.1", "h:8080"),
        ("https://[2606:4700::1]:8443/p", "POST /p HTTP/1.1", "[2606:4700::1]:8443"),
        ("http://user:secret@h/p", "POST /p HTTP/1.1", "h"),
    ],
)
def test_request_line_and_host(url: str, line: str, host: str) -> None:
    request = head_of(RequestForm(url, Signer(())).encode(PUSH, NOW_S))
    assert (request.line, request.header("Host")) == (line, host)
    assert b"secret" not in request.head


@pytest.mark.parametrize("url", ["http://h/a b", "http://h/\x01", "http://h/ü", "http://h\x7f/", "http://h/?q= x"])
def test_a_url_that_would_not_stay_in_its_line_is_refused(url: str) -> None:
    with pytest.raises(UnsendableError):
        RequestForm(url, Signer(()))


@pytest.mark.parametrize(
    "msg_id", ["1\r\nX: y", "1\nX: y", "1\r", "\r\n\r\nGET / HTTP/1.1", "1\x00", "1\x85X: y", "1\u2028", "ü", "\t"]
)
@on_loop
async def test_a_msg_id_that_would_not_stay_in_its_line_is_not_sent(msg_id: str) -> None:
    async with Lab(signing_secrets=(FIRST,)) as lab:
        assert await lab.outcome(Push(msg_id, b"")) == Failed("the msgId cannot stand in a header line")
        assert lab.server.peers == []


@given(msg_id=st.text(max_size=20), body=st.binary(max_size=40), path=st.text(string.printable, max_size=20))
def test_whatever_is_given_the_head_has_its_lines_and_the_body_follows(msg_id: str, body: bytes, path: str) -> None:
    try:
        form = RequestForm(f"http://h/{path}", Signer((FIRST,)))
        request = form.encode(Push(msg_id, body), NOW_S)
    except (UnsendableError, ValueError):
        return  # urlsplit refuses some by itself
    head, _, rest = request.partition(b"\r\n\r\n")
    assert rest == body
    assert len(head.split(b"\r\n")) == 10
    assert head.count(b"\n") == head.count(b"\r") == 9


@on_loop
async def test_a_signed_request_is_verified_by_the_standard_webhooks_package() -> None:
    body = '{"msgBody":"grüße"}'.encode()
    request = await received(Push("4611686018427387904", body), signing_secrets=(FIRST,))
    assert Webhook(FIRST).verify(request.body.decode(), webhook_headers(request)) == {"msgBody": "grüße"}
    assert request.header("webhook-id") == "4611686018427387904"


@on_loop
async def test_while_rotating_either_key_verifies_and_no_other() -> None:
    request = await received(Push("1", b"{}"), signing_secrets=(FIRST, SECOND))
    for secret in (FIRST, SECOND):
        assert Webhook(secret).verify(request.body.decode(), webhook_headers(request)) == {}
    with pytest.raises(WebhookVerificationError):
        Webhook(base64.b64encode(b"another key of 24 bytes.").decode()).verify("{}", webhook_headers(request))


@pytest.mark.parametrize("changed", ["webhook-id", "webhook-timestamp", "body"])
def test_the_signature_covers_id_timestamp_and_body(changed: str) -> None:
    lines = Signer((FIRST,)).headers("1", b"{}", now_s())
    headers = webhook_headers(Received(b"\r\n" + lines, b""))
    body = "{}"
    if changed == "body":
        body = "[]"
    elif changed == "webhook-id":
        headers[changed] = "2"
    else:
        headers[changed] = str(int(headers[changed]) + 1)
    with pytest.raises(WebhookVerificationError):
        Webhook(FIRST).verify(body, headers)


def now_s() -> int:
    """The package compares with its own clock."""
    import time  # noqa: PLC0415

    return int(time.time())


def webhook_headers(request: Received) -> dict[str, str]:
    names = ("webhook-id", "webhook-timestamp", "webhook-signature")
    return {name: value for name in names if (value := request.header(name)) is not None}


@on_loop
async def test_without_a_key_there_is_no_signature() -> None:
    assert webhook_headers(await received()) == {}


def test_a_signature_that_is_known() -> None:
    """The example of the Standard Webhooks specification."""
    signer = Signer(("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",))
    lines = signer.headers("msg_p5jXN8AQM9LWM0D4loKWxJek", b'{"test": 2432232314}', 1614265330)
    assert lines.split(b"\r\n") == [
        b"webhook-id: msg_p5jXN8AQM9LWM0D4loKWxJek",
        b"webhook-timestamp: 1614265330",
        b"webhook-signature: v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        b"",
    ]


@pytest.mark.parametrize(
    ("secret", "fault"),
    [
        (FIRST, None),
        (SECOND, None),
        ("whsec_" + base64.b64encode(b"x" * 64).decode(), None),
        ("whsec_" + base64.b64encode(b"x" * 65).decode(), "holds 65 bytes, allowed are 24 to 64"),
        ("whsec_" + base64.b64encode(b"x" * 23).decode(), "holds 23 bytes, allowed are 24 to 64"),
        ("whsec_", "holds 0 bytes, allowed are 24 to 64"),
        ("not base64!", "is not Base64 (with or without the prefix whsec_)"),
        ("whsec_" + "ü" * 40, "is not Base64 (with or without the prefix whsec_)"),
    ],
)
def test_what_is_wrong_with_a_secret_is_said_without_showing_it(secret: str, fault: str | None) -> None:
    assert secret_fault(secret) == fault
