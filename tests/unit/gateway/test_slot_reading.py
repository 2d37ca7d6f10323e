"""Reading a slot back to one's own claim."""

import pytest

from adapters.gateway.journal.journal_record import Claim, Entries, Part, Record, encode
from adapters.gateway.journal.slot_reading import Reading, Restored
from adapters.gateway.slot_ports import SlotLostError
from tests.unit.gateway.journal_lab import ListState

A, OURS = b"a" * 8, b"o" * 8
LOG: list[Record] = [
    Claim(A, "x"),
    Entries(A, 1, [b"1", b"2"]),
    Part(A, 2, 0, 2, b"1"),
    Part(A, 3, 1, 2, b"2"),
    Entries(A, 4, [b"3"]),
    Claim(OURS, "us"),
    Entries(A, 6, [b"void"]),
]


def read(first: int, until: int = 5, missing: int | None = None) -> tuple[Reading, Restored | None]:
    """From first on, without the missing one, until there is a result."""
    reading = Reading(7, until, OURS, ListState())
    for offset in range(first, len(LOG)):
        if offset != missing and (restored := reading.take(offset, encode(LOG[offset]))) is not None:
            return reading, restored
    return reading, None


@pytest.mark.parametrize("first", [0, 2])
def test_the_state_is_the_last_snapshot_and_the_entries_behind_it(first: int) -> None:
    _, restored = read(first)
    assert restored is not None
    assert isinstance(restored.state, ListState)
    assert restored.state.entries == [b"1", b"2", b"3"]
    assert restored.entry_bytes == len(encode(LOG[4]))


@pytest.mark.parametrize("missing", [1, 4, 5])
def test_a_log_that_is_trimmed_while_it_is_read_is_begun_anew(missing: int) -> None:
    reading, restored = read(0, missing=missing)
    assert restored is None
    assert reading.begin_anew


def test_a_claim_that_was_trimmed_away_is_void() -> None:
    with pytest.raises(SlotLostError, match="trimmed"):
        read(6)


def test_where_our_claim_should_be_there_is_another_log() -> None:
    with pytest.raises(SlotLostError, match="another log"):
        read(0, until=4)
