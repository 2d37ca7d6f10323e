"""Where a partition begins, with which map, and how many records were lost before that."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.commit_note import CommitNote
from pipeline.ports import Start
from pipeline.starts import starting_point
from tests.unit.pipeline.runs import runs_of


@pytest.mark.parametrize(
    ("committed", "point"),
    [
        (None, Start(12)),
        (10, Start(10)),
        (15, Start(15)),
        (20, Start(20)),
        (9, Start(10, lost=1)),
        (0, Start(10, lost=10)),
        (21, Start(20, lost=1)),
        (50, Start(20, lost=30)),
    ],
    ids=["none", "first", "inside", "end", "just expired", "long expired", "just cut", "long cut"],
)
def test_a_log_from_10_to_20_begins_where_it_should(committed: int | None, point: Start) -> None:
    assert starting_point(committed, CommitNote(), low=10, high=20, start=12) == point


def test_what_the_map_says_of_the_part_that_is_still_there_is_kept_and_what_it_had_settled_is_not_lost() -> None:
    note = CommitNote("topic", "held", 7, 1, "id", (2, 3, 4, 2, 5, 1))  # from 4: settled 6-8, 13-14, 20
    start = starting_point(4, note, low=14, high=30, start=0)
    assert start.offset == 14
    assert list(start.note.settled_ranges(14)) == [(14, 15), (20, 21)]
    assert start.lost == 10 - 4
    assert (start.note.held_keys, start.note.transactional_id) == (1, "id")


def test_a_log_that_was_cut_takes_the_map_with_it_and_leaves_the_rest_of_the_note() -> None:
    start = starting_point(9, CommitNote("topic", "held", 7, 1, "id", (2, 3)), low=0, high=5, start=0)
    assert start == Start(5, CommitNote("topic", "held", 7, 1, "id"), lost=4)


def test_a_map_that_reaches_beyond_a_log_that_was_cut_ends_with_it() -> None:
    start = starting_point(4, CommitNote(runs=(2, 3, 1, 4)), low=0, high=8, start=0)  # settled 6-8, 10-13
    assert list(start.note.settled_ranges(4)) == [(6, 8)]


offsets = st.integers(0, 60)


@given(st.none() | offsets, st.sets(offsets), offsets, offsets, offsets)
def test_it_begins_inside_the_log_with_a_map_of_what_is_there_and_counts_what_it_steps_over_unsettled(
    committed: int | None, settled: set[int], low: int, length: int, ahead: int
) -> None:
    high = low + length
    beyond = sorted(one for one in settled if committed is not None and one > committed)
    note = CommitNote(runs=runs_of(beyond, committed or 0))
    point = starting_point(committed, note, low, high, start=min(low + ahead, high))
    assert low <= point.offset <= high
    told = [one for first, end in point.note.settled_ranges(point.offset) for one in range(first, end)]
    if committed is None:
        assert (point.lost, told) == (0, [])
    elif committed > high:
        assert (point.lost, told) == (committed - high, [])
    else:
        assert told == [one for one in beyond if point.offset <= one < high]
        assert point.lost == len(set(range(committed, point.offset)) - set(beyond))
