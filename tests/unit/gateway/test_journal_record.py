"""Which records of a slot's log count."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.gateway.journal.journal_record import (
    Claim,
    Entries,
    JournalFold,
    JournalVersionError,
    Part,
    Record,
    Snapshot,
    decode,
    encode,
    slots_spec,
)

A, B = b"a" * 8, b"b" * 8


def entries(epoch: bytes, place: int, entry: bytes = b"e") -> Entries:
    return Entries(epoch, place, [entry])


def counting(records: Sequence[Record | bytes], first: int = 0) -> list[int]:
    """The offsets of those that count, of a log that begins at first; of a snapshot its last part."""
    fold = JournalFold()
    values = [one if isinstance(one, bytes) else encode(one) for one in records]
    return [offset for offset, value in enumerate(values, first) if fold.take(offset, value) is not None]


def test_entries_behind_their_claim_count() -> None:
    assert counting([Claim(A, "x"), entries(A, 1), entries(A, 2)]) == [0, 1, 2]


def test_of_two_claims_the_last_one_counts_and_the_first_ones_records_are_void() -> None:
    assert counting([Claim(A, "x"), entries(A, 1), Claim(B, "y"), entries(A, 3), entries(A, 4)]) == [0, 1, 2]


def test_a_record_of_a_former_epoch_is_void_even_at_the_place_it_expects() -> None:
    """Its writer's earlier records have failed, and a claim and others have taken their places."""
    assert counting([Claim(A, "x"), Claim(B, "y"), entries(A, 2)]) == [0, 1]


def test_what_comes_behind_a_record_that_is_void_is_void_until_the_next_claim() -> None:
    log: list[Record] = [
        Claim(A, "x"),
        Claim(B, "y"),
        entries(A, 2),
        entries(B, 3),
        entries(B, 4),
        Claim(B, "y"),
        entries(B, 6),
    ]
    assert counting(log) == [0, 1, 5, 6]


def test_where_a_record_has_failed_those_behind_it_are_void() -> None:
    assert counting([Claim(A, "x"), entries(A, 1), entries(A, 3), entries(A, 4)]) == [0, 1]
    assert counting([Claim(A, "x"), entries(A, 1), b"foreign", entries(A, 3)]) == [0, 1]


@pytest.mark.parametrize("value", [b"", b"\x00", b"foreign", b"\xc1\x01", b"\xc1\x01\x93\x01\x02\x03"])
def test_what_is_no_record_of_ours_is_void_and_breaks_the_chain(value: bytes) -> None:
    assert decode(value) is None
    assert counting([Claim(A, "x"), value, entries(A, 1), entries(A, 2)]) == [0]


def test_a_record_of_a_later_version_is_an_error_and_not_passed_over() -> None:
    with pytest.raises(JournalVersionError, match="version 02"):
        decode(b"\xc1\x02")


def test_a_snapshot_is_taken_up_when_it_is_complete() -> None:
    fold = JournalFold()
    log: list[Record] = [Claim(A, "x"), Part(A, 1, 0, 2, b"p"), Part(A, 2, 1, 2, b"q"), entries(A, 3)]
    taken = [fold.take(offset, encode(record)) for offset, record in enumerate(log)]
    assert taken == [log[0], None, Snapshot([b"p", b"q"]), log[3]]


def test_a_snapshot_without_parts_is_one() -> None:
    fold = JournalFold()
    fold.take(0, encode(Claim(A, "x")))
    assert fold.take(1, encode(Part(A, 1, 0, 0, b""))) == Snapshot([])


def test_a_snapshot_that_was_given_up_means_nothing() -> None:
    log: list[Record] = [
        Claim(A, "x"),
        Part(A, 1, 0, 2, b"p"),
        entries(A, 2),
        Part(A, 3, 1, 2, b"q"),
        Part(A, 4, 0, 1, b"r"),
    ]
    assert counting(log) == [0, 2, 4]
    log = [Claim(A, "x"), Part(A, 1, 0, 2, b"p"), Claim(B, "y"), Part(B, 3, 1, 2, b"q")]
    assert counting(log) == [0, 2]


def test_a_log_may_begin_with_a_snapshot_and_goes_on_in_its_epoch() -> None:
    log: list[Record] = [
        Part(A, 40, 0, 2, b"p"),
        Part(A, 41, 1, 2, b"q"),
        entries(A, 42),
        entries(B, 43),
        entries(A, 44),
    ]
    assert counting(log, first=40) == [41, 42]


@pytest.mark.parametrize("first", [entries(A, 40), Part(A, 40, 1, 2, b"q"), Part(A, 39, 0, 1, b"p"), b"foreign"])
def test_of_a_log_that_begins_in_another_way_nothing_counts_before_a_claim(first: Record | bytes) -> None:
    assert counting([first, entries(A, 41), Claim(B, "x"), entries(B, 43)], first=40) == [42, 43]


@given(st.binary(max_size=8), st.integers(0, 1 << 62), st.lists(st.binary(max_size=20)))
def test_a_record_comes_back_as_it_was(epoch: bytes, place: int, data: list[bytes]) -> None:
    for record in (Claim(epoch, "127.0.0.1:1"), Entries(epoch, place, data), Part(epoch, place, 0, 1, b"".join(data))):
        assert decode(encode(record)) == record


@given(st.binary(max_size=40))
def test_any_bytes_are_a_record_or_none_or_of_a_later_version(value: bytes) -> None:
    try:
        decode(value)
    except JournalVersionError:
        assert value[:1] == b"\xc1"


def test_the_topic_is_kept_for_ever_and_as_safe_as_any() -> None:
    spec = slots_spec(3)
    assert (spec.partitions, spec.replication_factor) == (64, 3)
    assert spec.config["retention.ms"] == spec.config["retention.bytes"] == "-1"
    assert spec.config["cleanup.policy"] == "delete"
    assert spec.config["min.insync.replicas"] == "2"
