"""CMQ's rule for names."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.names import name_fault


@pytest.mark.parametrize("name", ["a", "Z", "job-message", "job_message", "a" * 64, "A1-_"])
def test_a_legal_name_has_no_fault(name: str) -> None:
    assert name_fault(name) is None


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("", "is empty"),
        ("a" * 65, "is 65 characters long, allowed are 64"),
        ("1abc", "must begin with a letter and hold only letters, digits, '-' and '_'"),
        ("-abc", "must begin with a letter and hold only letters, digits, '-' and '_'"),
        ("a.b", "must begin with a letter and hold only letters, digits, '-' and '_'"),
        ("a b", "must begin with a letter and hold only letters, digits, '-' and '_'"),
        ("abc\n", "must begin with a letter and hold only letters, digits, '-' and '_'"),
        ("é", "must begin with a letter and hold only letters, digits, '-' and '_'"),
        ("a٣", "must begin with a letter and hold only letters, digits, '-' and '_'"),
    ],
)
def test_an_illegal_name_is_told_why(name: str, fault: str) -> None:
    assert name_fault(name) == fault


@given(st.text(max_size=70) | st.from_regex(r"[A-Za-z0-9_.-]{0,66}", fullmatch=True))
def test_every_legal_name_is_a_legal_kafka_name(name: str) -> None:
    if name_fault(name) is None:
        assert re.fullmatch(r"[a-zA-Z0-9._-]{1,249}", f"batch.{name}")
    else:
        assert not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]{0,63}", name)
