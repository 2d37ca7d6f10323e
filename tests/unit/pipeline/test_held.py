"""Held keys when the log was cut, or the clock set back: what they remember must not be believed then."""

from pipeline.held import HeldKeys
from pipeline.held_record import HeldState


def restored(position: int, state: HeldState) -> HeldKeys:
    keys = HeldKeys(position)
    keys.restore(b"a", state)
    return keys


def test_known_events_beyond_the_end_are_forgotten_and_what_comes_there_is_a_follower() -> None:
    keys = restored(10, HeldState(5, 2, 1, 1, 99, (0, 3, 7), 15))
    keys.cut(10)
    held = keys.get(b"a")
    assert held is not None
    assert (list(held.known), held.attempts, held.due_ms) == ([5, 8], 2, 99)
    assert keys.arrived(held, 10, fresh=True)
    assert list(held.known) == [5, 8, 10]


def test_a_key_whose_next_event_is_gone_begins_anew_with_what_comes() -> None:
    keys = restored(10, HeldState(12, 2, 1, 1, 99, (0,), 15))
    keys.cut(10)
    held = keys.get(b"a")
    assert held is not None
    assert (list(held.known), held.frontier, held.attempts, held.due_ms) == ([], 10, 0, 0)
    assert keys.arrived(held, 10, fresh=True)
    assert [one.key for one in keys.due(0, 9)] == [b"a"]


def test_a_log_that_was_not_cut_changes_nothing() -> None:
    keys = restored(10, HeldState(5, 2, 1, 1, 99, (0, 3), 9))
    keys.cut(10)
    held = keys.get(b"a")
    assert held is not None
    assert (list(held.known), held.through, keys.dirty) == ([5, 8], 9, {})


def test_a_clock_that_was_set_back_does_not_put_off_what_is_due() -> None:
    hour_ms = 3_600_000
    keys = restored(10, HeldState(5, 2, hour_ms, hour_ms, hour_ms + 9_000, (0,), 9))
    assert keys.due(1_000, 9) == []
    assert keys.due(9_999, 9) == []
    assert [one.key for one in keys.due(10_000, 9)] == [b"a"]
    assert list(keys.dirty) == [b"a"], "the new date is written down"
