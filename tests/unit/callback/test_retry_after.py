"""Retry-After: heard of 429 and 503, in both forms, within bounds."""

import time
from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.callback.retry_after import MAX_S, retry_after_s
from pipeline.outcome import Failed
from tests.unit.callback.lab import Lab, answering_and_open, on_loop

NOW_S = 784_111_777.0  # Sun, 06 Nov 1994 08:49:37 GMT


def head(value: str) -> bytes:
    return b"HTTP/1.1 503 Busy\r\nDate: now\r\nretry-after:%b\r\nContent-Length: 2\r\n\r\nno" % value.encode()


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        (" 120 ", 120.0),
        ("0007", 7.0),
        ("3600", MAX_S),
        ("3601", MAX_S),
        ("9" * 5000, MAX_S),
        ("Sun, 06 Nov 1994 08:50:37 GMT", 60.0),
        ("Sunday, 06-Nov-94 08:50:37 GMT", 60.0),
        ("Sun Nov  6 08:50:37 1994", 60.0),
        ("Sun, 06 Nov 1994 08:49:37 GMT", 0.0),
        ("Sat, 05 Nov 1994 08:49:37 GMT", 0.0),
        ("Mon, 07 Nov 1994 08:49:37 GMT", MAX_S),
        ("Fri, 31 Dec 9999 23:59:59 GMT", MAX_S),
        ("", None),
        ("-1", None),
        ("1.5", None),
        ("soon", None),
        ("\u0661\u0662", None),
        ("Sun, 06 Nov 99999 08:49:37 GMT", None),
        ("Sun, 99 Nov 1994 08:49:37 GMT", None),
        ("Sun, 06 Nov 1994 08:49:37 +99999999999", None),
        ("Sun, 06 Nov 1994 08:49:37 +" + "9" * 30, None),
    ],
)
def test_what_an_answer_asks_for(value: str, seconds: float | None) -> None:
    assert retry_after_s(head(value), NOW_S) == seconds


def test_an_answer_that_asks_for_nothing() -> None:
    assert retry_after_s(b"HTTP/1.1 503 Busy\r\nX-Retry-After: 1\r\nContent-Length: 0\r\n\r\n", NOW_S) is None


def test_the_first_of_several_is_heard() -> None:
    assert retry_after_s(head("5\r\nRetry-After: 9"), NOW_S) == 5.0


def test_an_interim_answers_and_a_trailer_are_not_heard() -> None:
    interim = b"HTTP/1.1 103 Early\r\nRetry-After: 1\r\n\r\n"
    chunked = b"HTTP/1.1 503 Busy\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nRetry-After: 2\r\n\r\n"
    assert retry_after_s(interim + chunked, NOW_S) is None
    assert retry_after_s(interim + head("3"), NOW_S) == 3.0


@given(st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0"), max_size=40))
def test_whatever_stands_there_it_is_seconds_within_bounds_or_nothing(value: str) -> None:
    seconds = retry_after_s(head(value), NOW_S)
    assert seconds is None or 0.0 <= seconds <= MAX_S


@pytest.mark.parametrize(
    ("status", "heard"),
    [(429, True), (503, True), (200, False), (301, False), (408, False), (413, False), (500, False)],
)
@on_loop
async def test_it_is_heard_of_429_and_503_only(status: int, heard: bool) -> None:  # noqa: FBT001
    async with Lab(answering_and_open(b"HTTP/1.1 %d X\r\nRetry-After: 8\r\nContent-Length: 0\r\n\r\n" % status)) as lab:
        outcome = await lab.outcome()
        assert (isinstance(outcome, Failed) and outcome.retry_after_s == 8.0) is heard


@on_loop
async def test_a_date_counts_from_now() -> None:
    date = formatdate(time.time() + 100, usegmt=True).encode()
    async with Lab(answering_and_open(b"HTTP/1.1 429 X\r\nRetry-After: %b\r\nContent-Length: 0\r\n\r\n" % date)) as lab:
        outcome = await lab.outcome()
        assert isinstance(outcome, Failed)
        assert outcome.retry_after_s == pytest.approx(100.0, abs=3.0)
