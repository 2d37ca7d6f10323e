"""Whatever bytes come over the socket, what goes back is HTTP 200 with a code, never a trace of our insides."""

import logging

import pytest

from adapters.gateway.front.request_reader import OVERHEAD_BYTES
from tests.unit.gateway.rig import Reply, send
from tests.unit.gateway.serving import run, serving
from tests.unit.gateway.signing import HOST, PATH, form, post, replies, row_of, sign, signed

GOOD = form(signed(send()))
UNPARSABLE = (4000, 10420)
METHOD = (4000, 10410)
BLANK = (4510, 10570)
SIGNATURE = (4100, 10030)


def raw(line: str, *headers: str, body: bytes = b"") -> bytes:
    return "\r\n".join([line, *headers, "", ""]).encode("latin-1") + body


def get(target: str) -> bytes:
    return raw(f"GET {target} HTTP/1.1", f"Host: {HOST}")


CASES: dict[str, tuple[bytes, tuple[int, int]]] = {
    "no host": (post(GOOD, None), UNPARSABLE),
    "an empty host": (post(GOOD, ""), UNPARSABLE),
    "two hosts": (post(GOOD, HOST, PATH, f"Host: {HOST}"), UNPARSABLE),
    "another host": (post(GOOD, "127.0.0.2:8080"), SIGNATURE),
    "a host in other case": (post(form(signed(send(), host="LOCALHOST:1")), "localhost:1"), SIGNATURE),
    "bad percent encoding": (post(b"Action=%zz"), UNPARSABLE),
    "half a percent encoding": (post(GOOD + b"%4"), UNPARSABLE),
    "no UTF-8": (post(b"Action=%ff"), UNPARSABLE),
    "a repeated parameter": (post(GOOD + b"&queueName=q1"), (4000, 10310)),
    "an underscore": (post(GOOD + b"&msgBody_2=x"), (4000, 10000)),
    "an ampersand": (post(GOOD + b"&z=%26"), (4000, 10000)),
    "a signature over other bytes": (post(form(signed(send()) | {"msgBody": "other"})), SIGNATURE),
    "a signature in other case": (post(form(send() | {"Signature": sign(send()).swapcase()})), SIGNATURE),
    "JSON": (post(b'{"Action": "SendMessage"}'), UNPARSABLE),
    "nothing": (post(b""), (4000, 10010)),
    "another path": (post(GOOD, HOST, "/v3"), UNPARSABLE),
    "an absolute target": (get(f"http://{HOST}{PATH}?{GOOD.decode()}"), UNPARSABLE),
    "a blank in the URL": (get(f"{PATH}?a=b c"), BLANK),
    "an action in the wrong place": (get("/SendMessage"), (4000, 10010)),
    "a method that is none": (b"FOO / HTTP/1.1\r\n\r\n", METHOD),
    "a method in lower case": (b"post / HTTP/1.1\r\n\r\n", METHOD),
    "another method": (raw(f"DELETE {PATH} HTTP/1.1", f"Host: {HOST}"), METHOD),
    "options": (raw("OPTIONS * HTTP/1.1", f"Host: {HOST}"), METHOD),
    "connect": (raw("CONNECT a:1 HTTP/1.1", f"Host: {HOST}", body=b"junk"), METHOD),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 100, UNPARSABLE),
    "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", UNPARSABLE),
    "no HTTP": (b"hello\r\n\r\n", UNPARSABLE),
    "zero bytes": (b"\x00" * 64, UNPARSABLE),
    "a blank before a colon": (raw("POST / HTTP/1.1", "Host : x"), UNPARSABLE),
    "a header without a colon": (raw("POST / HTTP/1.1", "Host"), UNPARSABLE),
    "both lengths": (
        raw("POST / HTTP/1.1", "Content-Length: 1", "Transfer-Encoding: chunked", body=b"0\r\n\r\n"),
        UNPARSABLE,
    ),
    "two lengths": (raw("POST / HTTP/1.1", "Content-Length: 1", "Content-Length: 2", body=b"xx"), UNPARSABLE),
    "a negative length": (raw("POST / HTTP/1.1", "Content-Length: -1"), UNPARSABLE),
    "no length": (raw("POST / HTTP/1.1", "Content-Length:"), UNPARSABLE),
    "a length of 30 digits": (raw("POST / HTTP/1.1", "Content-Length: " + "9" * 30), UNPARSABLE),
    "a length of 12 digits": (raw("POST / HTTP/1.1", "Content-Length: " + "9" * 12), UNPARSABLE),
    "a chunk without a size": (raw("POST / HTTP/1.1", "Transfer-Encoding: chunked", body=b"zz\r\n"), UNPARSABLE),
    "a chunk that is too big": (
        raw("POST / HTTP/1.1", "Transfer-Encoding: chunked", body=b"FFFFFFFFFFFFFFFFF\r\n"),
        UNPARSABLE,
    ),
    "a head that is too big": (raw("POST / HTTP/1.1", "a: " + "x" * (OVERHEAD_BYTES + 40_000)), UNPARSABLE),
    "a URL that is too big": (get("/?a=" + "x" * (OVERHEAD_BYTES + 40_000)), UNPARSABLE),
    "a head without an end": (b"POST / HTTP/1.1\r\n" + b"a: b\r\n" * 20_000, UNPARSABLE),
    "blank lines without an end": (b"\r\n" * 60_000, UNPARSABLE),
    "a trailer without an end": (
        raw("POST / HTTP/1.1", "Transfer-Encoding: chunked", body=b"0\r\nx: " + b"y" * 120_000),
        UNPARSABLE,
    ),
    "an upgrade with a body": (post(GOOD, HOST, PATH, "Connection: Upgrade", "Upgrade: h2c"), UNPARSABLE),
}


def answered(data: bytes) -> list[Reply]:
    found: list[Reply] = []

    async def scene() -> None:
        async with serving(linger_s=0.2) as served:
            found.extend(await served.answers(data))

    run(scene())
    return found


@pytest.mark.parametrize("case", CASES)
def test_what_is_no_good_request_gets_its_row(case: str, caplog: pytest.LogCaptureFixture) -> None:
    data, row = CASES[case]
    with caplog.at_level(logging.WARNING):
        assert [row_of(reply) for reply in answered(data)] == [row]
    assert caplog.records == []


def test_what_came_before_is_answered_first() -> None:
    assert [row_of(reply) for reply in answered(post(GOOD) + b"\x00\x00")] == [(0, 0), UNPARSABLE]


def test_a_request_that_says_it_is_the_last_is_the_last() -> None:
    closing = post(GOOD, HOST, PATH, "Connection: close")
    assert [row_of(reply) for reply in answered(closing + post(GOOD) + b"\x00")] == [(0, 0)]


def test_an_offer_to_upgrade_is_passed_over() -> None:
    line = f"GET {PATH}?{form(signed(send(), method='GET')).decode()} HTTP/1.1"
    offer = raw(line, f"Host: {HOST}", "Connection: Upgrade", "Upgrade: h2c")
    assert [row_of(reply) for reply in answered(offer + post(GOOD))] == [(0, 0), (0, 0)]


def test_http_1_0_is_answered_and_kept_only_where_it_is_asked_for() -> None:
    async def scene() -> None:
        async with serving() as served:
            line = f"GET {PATH}?{form(signed(send(), method='GET')).decode()} HTTP/1.0"
            once, kept = await served.client(), await served.client()
            await once.send(raw(line, f"Host: {HOST}"))
            assert b"Connection: close" in await once.rest()
            await kept.send(raw(line, f"Host: {HOST}", "Connection: keep-alive"))
            assert b"Connection: keep-alive" in await kept.reader.readuntil(b"\r\n\r\n")

    run(scene())


def test_head_gets_a_head() -> None:
    async def scene() -> None:
        async with serving() as served:
            client = await served.client()
            await client.send(raw(f"HEAD {PATH} HTTP/1.1", f"Host: {HOST}"))
            client.writer.write_eof()
            head, _, body = (await client.rest()).partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200 OK\r\n")
            assert body == b""

    run(scene())


def test_a_connection_on_which_a_refusal_was_no_fault_of_http_is_kept() -> None:
    bad = post(b"Action=%zz")
    assert len(answered(bad * 3 + post(GOOD))) == 4


def test_a_reply_of_the_test_itself_is_looked_at() -> None:
    with pytest.raises(AssertionError):
        replies(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 2\r\n\r\n{}")
