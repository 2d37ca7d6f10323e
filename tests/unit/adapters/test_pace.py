"""So many a second, and no burst and no long sleep on the way there."""

import pytest

from adapters.pace import LEAST, STEP, Pace


class Time:
    """Passes when somebody sleeps."""

    def __init__(self) -> None:
        self.now_s = 1000.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now_s += seconds


def paced(per_second: float | None, time: Time) -> Pace:
    return Pace(per_second, lambda: time.now_s, time.sleep)


@pytest.mark.parametrize(
    ("per_second", "size"), [(None, STEP), (1e9, STEP), (50, 50), (2.9, 2), (1, 1), (0.5, 1), (LEAST, 1)]
)
def test_a_step_is_a_second_of_it_and_never_large(per_second: float | None, size: int) -> None:
    assert Pace(per_second).size == size


@pytest.mark.parametrize("per_second", [0.5, 1, 7, 50, 200, 1000])
def test_so_many_a_second_go(per_second: float) -> None:
    time = Time()
    pace = paced(per_second, time)
    gone = 0
    while gone < per_second * 20:
        pace.step(pace.size)
        gone += pace.size
    took_s = time.now_s - 1000.0
    assert took_s == pytest.approx((gone - pace.size) / per_second), "the first step does not wait"
    assert max(time.slept) <= max(1.0, 1 / per_second)


def test_the_slowest_does_not_sleep_for_longer_than_a_group_allows() -> None:
    time = Time()
    pace = paced(LEAST, time)
    for _ in range(3):
        pace.step(1)
    assert time.slept == [100.0, 100.0]


def test_who_was_slow_by_himself_does_not_wait_and_gains_no_burst() -> None:
    time = Time()
    pace = paced(10, time)
    pace.step(10)
    time.now_s += 60.0
    pace.step(10)
    assert time.slept == []
    pace.step(10)
    assert time.slept == [pytest.approx(1.0)]


def test_without_a_rate_nobody_waits() -> None:
    time = Time()
    pace = paced(None, time)
    for _ in range(100):
        pace.step(STEP)
    assert time.slept == []
