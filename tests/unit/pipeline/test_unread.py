"""How long an event has lain in the log at least, as far as anybody saw."""

from hypothesis import given
from hypothesis import strategies as st

from pipeline.unread import MARKS, Unread


def test_an_event_is_as_old_as_the_first_look_that_saw_the_end_beyond_it() -> None:
    unread = Unread()
    assert unread.looked(0, 5, 5, 1_000) is None
    assert unread.looked(0, 5, 7, 2_000) == 2_000
    assert unread.looked(0, 5, 9, 3_000) == 2_000
    assert unread.looked(0, 6, 9, 4_000) == 2_000
    assert unread.looked(0, 7, 9, 5_000) == 3_000
    assert unread.looked(0, 9, 9, 6_000) is None
    assert unread.looked(0, 9, 10, 7_000) == 7_000


def test_partitions_are_apart_and_a_forgotten_one_begins_anew() -> None:
    unread = Unread()
    unread.looked(0, 0, 1, 1_000)
    assert unread.looked(1, 0, 1, 2_000) == 2_000
    unread.forget({0})
    assert unread.looked(0, 0, 1, 3_000) == 3_000


def test_a_log_that_was_cut_is_believed() -> None:
    unread = Unread()
    unread.looked(0, 5, 9, 1_000)
    assert unread.looked(0, 5, 5, 2_000) is None
    assert unread.looked(0, 5, 6, 3_000) == 3_000


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=400))
def test_it_never_says_older_than_it_is_and_remembers_little(steps: list[tuple[int, int]]) -> None:
    unread, position, end = Unread(), 0, 0
    appended_ms: list[int] = []
    for now_ms, (more, read) in enumerate(steps):
        appended_ms += [now_ms] * more
        end += more
        position = min(end, position + read)
        since_ms = unread.looked(0, position, end, now_ms)
        assert (since_ms is None) == (position == end)
        if since_ms is not None:
            assert appended_ms[position] <= since_ms <= now_ms
            assert len(unread._marks[0]) <= MARKS
