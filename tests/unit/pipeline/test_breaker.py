"""A dead endpoint is not a thousand failing events; one failing key is no dead endpoint."""

from pipeline.breaker import FIRST_GAP_S, GONE_GAP_S, LARGEST_GAP_S, OPEN_KEYS, Breaker, BreakerState


def opened(at_s: float = 0.0) -> Breaker:
    breaker = Breaker()
    for number in range(OPEN_KEYS):
        breaker.failed(b"%d" % number, at_s, at_s)
    assert breaker.state is BreakerState.OPEN
    return breaker


def test_it_opens_when_enough_keys_failed_with_no_success_between_them() -> None:
    breaker = Breaker()
    for number in range(OPEN_KEYS - 1):
        breaker.failed(b"%d" % number, 0.0, 0.0)
        assert breaker.may_attempt(0.0)
    breaker.failed(b"one more", 0.0, 0.0)
    assert not breaker.may_attempt(0.0)


def test_one_key_that_fails_for_ever_does_not_open_it() -> None:
    breaker = Breaker()
    for _ in range(100 * OPEN_KEYS):
        breaker.failed(b"a", 0.0, 0.0)
    assert breaker.state is BreakerState.CLOSED


def test_a_success_between_the_failures_begins_the_count_again() -> None:
    breaker = Breaker()
    for number in range(OPEN_KEYS - 1):
        breaker.failed(b"%d" % number, 0.0, 0.0)
    breaker.succeeded(1e9)
    breaker.failed(b"one more", 0.0, 0.0)
    assert breaker.state is BreakerState.CLOSED


def test_open_it_lets_one_probe_through_when_its_time_has_come() -> None:
    breaker = opened(at_s=100.0)
    assert breaker.probe_in_s(100.0) == FIRST_GAP_S
    assert not breaker.may_attempt(100.0 + FIRST_GAP_S - 0.001)
    assert breaker.may_attempt(100.0 + FIRST_GAP_S)
    assert not breaker.may_attempt(1_000.0)


def test_a_probe_that_succeeds_closes_it() -> None:
    breaker = opened()
    breaker.may_attempt(FIRST_GAP_S)
    breaker.succeeded(1e9)
    assert (breaker.state, breaker.may_attempt(FIRST_GAP_S)) == (BreakerState.CLOSED, True)


def test_probes_that_fail_double_the_gap_up_to_the_largest_and_a_success_makes_it_small_again() -> None:
    breaker, now_s, gaps = opened(), 0.0, []
    for _ in range(8):
        gaps.append(breaker.probe_in_s(now_s))
        now_s += breaker.probe_in_s(now_s)
        assert breaker.may_attempt(now_s)
        breaker.failed(b"a", now_s, now_s)
    assert gaps == [1, 2, 4, 8, 16, LARGEST_GAP_S, LARGEST_GAP_S, LARGEST_GAP_S]
    breaker.succeeded(1e9)
    for number in range(OPEN_KEYS):
        breaker.failed(b"%d" % number, now_s, now_s)
    assert breaker.probe_in_s(now_s) == FIRST_GAP_S


def test_a_probe_without_a_verdict_is_asked_again_with_the_same_gap() -> None:
    breaker = opened()
    breaker.may_attempt(1.0)
    breaker.unanswered(1.0, 1.0)
    assert (breaker.state, breaker.probe_in_s(1.0)) == (BreakerState.OPEN, FIRST_GAP_S)


def test_without_a_probe_there_is_nothing_unanswered() -> None:
    breaker = Breaker()
    breaker.unanswered(0.0, 0.0)
    assert breaker.state is BreakerState.CLOSED


def test_late_failures_do_not_put_off_the_probe() -> None:
    breaker = opened()
    for number in range(OPEN_KEYS):
        breaker.failed(b"late %d" % number, 0.9, 0.9)
    assert breaker.may_attempt(FIRST_GAP_S)


def test_gone_opens_it_at_once_and_asks_rarely() -> None:
    breaker = Breaker()
    breaker.gone(0.0)
    assert (breaker.state, breaker.probe_in_s(0.0)) == (BreakerState.OPEN, GONE_GAP_S)
    assert breaker.may_attempt(GONE_GAP_S)
    breaker.failed(b"a", GONE_GAP_S, GONE_GAP_S)
    assert breaker.probe_in_s(GONE_GAP_S) == GONE_GAP_S


def test_a_late_success_while_it_is_open_closes_it() -> None:
    breaker = opened()
    breaker.succeeded(1e9)
    assert breaker.may_attempt(0.0)


def test_keyless_events_are_one_key() -> None:
    breaker = Breaker()
    for _ in range(2 * OPEN_KEYS):
        breaker.failed(None, 0.0, 0.0)
    assert breaker.state is BreakerState.CLOSED


def test_what_was_begun_before_the_endpoint_said_gone_does_not_bring_it_back() -> None:
    breaker = Breaker()
    breaker.gone(10.0)
    breaker.succeeded(began_s=9.9)
    assert not breaker.may_attempt(10.1)
    breaker.succeeded(began_s=10.0 + GONE_GAP_S)
    assert breaker.may_attempt(10.1)


def test_what_began_before_the_probe_is_no_verdict_on_it() -> None:
    breaker = opened()
    breaker.may_attempt(FIRST_GAP_S)
    breaker.failed(b"slow", 0.5, FIRST_GAP_S + 0.1)
    breaker.unanswered(0.5, FIRST_GAP_S + 0.1)
    assert breaker.state is BreakerState.HALF_OPEN
    breaker.failed(b"probe", FIRST_GAP_S, FIRST_GAP_S)
    assert breaker.probe_in_s(FIRST_GAP_S) == 2 * FIRST_GAP_S


def test_metrics_are_told_its_state_and_that_a_410_parks_it_until_something_is_accepted() -> None:
    breaker = opened()
    assert breaker.told == "open"
    breaker.may_attempt(FIRST_GAP_S)
    assert breaker.told == "half_open"
    breaker.succeeded(FIRST_GAP_S)
    assert breaker.told == "closed"
    breaker.gone(10.0)
    assert breaker.told == "parked"
    breaker.may_attempt(10.0 + GONE_GAP_S)
    assert breaker.told == "parked"
    breaker.failed(b"a", 10.0 + GONE_GAP_S, 11.0 + GONE_GAP_S)
    assert breaker.told == "parked", "it asks as rarely as before"
    breaker.succeeded(1e9)
    assert breaker.told == "closed"
