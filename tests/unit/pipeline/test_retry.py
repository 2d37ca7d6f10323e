"""The two notifyStrategies, as tables."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.retry import NotifyStrategy, RetrySchedule

EXPONENTIAL = RetrySchedule(NotifyStrategy.EXPONENTIAL_DECAY_RETRY)
BACKOFF = RetrySchedule(NotifyStrategy.BACKOFF_RETRY)

jitters = st.floats(0, 1)


def gaps(schedule: RetrySchedule, jitter: float = 0.5) -> list[float]:
    """Every gap until there is none left."""
    found: list[float] = []
    while (gap := schedule.gap_s(len(found) + 1, jitter)) is not None:
        found.append(gap)
    return found


@given(jitters)
def test_exponential_doubles_from_1_to_256_then_stays_at_512_for_86015_s_in_all(jitter: float) -> None:
    found = gaps(EXPONENTIAL, jitter)
    assert found == [1, 2, 4, 8, 16, 32, 64, 128, 256, *[512] * 167]
    assert (len(found), sum(found)) == (176, 86_015)


@given(jitters)
def test_backoff_has_three_gaps_of_10_to_20_s(jitter: float) -> None:
    found = gaps(BACKOFF, jitter)
    assert len(found) == 3
    assert all(10 <= gap <= 20 for gap in found)


def test_backoff_uses_its_whole_range() -> None:
    assert (BACKOFF.gap_s(1, 0.0), BACKOFF.gap_s(1, 1.0)) == (10.0, 20.0)


@given(st.lists(st.floats(0, 1e6), max_size=5).map(tuple), st.sampled_from(NotifyStrategy), jitters)
def test_a_subscriptions_own_gaps_take_the_place_of_its_strategy(
    own: tuple[float, ...], strategy: NotifyStrategy, jitter: float
) -> None:
    assert gaps(RetrySchedule(strategy, own), jitter) == list(own)


def test_without_a_word_the_strategy_is_cmqs_default() -> None:
    assert RetrySchedule() == EXPONENTIAL


@pytest.mark.parametrize(
    ("schedule", "retries"),
    [(EXPONENTIAL, 176), (BACKOFF, 3), (RetrySchedule(gaps_s=()), 0), (RetrySchedule(gaps_s=(1.0, 2.0)), 2)],
)
def test_the_number_of_retries_is_that_of_the_gaps(schedule: RetrySchedule, retries: int) -> None:
    assert schedule.retries == len(gaps(schedule)) == retries
    assert schedule.gap_s(retries + 1, 0.5) is None
    assert schedule.gap_s(retries + 1000, 0.5) is None
