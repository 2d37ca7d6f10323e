"""How many attempts may be out at once."""

from hypothesis import given
from hypothesis import strategies as st

from pipeline.adaptive_limit import FIRST_LIMIT, SLOW, AdaptiveLimit


def window(limit: AdaptiveLimit, duration_s: float, *, used: bool = True) -> None:
    """As many good answers as the limit is."""
    in_flight = limit.limit if used else 1
    for _ in range(limit.limit):
        limit.succeeded(duration_s, in_flight)


def test_it_begins_small_and_never_above_what_the_subscription_allows() -> None:
    assert AdaptiveLimit(64).limit == FIRST_LIMIT
    assert AdaptiveLimit(3).limit == 3


def test_while_latency_holds_it_doubles_up_to_the_most() -> None:
    limit, seen = AdaptiveLimit(200), []
    for _ in range(6):
        window(limit, 0.01)
        seen.append(limit.limit)
    assert seen == [65, 131, 200, 200, 200, 200]


def test_a_window_that_did_not_use_the_limit_does_not_raise_it() -> None:
    limit = AdaptiveLimit(200)
    window(limit, 0.01, used=False)
    assert limit.limit == FIRST_LIMIT


def test_a_window_of_complaints_halves_it_and_not_before_its_end() -> None:
    limit = AdaptiveLimit(200)
    for _ in range(FIRST_LIMIT - 1):
        limit.complained()
    assert limit.limit == FIRST_LIMIT
    limit.complained()
    assert limit.limit == FIRST_LIMIT // 2


def test_it_shrinks_by_half_the_share_of_complaints() -> None:
    limit = AdaptiveLimit(200)
    for _ in range(FIRST_LIMIT // 2):
        limit.complained()
        limit.succeeded(0.01, FIRST_LIMIT)
    assert limit.limit == FIRST_LIMIT * 3 // 4


def test_an_endpoint_that_fails_now_and_then_is_not_overloaded() -> None:
    limit = AdaptiveLimit(200)
    now_and_then = FIRST_LIMIT // 10 + 3  # one in ten, and what chance adds
    for _ in range(now_and_then):
        limit.complained()
    for _ in range(FIRST_LIMIT - now_and_then):
        limit.succeeded(0.01, FIRST_LIMIT)
    assert limit.limit == 2 * FIRST_LIMIT + 1


def test_after_a_complaint_it_grows_by_an_eighth() -> None:
    limit = AdaptiveLimit(200)
    window(limit, 0.01)
    window(limit, 0.01)
    for _ in range(limit.limit):
        limit.complained()
    before = limit.limit
    window(limit, 0.01)
    window(limit, 0.01)
    assert before < limit.limit <= before * 1.125**2 + 3


def test_while_latency_is_far_above_the_best_it_does_not_grow() -> None:
    limit = AdaptiveLimit(200)
    window(limit, 0.01)
    before = limit.limit
    window(limit, 0.01 * SLOW * 2)
    assert limit.limit == before


def test_an_endpoint_that_has_become_slow_for_good_is_believed_in_the_end() -> None:
    limit = AdaptiveLimit(64)
    window(limit, 0.01)
    for _ in range(400):
        window(limit, 0.1)
    assert limit.limit == 64


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 100), st.integers(1, 64)), max_size=200), st.integers(1, 64))
def test_whatever_happens_it_stays_between_one_and_the_most(ends: list[tuple[bool, float, int]], most: int) -> None:
    limit = AdaptiveLimit(most)
    for good, duration_s, in_flight in ends:
        if good:
            limit.succeeded(duration_s, in_flight)
        else:
            limit.complained()
        assert 1 <= limit.limit <= most
