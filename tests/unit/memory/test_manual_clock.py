"""Time that moves when it is told to."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.memory import ManualClock


def noting(clock: ManualClock, said: list[tuple[str, float]], name: str) -> Callable[[], None]:
    return lambda: said.append((name, clock.monotonic_s()))


def test_calls_are_made_when_due_in_their_order_each_at_its_time() -> None:
    clock, said = ManualClock(), list[tuple[str, float]]()
    for name, delay_s in [("late", 2.0), ("early", 1.0), ("never", 9.0), ("early too", 1.0)]:
        clock.call_later(delay_s, noting(clock, said, name))
    clock.advance(3.0)
    assert said == [("early", 1.0), ("early too", 1.0), ("late", 2.0)]
    assert clock.monotonic_s() == 3.0


def test_nothing_happens_by_itself() -> None:
    clock, said = ManualClock(), list[tuple[str, float]]()
    clock.call_later(0.0, noting(clock, said, "soon"))
    assert said == []
    clock.turn()
    assert said == [("soon", 0.0)]


def test_a_cancelled_call_is_not_made_and_not_waited_for() -> None:
    clock, said = ManualClock(), list[tuple[str, float]]()
    clock.call_later(1.0, noting(clock, said, "cancelled")).cancel()
    assert clock.next_due_in_s() is None
    clock.advance(5.0)
    assert said == []


def test_a_call_may_ask_for_another_within_the_same_move() -> None:
    clock, said = ManualClock(), list[tuple[str, float]]()

    def first() -> None:
        clock.call_later(1.0, noting(clock, said, "second"))

    clock.call_later(1.0, first)
    clock.advance(2.0)
    assert said == [("second", 2.0)]


@given(st.lists(st.floats(0, 1e5), max_size=10))
def test_moving_from_call_to_call_makes_them_all(delays_s: list[float]) -> None:
    clock, said = ManualClock(), list[tuple[str, float]]()
    for delay_s in delays_s:
        clock.call_later(delay_s, noting(clock, said, "x"))
    moves = 0
    while (due_in_s := clock.next_due_in_s()) is not None:
        clock.advance(due_in_s)
        moves += 1
        assert moves <= 10 * len(delays_s)
    assert [when for _, when in said] == pytest.approx(sorted(delays_s))


def test_the_wall_clock_moves_with_it() -> None:
    clock = ManualClock(epoch_ms=1_000)
    clock.advance(2.5)
    assert clock.now_ms() == 3_500
