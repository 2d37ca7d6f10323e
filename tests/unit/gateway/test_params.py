"""Parameters are read as what they are to be, or refused with CMQ's row."""

from collections.abc import Callable

import pytest

from adapters.gateway.acting.params import BATCH, Params
from adapters.gateway.errors import CmqError, Row


def row(read: Callable[[], object]) -> Row:
    with pytest.raises(CmqError) as caught:
        read()
    return caught.value.row


def items(*indices: object, name: str = "msgBody") -> Params:
    return Params({f"{name}.{index}": f"v{index}" for index in indices})


def test_a_text_that_is_absent_or_empty_is_missing() -> None:
    assert Params({"queueName": "q"}).text("queueName") == "q"
    assert row(lambda: Params({}).text("queueName")) is Row.PARAMETER_MISSING
    assert row(lambda: Params({"queueName": ""}).text("queueName")) is Row.PARAMETER_MISSING
    assert row(lambda: Params({}).text("routingKey", Row.ROUTING_KEY_MISSING)) is Row.ROUTING_KEY_MISSING


def test_an_optional_text_may_be_absent_or_empty() -> None:
    assert Params({}).optional_text("searchWord") == Params({"searchWord": ""}).optional_text("searchWord") == ""
    assert Params({}).optional_text("x", "default") == "default"


def test_a_number_is_within_its_limits() -> None:
    params = Params({"a": "0", "b": "-5", "c": "30", "d": "007"})
    assert [params.number(name, -5, 30) for name in "abcd"] == [0, -5, 30, 7]
    assert row(lambda: params.number("c", 0, 29)) is Row.PARAMETER_OUT_OF_RANGE
    assert row(lambda: params.number("b", 0, 29, out_of_range=Row.BAD_DELAY)) is Row.BAD_DELAY


@pytest.mark.parametrize(
    "text", ["", "x", "1.5", "1e3", "+1", " 1", "1 ", "²", "٣", "--1", "-", "9" * 20, "9" * 5000, "0x1"]
)
def test_what_is_no_whole_number_has_the_wrong_type(text: str) -> None:
    assert row(lambda: Params({"n": text}).number("n", 0, 2**63)) is Row.PARAMETER_TYPE
    assert row(lambda: Params({"n": text}).optional_number("n", 0, 2**63)) is Row.PARAMETER_TYPE


def test_a_number_that_is_absent_has_its_default_or_is_missing() -> None:
    assert Params({}).number("n", 0, 1, default=1) == 1
    assert Params({}).optional_number("n", 0, 1) is None
    assert row(lambda: Params({}).number("n", 0, 1)) is Row.PARAMETER_MISSING


@pytest.mark.parametrize("start", [0, 1])
@pytest.mark.parametrize("count", [1, 2, 10, BATCH])
def test_a_list_starts_at_0_or_1_and_is_in_order_of_its_indices(start: int, count: int) -> None:
    indices = range(start, start + count)
    assert items(*reversed(indices)).items("msgBody", BATCH) == [f"v{index}" for index in indices]


@pytest.mark.parametrize(
    "indices",
    [(2,), (0, 2), (1, 3), (2, 3), (-1, 0), (0, 1, 3), ("01",), (1, "02"), ("",), ("x",), (1, "1.1"), ("1 ",), (100,)],
)
def test_indices_that_are_not_consecutive_are_refused(indices: tuple[object, ...]) -> None:
    assert row(lambda: items(*indices).items("msgBody", BATCH)) is Row.INDICES


def test_too_many_items_are_refused_with_the_row_of_the_list() -> None:
    assert row(lambda: items(*range(BATCH + 1)).items("msgBody", BATCH)) is Row.BATCH_TOO_BIG
    tags = items(*range(6), name="msgTag")
    assert row(lambda: tags.items("msgTag", 5, Row.TOO_MANY_MSG_TAGS)) is Row.TOO_MANY_MSG_TAGS


def test_no_items_are_an_empty_list_or_missing() -> None:
    params = Params({"msgBody": "x", "msgBodyX.1": "y"})
    assert params.items("msgBody", BATCH) == []
    assert row(lambda: params.some_items("msgBody", BATCH)) is Row.PARAMETER_MISSING


def test_a_body_is_its_utf_8() -> None:
    assert Params({"msgBody": "é"}).body() == "é".encode()
    assert row(lambda: Params({}).body()) is Row.PARAMETER_MISSING
    assert row(lambda: Params({"msgBody": ""}).body()) is Row.EMPTY_BODY


def test_bodies_are_1_to_16_and_none_is_empty() -> None:
    assert items(0, 1).bodies() == [b"v0", b"v1"]
    assert row(lambda: Params({}).bodies()) is Row.PARAMETER_MISSING
    assert row(lambda: Params({"msgBody.1": "x", "msgBody.2": ""}).bodies()) is Row.EMPTY_BODY
    assert row(lambda: items(*range(1, 18)).bodies()) is Row.BATCH_TOO_BIG


def test_no_error_repeats_what_came() -> None:
    with pytest.raises(CmqError) as caught:
        Params({"n": "hunter2"}).number("n", 0, 1)
    assert "hunter2" not in str(caught.value)
