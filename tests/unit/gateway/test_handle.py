"""A handle is good for one lease of one message of one topic, until the lease ends, and cannot be made by others."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.gateway.leases.handle import Handles, Place

TOPIC = "GsmYsy-lTRqMU_s9Qf1aSg"
NOW = 1_700_000_000_000
HANDLES = Handles(b"key")
BIG = 2**63 - 1


def made(until_ms: int = NOW + 1) -> str:
    return HANDLES.make(TOPIC, 3, 1234567, 99, until_ms)


def test_it_says_which_lease_it_is_of() -> None:
    assert HANDLES.read(made(), TOPIC, NOW) == Place(3, 1234567, 99, NOW + 1)


def test_another_replica_with_the_same_key_knows_it() -> None:
    assert Handles(b"key").read(made(), TOPIC, NOW) is not None
    assert Handles(b"other").read(made(), TOPIC, NOW) is None


def test_it_ends_with_the_lease() -> None:
    assert HANDLES.read(made(NOW), TOPIC, NOW) is None


def test_it_is_of_one_topic() -> None:
    assert HANDLES.read(made(), "AnotherTopicOfTheName0", NOW) is None


@pytest.mark.parametrize("numbers", [(0, 0, 1, 1), (BIG, BIG, BIG, BIG)])
def test_every_client_takes_it(numbers: tuple[int, int, int, int]) -> None:
    assert re.fullmatch(r"[A-Za-z0-9%#:_-]{1,256}", HANDLES.make(TOPIC, *numbers))


@given(at=st.integers(0, 200), character=st.characters())
def test_changing_any_character_spoils_it(at: int, character: str) -> None:
    handle = made()
    at %= len(handle)
    changed = handle[:at] + character + handle[at + 1 :]
    assert (HANDLES.read(changed, TOPIC, NOW) is None) == (changed != handle)


@given(text=st.text(max_size=300))
def test_any_text_is_refused(text: str) -> None:
    assert HANDLES.read(text, TOPIC, NOW) is None


@pytest.mark.parametrize("handle", ["", ":", made() * 3, made() + "=", made()[:-1], made().replace(":3:", ":03:")])
def test_near_misses_are_refused(handle: str) -> None:
    assert HANDLES.read(handle, TOPIC, NOW) is None


def test_an_empty_key_is_refused() -> None:
    with pytest.raises(ValueError, match="empty key"):
        Handles(b"")
