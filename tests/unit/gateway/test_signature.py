"""The signature: the documented vectors, every client's quirk, and no forgery."""

from itertools import product
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.gateway.front.signature import is_signed, string_to_sign
from tests.unit.gateway.signing import HOST, PATH, SIGNING_KEY, Values, sign, signed

VECTOR = {
    "Action": "SendMessage",
    "SecretId": "AKIDtest",
    "Timestamp": "1500000000",
    "Nonce": "11886",
    "RequestClient": "SDK_Python_1.3",
    "delaySeconds": "0",
    "msgBody": "hello a+b",
    "queueName": "q1",
}
PYTHON = VECTOR | {"SignatureMethod": "HmacSHA1"}


def accepts(
    values: Values, *, method: str = "POST", hosts: tuple[str, ...] = (HOST,), path: str = PATH, key: str = SIGNING_KEY
) -> bool:
    return is_signed(method, hosts, path, values, key.encode())


@pytest.mark.parametrize(
    ("method", "signature"),
    [
        ("HmacSHA1", "WyvK5Zcjr9E2lSRHTU8WKLVlbmg="),
        ("HmacSHA256", "4XsfHLrFNPTgLcbMMu/XZ9Dzv98flUDvQxdT/hRynnM="),
    ],
)
def test_the_documented_vectors_are_right(method: str, signature: str) -> None:
    assert accepts(VECTOR | {"SignatureMethod": method, "Signature": signature})


def test_the_string_to_sign_is_the_documented_one() -> None:
    assert string_to_sign("POST", HOST, PATH, VECTOR | {"SignatureMethod": "M"}) == (
        "POST127.0.0.1:8080/v2/index.php?Action=SendMessage&Nonce=11886&RequestClient=SDK_Python_1.3&SecretId=AKIDtest"
        "&SignatureMethod=M&Timestamp=1500000000&delaySeconds=0&msgBody=hello a+b&queueName=q1"
    )


def test_names_are_sorted_in_byte_order() -> None:
    values = {f"msgBody.{index}": "x" for index in (1, 2, 10)} | {"Zone": "z", "action": "a"}
    assert string_to_sign("GET", "h", "/", values) == "GETh/?Zone=z&action=a&msgBody.1=x&msgBody.10=x&msgBody.2=x"


@pytest.mark.parametrize(
    ("method", "digest", "right"),
    [
        ("HmacSHA256", "sha256", True),
        ("HmacSHA256", "sha1", False),
        ("HmacSHA1", "sha1", True),
        ("HmacSHA1", "sha256", False),
        ("hmacsha256", "sha1", True),
        ("hmacsha256", "sha256", False),
        ("sha1", "sha1", True),
        ("sha1", "sha256", False),
        ("sha256", "sha256", True),
        ("sha256", "sha1", True),
        ("", "sha1", True),
        (None, "sha1", True),
        (None, "sha256", False),
    ],
)
def test_only_hmacsha256_is_sha256_and_anything_else_sha1(
    method: str | None, digest: str, right: Literal[True, False]
) -> None:
    values = VECTOR if method is None else VECTOR | {"SignatureMethod": method}
    assert accepts(signed(values, digest=digest)) is right


@pytest.mark.parametrize(
    "changed",
    [
        {"queueName": "q2"},
        {"msgBody": "hello a b"},
        {"Nonce": "11887"},
        {"Region": "gz"},
        {"unknown": ""},
        {"signature": "x"},
        {"SignatureMethod": "HmacSHA256"},
    ],
)
def test_a_signature_over_other_values_is_wrong(changed: Values) -> None:
    assert not accepts(signed(PYTHON) | changed)


@pytest.mark.parametrize("left_out", [name for name in PYTHON if name != "Signature"])
def test_a_value_that_was_taken_away_is_missed(left_out: str) -> None:
    assert not accepts({name: value for name, value in signed(PYTHON).items() if name != left_out})


def test_method_host_path_and_key_are_signed() -> None:
    values = signed(PYTHON)
    assert accepts(values)
    assert not accepts(values, method="GET")
    assert not accepts(values, hosts=("127.0.0.1:8081",))
    assert not accepts(values, path="/")
    assert not accepts(values, key="testkez")


def test_any_of_the_hosts_forms_may_be_signed() -> None:
    assert accepts(signed(PYTHON, host="h:80"), hosts=("h", "h:80", "h:443"))
    assert not accepts(signed(PYTHON, host="h:81"), hosts=("h", "h:80", "h:443"))


@pytest.mark.parametrize("text", ["", "x", "WyvK5Zcjr9E2lSRHTU8WKLVlbmg", "WyvK5Zcjr9E2lSRHTU8WKLVlbmh=", "é" * 28])
def test_what_is_no_signature_is_wrong_and_nothing_worse(text: str) -> None:
    assert not accepts(PYTHON | {"Signature": text})


@given(st.dictionaries(st.text("abcABC.1", min_size=1, max_size=8), st.text(max_size=20), min_size=1))
def test_what_a_client_signs_is_accepted_whatever_it_says(values: Values) -> None:
    try:
        "".join(values.values()).encode()
    except UnicodeEncodeError:
        return  # no UTF-8, so nothing that can come
    assert accepts(signed(values))


# An `@` at the beginning of a body


def with_at(client: str, **bodies: str) -> Values:
    values = {name: value for name, value in PYTHON.items() if name != "msgBody"}
    return values | {"RequestClient": client} | {name.replace("_", "."): value for name, value in bodies.items()}


def signed_without(values: Values, *left_out: str, method: str = "POST") -> Values:
    return values | {"Signature": sign({n: v for n, v in values.items() if n not in left_out}, method=method)}


@pytest.mark.parametrize("client", ["SDK_Python_1.3", "SDK_PHP_1.3"])
def test_a_body_with_an_at_may_be_left_out_by_the_clients_that_do_so(client: str) -> None:
    assert accepts(signed_without(with_at(client, msgBody="@home"), "msgBody"))
    batch = with_at(client, msgBody_1="@a", msgBody_2="b", msgBody_3="@c")
    assert accepts(signed_without(batch, "msgBody.1", "msgBody.3"))
    assert accepts(signed(batch))


@pytest.mark.parametrize("client", ["SDK_JAVA_1.3", "SDK_CPP_1.3", "SDK_GO_1.2.0", "", "x SDK_Python_1.3"])
def test_no_other_client_leaves_a_body_out(client: str) -> None:
    values = with_at(client, msgBody="@home")
    assert not accepts(signed_without(values, "msgBody"))
    assert accepts(signed(values))


def test_the_client_must_be_signed_to_leave_a_body_out() -> None:
    values = with_at("SDK_Python_1.3", msgBody="@home")
    assert not accepts(signed_without(values, "msgBody", "RequestClient"))


def test_all_bodies_with_an_at_are_left_out_or_none() -> None:
    values = with_at("SDK_Python_1.3", msgBody_1="@a", msgBody_2="@b")
    assert not accepts(signed_without(values, "msgBody.1"))
    assert not accepts(signed_without(values, "msgBody.2"))


def test_a_body_without_an_at_is_never_left_out() -> None:
    assert not accepts(signed_without(with_at("SDK_Python_1.3", msgBody="home"), "msgBody"))
    assert not accepts(signed_without(with_at("SDK_Python_1.3", msgBody="@a", msgBody_1="b"), "msgBody", "msgBody.1"))


@pytest.mark.parametrize("name", ["msgBody", "msgBody.0", "msgBody.3"])
def test_forgery_a_body_with_an_at_added_to_a_captured_request(name: str) -> None:
    for captured in (signed(PYTHON), signed(with_at("SDK_Python_1.3", msgBody_1="a", msgBody_2="b"))):
        assert accepts(captured)
        if name not in captured:
            assert not accepts(captured | {name: "@evil"})


def test_no_body_is_left_out_of_a_get() -> None:
    values = signed_without(with_at("SDK_Python_1.3", msgBody="@home"), "msgBody", method="GET")
    assert not accepts(values, method="GET")


@pytest.mark.parametrize(
    "name", ["filterTag.1", "queueName", "routingKey", "msgTag.1", "msgBodyX", "msgBody.", "xmsgBody"]
)
def test_forgery_another_parameter_with_an_at_added_to_a_captured_request(name: str) -> None:
    captured = signed(PYTHON)
    assert accepts(captured)
    assert not accepts(captured | {name: "@none"})


# A body that was bytes, signed as `b'…'`


def signed_as_repr(values: Values) -> Values:
    shown = {name: f"b'{value}'" if name.startswith("msgBody") else value for name, value in values.items()}
    return values | {"Signature": sign(shown)}


def test_a_base64_body_may_be_signed_as_python_shows_bytes() -> None:
    assert accepts(signed_as_repr(PYTHON | {"msgBody": "aGVsbG8="}))
    assert accepts(signed_as_repr(with_at("SDK_Python_1.3", msgBody_1="aGVsbG8=", msgBody_2="YQ==")))


@pytest.mark.parametrize("client", ["SDK_JAVA_1.3", "SDK_PHP_1.3", "", "SDK_GO_1.2.0"])
def test_forgery_no_other_client_signs_bytes_so(client: str) -> None:
    assert not accepts(signed_as_repr(with_at(client, msgBody="aGVsbG8=")))


@pytest.mark.parametrize(
    "body", ["it's", "a b", "aGVs\nbG8=", "aGVsbG8=\n", "a\\nb", "=", "a=b", "é", "", "a===", "b'YQ=='"]
)
def test_forgery_a_body_that_is_no_base64_is_not_signed_as_bytes(body: str) -> None:
    assert not accepts(signed_as_repr(PYTHON | {"msgBody": body}))


def test_bodies_are_all_signed_as_bytes_or_none() -> None:
    values = with_at("SDK_Python_1.3", msgBody_1="YQ==", msgBody_2="Yg==")
    half = {**values, "msgBody.1": "b'YQ=='"}
    assert not accepts(values | {"Signature": sign(half)})
    mixed = with_at("SDK_Python_1.3", msgBody_1="YQ==", msgBody_2="not it")
    assert not accepts(signed_as_repr(mixed))


def test_no_other_parameter_is_signed_as_bytes() -> None:
    for name, method in product(["queueName", "Nonce"], ["POST", "GET"]):
        values = PYTHON | {"msgBody": "YQ=="}
        shown = values | {name: f"b'{values[name]}'"}
        assert not accepts(values | {"Signature": sign(shown, method=method)}, method=method)
