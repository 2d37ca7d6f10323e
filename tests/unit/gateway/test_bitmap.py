"""A set of offsets as bits does what a set does."""

from hypothesis import given
from hypothesis import strategies as st

from adapters.gateway.leases.bitmap import Bitmap

WIDE = 300_000

ranges = st.tuples(st.integers(0, 200), st.integers(0, 200)).map(sorted)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.integers(0, 200).map(lambda at: (at, at))),
        st.tuples(st.sampled_from(["fill", "clear", "trim"]), ranges),
    ),
    max_size=40,
)


@given(start=st.integers(0, 40), steps=steps, low=st.integers(0, 220), high=st.integers(0, 220))
def test_it_is_a_set(start: int, steps: list[tuple[str, tuple[int, int]]], low: int, high: int) -> None:
    bitmap, model = Bitmap(start), set(range(start))
    for step, (first, end) in steps:
        match step:
            case "add":
                bitmap.add(first)
                model.add(first)
            case "fill":
                bitmap.fill(first, end)
                model |= set(range(first, end))
            case "clear":
                bitmap.clear(first, end)
                model -= set(range(first, end))
            case "trim":
                bitmap.trim()
                assert all(offset in model for offset in range(bitmap.base))
                assert not bitmap.bits or bitmap.bits[0] != 0xFF
    assert [offset in bitmap for offset in range(220)] == [offset in model for offset in range(220)]
    assert bitmap.count(low, high) == len(model & set(range(low, high)))
    assert list(bitmap.missing(low, high)) == [offset for offset in range(low, high) if offset not in model]


def test_ten_million_offsets_are_a_megabyte_and_a_quarter() -> None:
    bitmap = Bitmap()
    for offset in range(1, 10_000_000, 1_000):
        bitmap.add(offset)
    bitmap.add(9_999_999)
    assert len(bitmap.bits) == 1_250_000
    assert bitmap.count(0, 10_000_000) == 10_001


def test_the_low_end_is_cut_off_as_it_fills() -> None:
    bitmap = Bitmap()
    bitmap.fill(1, WIDE)
    bitmap.trim()
    assert bitmap.base == 0
    bitmap.add(0)
    bitmap.trim()
    assert (bitmap.base, len(bitmap.bits)) == (WIDE, 0)


def test_a_far_start_costs_nothing() -> None:
    bitmap = Bitmap(10**12 + 5)
    assert (bitmap.base, len(bitmap.bits)) == (10**12, 1)
    bitmap.fill(10**12 + 5, 10**13)
    assert bitmap.base == 10**13


def test_a_long_fill_keeps_what_is_missing_below_it() -> None:
    bitmap = Bitmap()
    bitmap.fill(0, 3)
    bitmap.fill(4, WIDE)
    bitmap.trim()
    assert list(bitmap.missing(0, WIDE)) == [3]


def test_clearing_goes_below_the_base() -> None:
    bitmap = Bitmap(1_000_003)
    bitmap.clear(999_999, 1_000_001)
    assert list(bitmap.missing(0, 1_000_003)) == [999_999, 1_000_000]
