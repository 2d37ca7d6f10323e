"""A request is read in one way or refused; a reply always has code, message and requestId."""

import contextlib
import json
import re
from urllib.parse import quote, quote_plus, unquote_to_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.gateway.errors import CmqError, Row
from adapters.gateway.front.protocol import (
    PARAMETERS,
    REQUEST_BYTES,
    WIRE_BYTES,
    Replies,
    Request,
    client_request_id,
    parameters,
    signed_path,
)


def read(body: bytes = b"", query: bytes = b"", method: str = "POST") -> dict[str, str]:
    return parameters(Request(method, "h", "/", query, body))


def row(body: bytes, query: bytes = b"", method: str = "POST") -> Row:
    with pytest.raises(CmqError) as caught:
        read(body, query, method)
    return caught.value.row


@pytest.mark.parametrize("encode", [quote, quote_plus])
def test_a_blank_is_a_plus_or_percent_20(encode: type) -> None:
    assert read(f"msgBody={encode('a b+c/é&=', safe='')}".encode()) == {"msgBody": "a b+c/é&="}


def test_parameters_come_in_the_body_or_in_the_query() -> None:
    assert read(b"a=1&b=2") == read(b"", b"a=1&b=2", "GET") == read(b"b=2", b"a=1") == {"a": "1", "b": "2"}


def test_no_parameters_are_none() -> None:
    assert read() == read(b"&&") == {}


def test_utf_8_may_come_as_it_is() -> None:
    assert read("msgBody=é".encode()) == {"msgBody": "é"}


@pytest.mark.parametrize(
    "body", [b"a=%", b"a=%4", b"a=%zz", b"a=%%41", b"%4=1", b"a=%\nb", b"a=%\r\nb", b"a=%4\n", b"a=%=41"]
)
def test_bad_percent_encoding_is_unparsable(body: bytes) -> None:
    assert row(body) is Row.UNPARSABLE


@pytest.mark.parametrize("body", [b"a=\xff", b"a=%FF", b"a=%ED%A0%80", b"a=%C0%80", b"\xff=1", b"a=\xc3"])
def test_what_is_no_utf_8_is_unparsable(body: bytes) -> None:
    assert row(body) is Row.UNPARSABLE


@given(
    st.lists(st.sampled_from([b"%41", b"%c3%A9", b"%", b"%%", b"%4", b"%zz", b"%\n", b"%\r", b"\n", b"=", b"+", b"x"]))
)
def test_a_value_is_decoded_as_the_standard_says_or_refused(parts: list[bytes]) -> None:
    raw = b"".join(parts)
    if re.search(rb"%(?![0-9A-Fa-f]{2})", raw):
        assert row(b"msgBody=" + raw) is Row.UNPARSABLE
    else:
        expected = unquote_to_bytes(raw.replace(b"+", b" "))
        try:
            assert read(b"msgBody=" + raw) == {"msgBody": expected.decode()}
        except UnicodeDecodeError:
            assert row(b"msgBody=" + raw) is Row.UNPARSABLE


@given(st.text())
def test_what_was_encoded_is_decoded(text: str) -> None:
    try:
        encoded = quote_plus(text).encode()
    except UnicodeEncodeError:
        return
    assert read(b"msgBody=" + encoded) == {"msgBody": text}


@pytest.mark.parametrize("body", [b"a=1&a=2", b"a=1&a=1", b"a=1&%61=2"])
def test_a_repeated_name_is_refused(body: bytes) -> None:
    assert row(body) is Row.PARAMETER_REPEATED


def test_a_name_in_query_and_body_is_repeated() -> None:
    assert row(b"a=1", b"a=1") is Row.PARAMETER_REPEATED


@pytest.mark.parametrize(
    "name", [b"msgBody_2", b"a%5Fb", b"", b"a+b", b"a%20b", b"a%26b", b"a%3Db", b"a[0]", b"%C3%A9", b"x" * 65, b"a%0A"]
)
def test_a_name_that_could_sign_as_another_is_refused(name: bytes) -> None:
    assert row(name + b"=1") is Row.BAD_PARAMETER


def test_a_pair_without_a_sign_is_unparsable() -> None:
    assert row(b"a") is Row.UNPARSABLE


@pytest.mark.parametrize("name", [b"queueName", b"z", b"msgTag.1", b"msgBodyX", b"msgBody.", b"msgBody.x", b"amsgBody"])
def test_an_ampersand_is_refused_but_in_a_body(name: bytes) -> None:
    assert row(name + b"=a%26b") is Row.BAD_PARAMETER


def test_an_ampersand_may_stand_in_a_body() -> None:
    assert read(b"msgBody=a%26b&msgBody.0=%26&msgBody.16=%26") == {
        "msgBody": "a&b",
        "msgBody.0": "&",
        "msgBody.16": "&",
    }


@pytest.mark.parametrize("method", ["PUT", "DELETE", "HEAD", "OPTIONS", "post", "", "CONNECT"])
def test_another_method_is_refused(method: str) -> None:
    assert row(b"a=1", method=method) is Row.METHOD


def test_a_request_over_1_mb_is_unparsable_and_one_of_1_mb_of_bodies_is_not() -> None:
    assert len(read(b"msgBody=" + b"x" * (1 << 20))["msgBody"]) == 1 << 20
    assert len(read(b"msgBody=" + b"%41" * (1 << 20))["msgBody"]) == 1 << 20
    assert row(b"msgBody=" + b"x" * (REQUEST_BYTES + 1)) is Row.UNPARSABLE
    assert row(b"msgBody=" + b"x" * (2 << 20)) is Row.UNPARSABLE
    assert row(b"msgBody=" + "é".encode() * (REQUEST_BYTES // 2 + 1)) is Row.UNPARSABLE
    assert row(b"&" * (WIRE_BYTES + 1)) is Row.UNPARSABLE
    halves = b"&".join(b"msgBody.%d=%b" % (index, b"x" * (REQUEST_BYTES // 2 + 1)) for index in (1, 2))
    assert row(halves) is Row.UNPARSABLE


def test_more_parameters_than_make_sense_are_unparsable() -> None:
    assert len(read(b"&".join(b"a.%d=" % index for index in range(PARAMETERS)))) == PARAMETERS
    assert row(b"&".join(b"a.%d=" % index for index in range(PARAMETERS + 1))) is Row.UNPARSABLE


@pytest.mark.parametrize("path", ["/", "/v2/index.php"])
def test_a_path_signs_as_itself(path: str) -> None:
    assert signed_path(path) == path


def test_the_doubled_path_signs_once() -> None:
    assert signed_path("/v2/index.php/v2/index.php") == "/v2/index.php"


@pytest.mark.parametrize("path", ["", "*", "/v2", "/v2/index.php/", "//", "/V2/index.php", "http://h/"])
def test_another_path_is_refused(path: str) -> None:
    with pytest.raises(CmqError) as caught:
        signed_path(path)
    assert caught.value.row is Row.UNPARSABLE


@pytest.mark.parametrize("number", [0, 1, 2**53 + 1, 2**64 - 1])
def test_a_client_request_id_comes_back_as_a_number(number: int) -> None:
    reply = Replies().of({}, client_request_id({"clientRequestId": str(number)}))
    assert f'"clientRequestId":{number}'.encode() in reply


@pytest.mark.parametrize("text", ["", "-1", "1.5", "x", str(2**64), "9" * 5000, "²", " 1", "+1"])
def test_a_client_request_id_that_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(CmqError) as caught:
        client_request_id({"clientRequestId": text})
    assert caught.value.row is Row.PARAMETER_TYPE


def test_every_reply_has_an_id_of_its_own() -> None:
    replies = Replies()
    ids = [json.loads(replies.of({}))["requestId"] for _ in range(100)]
    assert len(set(ids)) == 100
    assert all(isinstance(one, str) and one for one in ids)


def test_a_refusal_has_its_row() -> None:
    reply = json.loads(Replies().refusal(Row.NO_MESSAGE.error(), 7))
    assert (reply["code"], reply["message"], reply["clientRequestId"]) == (7000, "(10200)no message", 7)


def test_a_reply_may_say_its_code_and_fields_beside_it() -> None:
    reply = json.loads(Replies().of({"code": 6010, "message": "(10150)x", "errorList": []}))
    assert (reply["code"], reply["message"], reply["errorList"]) == (6010, "(10150)x", [])


@given(st.binary(max_size=200), st.binary(max_size=50))
def test_whatever_comes_is_parameters_or_a_row(body: bytes, query: bytes) -> None:
    with contextlib.suppress(CmqError):
        assert all("_" not in name for name in read(body, query))
