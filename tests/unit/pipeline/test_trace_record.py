"""The records of the trace topic: small, bounded, read back by whoever asks, and by later readers."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.trace_record import (
    MAX_BYTES,
    MAX_REASON,
    VERSION,
    TraceBlockError,
    TraceEntry,
    blocks,
    read_block,
    trace_partition,
)

ENTRY = TraceEntry(
    1_767_323_045_000, 0, 3, 41, b"job-97zcl3wt", b"a" * 32, "5433697564401645686", 1, "delivered", 200, None, 4.2, None
)
LARGEST = msgspec.structs.replace(ENTRY, reason="\U0001f4a5" * MAX_REASON, key=b"k" * 1024, event_id=b"i" * 1024)


@given(
    st.lists(
        st.builds(
            TraceEntry,
            *[st.integers(0, 2**53)] * 4,
            st.none() | st.binary(max_size=20),
            st.binary(max_size=40),
            st.text(max_size=20),
            st.integers(0, 100),
            st.text(max_size=10),
            st.none() | st.integers(100, 599),
            st.none() | st.text(max_size=20),
            st.none() | st.floats(0, 1e6),
            st.none() | st.integers(0, 2**53),
        ),
        min_size=1,
    )
)
def test_what_is_written_is_read_back(entries: list[TraceEntry]) -> None:
    written = list(blocks(entries))
    assert sum(count for _, count in written) == len(entries)
    assert [entry for value, _ in written for entry in read_block(value)] == entries


def test_an_ordinary_attempt_takes_little() -> None:
    ((value, _),) = blocks([ENTRY] * 100)
    assert len(value) / 100 < 120


def test_no_record_is_larger_than_its_bound_however_many_attempts_and_whatever_their_reasons() -> None:
    written = list(blocks([LARGEST] * 1_000))
    assert len(written) > 5
    assert max(len(value) for value, _ in written) <= MAX_BYTES
    assert sum(len(read_block(value)) for value, _ in written) == 1_000


def test_fields_that_a_later_version_adds_at_the_end_are_left_out() -> None:
    later = VERSION + msgspec.msgpack.encode([[*msgspec.structs.astuple(ENTRY), "more", 7]])
    assert read_block(later) == [ENTRY]


@pytest.mark.parametrize(
    "value", [None, b"", b"\x02\x90", VERSION, VERSION + b"\x81\x01\x02", VERSION + b"\x91\x91\xc0"]
)
def test_any_other_record_is_refused(value: bytes | None) -> None:
    with pytest.raises(TraceBlockError):
        read_block(value)


@given(st.none() | st.binary(max_size=40), st.integers(1, 100))
def test_a_key_has_one_partition_and_it_is_one_of_the_topic(key: bytes | None, partitions: int) -> None:
    assert trace_partition(key, partitions) in range(partitions)


def test_the_partition_of_a_key_is_fixed_for_ever() -> None:
    """Whoever reads finds what another version wrote."""
    assert [trace_partition(key, 6) for key in (b"job-97zcl3wt", b"env-ptoxdb1t", None, b"")] == [5, 4, 0, 0]
