"""The record of a held key: written, read again, and anything else is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.held_record import (
    EVENTS,
    MAX_KEY,
    MAX_WRITTEN,
    REDRIVE,
    HeldRecordError,
    HeldState,
    held_key,
    read_record,
    write_state,
)

offsets = st.integers(0, 2**62)
keys = st.none() | st.binary(max_size=60) | st.binary(min_size=MAX_KEY - 1, max_size=MAX_KEY + 2)
states = st.builds(
    HeldState,
    frontier=offsets,
    attempts=st.integers(0, 1000),
    first_attempt_ms=offsets,
    last_attempt_ms=offsets,
    due_ms=offsets,
    known=st.lists(offsets, max_size=20).map(tuple),
    complete_through=offsets | st.just(-1),
    key=st.none(),
)


@given(states, keys, st.sampled_from([EVENTS, REDRIVE]))
def test_what_is_written_is_read_again(state: HeldState, key: bytes | None, source: int) -> None:
    if key is not None and len(key) > MAX_KEY:
        state = HeldState(
            state.frontier,
            state.attempts,
            state.first_attempt_ms,
            state.last_attempt_ms,
            state.due_ms,
            state.known,
            state.complete_through,
            key,
        )
    assert read_record(held_key(source, key), write_state(state)) == (source, key, state)


@given(st.lists(keys, unique=True, max_size=10))
def test_no_two_keys_and_no_two_inputs_share_a_record_key_and_none_is_null_or_long(own: list[bytes | None]) -> None:
    record_keys = [held_key(source, key) for source in (EVENTS, REDRIVE) for key in own]
    assert len(set(record_keys)) == len(record_keys)
    assert all(2 <= len(key) <= MAX_KEY + 2 for key in record_keys)


def test_the_longest_list_of_followers_is_small() -> None:
    deltas = tuple(1000 + number for number in range(MAX_WRITTEN))
    assert len(write_state(HeldState(2**40, 100, 2**41, 2**41, 2**41, deltas, 2**40))) < 1_400


@given(st.none() | st.binary(max_size=40), st.binary(max_size=80) | states.map(write_state))
def test_any_record_is_a_held_key_or_refused(key: bytes | None, value: bytes) -> None:
    try:
        source, _, state = read_record(key, value)
    except HeldRecordError:
        return
    assert key is not None
    assert source == key[0]
    assert read_record(key, write_state(state))[2] == state


@pytest.mark.parametrize("key", [None, b"", b"\x00"])
def test_a_key_that_is_not_ours_is_refused(key: bytes | None) -> None:
    with pytest.raises(HeldRecordError, match="not the key of a held key"):
        read_record(key, write_state(HeldState(0, 0, 0, 0, 0, (), 0)))


@pytest.mark.parametrize("value", [b"", b"{}", b"[1,2]", b"null", b"[" * 100_000, b"\xff"])
def test_a_value_that_is_not_ours_is_refused(value: bytes) -> None:
    with pytest.raises(HeldRecordError, match="not a held key"):
        read_record(b"\x00\x01a", value)
