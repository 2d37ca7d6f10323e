"""The event loop's half of an HTTP subscription, over doubles and a clock that a test moves."""

from collections import defaultdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.memory import ManualClock, MemoryEndpoint, in_turn
from pipeline.breaker import OPEN_KEYS, BreakerState
from pipeline.delivery import LANE_SHARE, QUICK_RETRY_S
from pipeline.item import EXPIRED
from pipeline.outcome import Abandoned, Delivered, Failed, Fault, Gone, Outcome
from pipeline.ports import DeadLetter, Push
from pipeline.retry import NotifyStrategy, RetrySchedule
from pipeline.subscription import HttpPolicy, OnExhausted, OnRefused
from tests.unit.pipeline.rig import EPOCH_MS, NO, OK, Rig, no_answer


def policy(
    *gaps_s: float,
    concurrency: int = 64,
    on_exhausted: OnExhausted = OnExhausted.DEAD_LETTER,
    on_refused: OnRefused = OnRefused.RETRY,
    max_age_s: float = 172_800.0,
) -> HttpPolicy:
    return HttpPolicy(
        "http://x",
        retry=RetrySchedule(gaps_s=gaps_s),
        concurrency=concurrency,
        on_exhausted=on_exhausted,
        on_refused=on_refused,
        max_age_s=max_age_s,
    )


def failing_rig(the_policy: HttpPolicy, failure: Outcome = NO) -> Rig:
    """Its endpoint refuses everything at once."""
    clock = ManualClock(EPOCH_MS)
    return Rig(the_policy, MemoryEndpoint(clock, in_turn(then=failure)), clock)


class TestOrder:
    def test_one_attempt_a_key_is_out_and_other_keys_do_not_wait(self) -> None:
        rig = Rig()
        rig.accept("a1", "a2", "b1", "a3", "c1")
        assert rig.out_now == ["a1", "b1", "c1"]

    def test_the_next_of_a_key_goes_out_when_the_one_before_is_delivered(self) -> None:
        rig = Rig()
        rig.accept("a1", "a2", "b1")
        rig.end("a1")
        assert rig.out_now == ["b1", "a2"]
        assert rig.settled == ["a1"]

    def test_a_key_that_fails_lets_the_others_pass_and_its_own_wait(self) -> None:
        rig = Rig(policy(5.0))
        rig.accept("a1", "a2", "b1", "b2")
        rig.end("a1", NO)
        rig.end("b1")
        rig.end("b2")
        assert rig.posted == ["a1", "b1", "b2"]
        rig.clock.advance(5)
        assert rig.out_now == ["a1"]

    def test_the_same_key_in_two_partitions_is_two(self) -> None:
        rig = Rig()
        rig.accept("a1", partition=0)
        rig.accept("a2", partition=1)
        assert rig.out_now == ["a1", "a2"]


class TestConcurrency:
    def test_no_more_attempts_are_out_than_the_subscription_allows(self) -> None:
        rig = Rig(policy(concurrency=2))
        rig.accept("a1", "b1", "c1", "d1")
        assert (rig.out_now, rig.delivery.in_flight) == (["a1", "b1"], 2)
        rig.end("b1")
        assert rig.out_now == ["a1", "c1"]

    def test_a_key_that_waits_for_its_retry_takes_no_place(self) -> None:
        rig = Rig(policy(5.0, concurrency=1))
        rig.accept("a1", "b1")
        rig.end("a1", NO)
        assert (rig.out_now, rig.delivery.waiting_for_retry) == (["b1"], 1)


class TestRetry:
    @pytest.mark.parametrize("gaps", [(0.1, 0.2), (5.0, 5.0, 5.0), (1.0,), ()])
    def test_it_follows_the_subscriptions_own_gaps(self, gaps: tuple[float, ...]) -> None:
        rig = failing_rig(policy(*gaps))
        rig.accept("a1")
        rig.clock.advance(1000)
        times = [0.0]
        for gap in gaps:
            times.append(times[-1] + gap)
        assert [attempt.number for attempt in rig.attempts] == list(range(1, len(gaps) + 2))
        assert [attempt.retry_in_s for attempt in rig.attempts] == [*gaps, None]
        (letter,) = rig.letters
        assert letter.last_attempt_ms == EPOCH_MS + round(times[-1] * 1000)

    def test_not_before_its_time(self) -> None:
        rig = failing_rig(policy(8.0))
        rig.accept("a1")
        rig.clock.advance(7.999)
        assert len(rig.posted) == 1
        rig.clock.advance(0.001)
        assert len(rig.posted) == 2

    def test_every_attempt_carries_the_same_message(self) -> None:
        rig = failing_rig(policy(1.0, 1.0))
        rig.accept("a1")
        rig.clock.advance(10)
        assert rig.endpoint.posts == [Push("a1", b"body of a1")] * 3

    def test_a_success_after_failures_settles_and_goes_on(self) -> None:
        clock = ManualClock()
        rig = Rig(policy(1.0, 1.0), MemoryEndpoint(clock, in_turn(NO, NO)), clock)
        rig.accept("a1", "a2")
        clock.advance(10)
        assert rig.posted == ["a1", "a1", "a1", "a2"]
        assert (rig.settled, rig.to_bury) == (["a1", "a2"], [])

    def test_an_endpoint_that_does_not_answer_has_failed_after_its_time(self) -> None:
        clock = ManualClock()
        rig = Rig(policy(1.0), MemoryEndpoint(clock, in_turn(None), timeout_s=15.0), clock)
        rig.accept("a1")
        clock.advance(16)
        assert rig.attempts[0].outcome == Failed("timed out after 15 s")
        assert rig.settled == ["a1"]


class TestHold:
    """A retry that is far away is not waited for in memory."""

    def test_a_short_gap_is_waited_for_here_and_a_longer_one_makes_the_key_held(self) -> None:
        rig = failing_rig(policy(QUICK_RETRY_S, QUICK_RETRY_S + 0.1))
        rig.accept("a1", "a2")
        rig.clock.turn()
        assert (rig.delivery.waiting_for_retry, rig.to_hold) == (1, [])
        rig.clock.advance(QUICK_RETRY_S)
        ((item, due_ms),) = rig.told.to_hold
        assert (item.push.msg_id, item.attempts) == ("a1", 2)
        assert (item.first_attempt_ms, item.last_attempt_ms) == (EPOCH_MS, EPOCH_MS + 8_000)
        assert due_ms == EPOCH_MS + 16_100

    def test_until_it_is_collected_its_lane_stands_still_and_then_gives_up_its_followers_in_order(self) -> None:
        rig = failing_rig(policy(10.0))
        rig.accept("a1", "a2", "b1", "a3")
        rig.clock.advance(1000)
        assert (rig.posted, rig.to_hold, rig.settled) == (["a1", "b1"], ["a1", "b1"], [])
        item, _ = rig.told.to_hold[0]
        assert [follower.push.msg_id for follower in rig.delivery.collect(item)] == ["a2", "a3"]
        assert rig.delivery.collect(item) == []

    def test_a_collected_lane_is_begun_anew_by_what_is_accepted_later(self) -> None:
        rig = failing_rig(policy(10.0))
        rig.accept("a1")
        rig.clock.turn()
        rig.delivery.collect(rig.told.to_hold[0][0])
        rig.accept("a2")
        rig.clock.turn()
        assert rig.posted == ["a1", "a2"]

    def test_retry_after_makes_the_gap_longer_and_never_shorter(self) -> None:
        rig = failing_rig(policy(1.0), Failed("status 429", 429, retry_after_s=60.0))
        rig.accept("a1")
        rig.clock.turn()
        assert rig.told.to_hold[0][1] == EPOCH_MS + 60_000
        rig = failing_rig(policy(5.0), Failed("status 429", 429, retry_after_s=1.0))
        rig.accept("a1")
        rig.clock.turn()
        assert rig.attempts[0].retry_in_s == 5.0

    def test_backoff_waits_10_to_20_seconds(self) -> None:
        rig = failing_rig(HttpPolicy("http://x", retry=RetrySchedule(NotifyStrategy.BACKOFF_RETRY)))
        rig.accept("a1")
        rig.clock.turn()
        (_, due_ms) = rig.told.to_hold[0]
        assert 10_000 <= due_ms - EPOCH_MS <= 20_000

    def test_a_lane_beyond_its_share_is_to_be_held_now_without_a_failure(self) -> None:
        rig = Rig()
        rig.accept("a1", *(f"a{number}" for number in range(2, LANE_SHARE + 3)))
        rig.end("a1")
        assert (rig.settled, rig.out_now) == (["a1"], [])
        ((item, due_ms),) = rig.told.to_hold
        assert (item.push.msg_id, item.attempts, due_ms) == ("a2", 0, EPOCH_MS)

    def test_a_lane_of_its_share_goes_on(self) -> None:
        rig = Rig()
        rig.accept(*(f"a{number}" for number in range(LANE_SHARE + 1)))
        rig.end("a0")
        assert (rig.to_hold, rig.out_now) == ([], ["a1"])


class TestHeldKeys:
    """Attempts for keys that are held."""

    def test_what_becomes_of_them_is_told_with_when_they_are_due_again(self) -> None:
        rig = Rig(policy(20.0, 30.0))
        rig.accept_held("a1", "b1", "c1")
        rig.end("a1")
        rig.end("b1", NO)
        rig.out("c1").cancel()
        told = [(item.push.msg_id, outcome, due_ms, letter) for item, outcome, due_ms, letter in rig.told.ended]
        assert told == [("a1", OK, None, None), ("b1", NO, EPOCH_MS + 20_000, None), ("c1", Abandoned(), None, None)]
        assert (rig.settled, rig.to_hold) == ([], [])

    def test_the_last_failure_is_a_dead_letter(self) -> None:
        rig = Rig(policy())
        rig.accept_held("a1")
        rig.end("a1", NO)
        ((item, _, due_ms, letter),) = rig.told.ended
        assert due_ms is None
        assert letter == DeadLetter(item.record, "exhausted: status 503", 503, 1, EPOCH_MS, EPOCH_MS, b"try later")

    def test_a_subscription_that_drops_writes_none(self) -> None:
        rig = Rig(policy(on_exhausted=OnExhausted.DROP))
        rig.accept_held("a1")
        rig.end("a1", NO)
        assert rig.told.ended[0][2:] == (None, None)

    def test_they_use_a_quarter_of_the_limit_while_a_live_key_waits(self) -> None:
        rig = Rig(policy(concurrency=8))
        rig.accept(*(f"{key}1" for key in "abcdefgh"))
        rig.accept_held("p1", "q1", "r1", "s1")
        rig.accept("i1", "j1", "k1")
        for key in "abcde":
            rig.end(f"{key}1")
        assert rig.out_now == ["f1", "g1", "h1", "p1", "q1", "i1", "j1", "k1"]

    def test_and_all_of_it_while_none_does(self) -> None:
        rig = Rig(policy(concurrency=8))
        rig.accept_held(*(f"{key}1" for key in "pqrstuvwxyz"))
        assert len(rig.out_now) == 8

    def test_at_a_limit_of_one_they_are_not_starved(self) -> None:
        rig = Rig(policy(concurrency=1))
        rig.accept("a1", "a2", "a3")
        rig.accept_held("p1")
        rig.end("a1")
        assert rig.out_now == ["p1"]

    def test_their_failures_neither_open_the_breaker_nor_move_the_limit(self) -> None:
        rig = Rig(policy(*[20.0] * 3, concurrency=16))
        for _ in range(5 * OPEN_KEYS):
            rig.accept_held("p1")
            rig.end("p1", NO)
        assert (rig.delivery.breaker.state, rig.delivery.limit.limit) == (BreakerState.CLOSED, 16)

    def test_a_run_of_one_key_is_attempted_one_after_the_other(self) -> None:
        rig = Rig()
        rig.accept_held("p1", "p2", "q1", "p3")
        assert rig.out_now == ["p1", "q1"]
        for name in ("p1", "p2", "p3"):
            rig.end(name)
        assert [item.push.msg_id for item, *_ in rig.told.ended] == ["p1", "p2", "p3"]

    @pytest.mark.parametrize("outcome", [NO, Gone()])
    def test_what_fails_gives_the_rest_of_its_run_back(self, outcome: Outcome) -> None:
        rig = Rig(policy(20.0))
        rig.accept_held("p1", "p2", "p3")
        rig.end("p1")
        rig.end("p2", outcome)
        assert (rig.posted, rig.out_now) == (["p1", "p2"], [])
        rig.delivery.breaker.succeeded(1e12)
        rig.accept_held("p2", "p3")
        rig.end("p2")
        assert rig.out_now == ["p3"]

    def test_one_that_is_dropped_lets_the_rest_of_its_run_go_on(self) -> None:
        rig = Rig(policy(on_exhausted=OnExhausted.DROP))
        rig.accept_held("p1", "p2")
        rig.end("p1", NO)
        assert rig.out_now == ["p2"]


class TestTooOld:
    """max_age_s goes on whatever else happens."""

    def test_an_event_that_has_become_too_old_while_it_waited_is_not_attempted(self) -> None:
        rig = Rig(policy(concurrency=1, max_age_s=60.0))
        rig.accept("a1", "b1", "b2")
        rig.clock.advance(61)
        rig.end("a1")
        assert (rig.posted, rig.to_bury) == (["a1"], ["b1", "b2"])
        assert {letter.reason for letter in rig.letters} == {EXPIRED}

    @pytest.mark.parametrize("outcome", [NO, Gone()])
    def test_an_open_breaker_does_not_keep_them(self, outcome: Outcome) -> None:
        rig = failing_rig(policy(*[5.0] * 20, concurrency=64, max_age_s=60.0), outcome)
        rig.accept(*(f"{chr(ord('a') + number)}1" for number in range(OPEN_KEYS)))
        rig.clock.turn()
        assert rig.delivery.breaker.state is BreakerState.OPEN
        rig.accept("z1", "z2", "y1")
        rig.accept_held("p1", "p2")
        rig.clock.advance(50)
        before = set(rig.to_bury) & {"z1", "z2", "y1"}
        rig.clock.advance(12)
        assert (before, {"z1", "z2", "y1"} - set(rig.to_bury)) == (set(), set())
        assert [(item.push.msg_id, letter.reason) for item, *_, letter in rig.told.ended if letter] == [("p1", EXPIRED)]

    def test_a_lane_of_them_is_buried_in_one_go_up_to_the_first_good_one(self) -> None:
        rig = Rig()
        bad = [rig.item(f"a{number}", refused="undecodable: x") for number in range(3)]
        rig.delivery.accept([*bad, rig.item("a3"), rig.item("a4", refused="undecodable: x")])
        assert rig.to_bury == ["a0", "a1", "a2"]
        rig.bury()
        assert (rig.out_now, rig.to_bury) == (["a3"], ["a0", "a1", "a2"])
        rig.end("a3")
        assert rig.to_bury == ["a0", "a1", "a2", "a4"]


class TestBreaker:
    def dead(self) -> Rig:
        """An endpoint that has failed the first attempt of enough keys."""
        rig = failing_rig(policy(*[5.0] * 3, concurrency=64))
        rig.accept(*(f"{chr(ord('a') + number)}1" for number in range(OPEN_KEYS)))
        rig.clock.turn()
        assert rig.delivery.breaker.state is BreakerState.OPEN
        return rig

    def test_open_it_lets_out_nothing_but_a_probe_when_its_time_has_come(self) -> None:
        rig = self.dead()
        rig.accept("z1")
        rig.clock.advance(0.999)
        assert len(rig.posted) == OPEN_KEYS
        rig.endpoint.answer = no_answer
        rig.clock.advance(0.001)
        assert (rig.out_now, rig.delivery.breaker.state) == (["z1"], BreakerState.HALF_OPEN)

    def test_a_probe_that_succeeds_lets_all_others_go(self) -> None:
        rig = self.dead()
        rig.accept("y1", "z1")
        rig.endpoint.answer = in_turn(then=OK)
        rig.clock.advance(10)
        assert {"y1", "z1", "a1"} <= set(rig.settled)
        assert len(rig.settled) == OPEN_KEYS + 2

    def test_a_probe_that_is_refused_as_an_event_proves_nothing_and_the_next_is_asked(self) -> None:
        rig = self.dead()
        rig.accept("y1", "z1")
        rig.endpoint.answer = in_turn(Failed("status 400", 400, fault=Fault.EVENT), None)
        rig.clock.advance(1)
        assert rig.delivery.breaker.state is BreakerState.OPEN
        rig.clock.advance(1)
        assert rig.out_now == ["z1"]

    def test_failures_of_what_the_last_owner_had_read_do_not_open_it(self) -> None:
        """Only failing heads are left of what a killed process had read: that says nothing of the endpoint."""
        rig = failing_rig(policy(*[5.0] * 3, concurrency=64))
        items = [rig.item(f"{chr(ord('a') + number)}1") for number in range(OPEN_KEYS + 5)]
        for item in items:
            item.seen = True
        rig.delivery.accept(items)
        rig.clock.turn()
        assert rig.delivery.breaker.state is BreakerState.CLOSED

    def test_its_probe_is_a_live_event_if_there_is_one(self) -> None:
        rig = self.dead()
        rig.accept_held("p1")
        rig.accept("z1")
        rig.endpoint.answer = no_answer
        rig.clock.advance(1)
        assert rig.out_now == ["z1"]

    def test_retries_of_one_key_do_not_open_it(self) -> None:
        rig = failing_rig(policy(*[0.1] * 100))
        rig.accept("a1")
        rig.clock.advance(100)
        assert rig.delivery.breaker.state is BreakerState.CLOSED

    def test_gone_opens_it_at_once_for_long_and_is_no_attempt(self) -> None:
        rig = failing_rig(policy(), Gone())
        rig.accept("a1", "a2")
        rig.clock.advance(299)
        assert (rig.posted, rig.to_bury, rig.settled) == (["a1"], [], [])
        rig.endpoint.answer = in_turn(then=OK)
        rig.clock.advance(1)
        assert (rig.posted, rig.settled) == (["a1", "a1", "a2"], ["a1", "a2"])
        assert rig.attempts[1].number == 1


class TestGate:
    def test_shut_it_lets_nothing_out_and_opened_the_pump_starts_what_waits(self) -> None:
        rig = Rig()
        rig.gate.open = False
        rig.accept("a1", "b1")
        rig.accept_held("c1")
        assert rig.posted == []
        rig.gate.open = True
        rig.delivery.pump()
        assert sorted(rig.posted) == ["a1", "b1", "c1"]

    def test_shut_between_an_attempt_and_the_next_it_holds_the_next(self) -> None:
        rig = Rig()
        rig.accept("a1", "a2")
        rig.gate.open = False
        rig.end("a1")
        assert (rig.settled, rig.posted) == (["a1"], ["a1"])


class TestExhausted:
    def test_the_dead_letter_tells_reason_status_attempts_and_times(self) -> None:
        rig = failing_rig(policy(2.0, 3.0))
        rig.accept("a1")
        rig.clock.advance(10)
        (letter,) = rig.letters
        assert letter == DeadLetter(
            letter.record, "exhausted: status 503", 503, 3, EPOCH_MS, EPOCH_MS + 5000, b"try later"
        )
        assert letter.record.value == b"value of a1"

    def test_until_it_is_buried_its_followers_wait_and_other_keys_do_not(self) -> None:
        rig = failing_rig(policy())
        rig.accept("a1", "a2")
        rig.clock.turn()
        rig.endpoint.answer = in_turn(then=OK)
        rig.accept("b1", "b2")
        rig.clock.advance(1000)
        assert (rig.to_bury, rig.settled, rig.posted) == (["a1"], ["b1", "b2"], ["a1", "b1", "b2"])
        rig.bury()
        assert rig.settled == ["b1", "b2", "a2"]

    def test_a_subscription_that_drops_settles_without_a_dead_letter(self) -> None:
        rig = failing_rig(policy(1.0, on_exhausted=OnExhausted.DROP))
        rig.accept("a1", "a2")
        rig.clock.advance(10)
        assert rig.settled == ["a1", "a2"]
        assert rig.to_bury == []

    @pytest.mark.parametrize(("on_refused", "posts"), [(OnRefused.DEAD_LETTER, 1), (OnRefused.RETRY, 3)])
    def test_what_the_endpoint_refuses_as_such_is_retried_or_not_as_the_subscription_says(
        self, on_refused: OnRefused, posts: int
    ) -> None:
        rig = failing_rig(policy(1.0, 1.0, on_refused=on_refused), Failed("status 422", 422, fault=Fault.EVENT))
        rig.accept("a1")
        rig.clock.advance(10)
        assert (len(rig.posted), rig.to_bury) == (posts, ["a1"])
        assert rig.letters[0].reason == ("refused: status 422" if posts == 1 else "exhausted: status 422")


class TestRefused:
    """A record that cannot be delivered at all."""

    def test_it_goes_to_the_dead_letters_without_an_attempt(self) -> None:
        rig = Rig()
        refused = rig.item("a1", refused="undecodable: nonsense")
        rig.delivery.accept([refused])
        rig.clock.turn()
        assert rig.letters == [DeadLetter(refused.record, "undecodable: nonsense")]
        assert (rig.settled, rig.posted) == ([], [])

    def test_it_waits_for_its_turn_and_its_followers_for_its_burial(self) -> None:
        rig = Rig()
        rig.delivery.accept([rig.item("a1"), rig.item("a2", refused="undecodable"), rig.item("a3")])
        rig.clock.turn()
        assert (rig.to_bury, rig.out_now) == ([], ["a1"])
        rig.end("a1")
        assert (rig.settled, rig.to_bury, rig.out_now) == (["a1"], ["a2"], [])
        rig.bury()
        assert rig.out_now == ["a3"]

    def test_it_is_never_dropped_not_even_where_exhausted_ones_are(self) -> None:
        rig = Rig(policy(on_exhausted=OnExhausted.DROP))
        rig.delivery.accept([rig.item("a1", refused="undecodable")])
        rig.clock.turn()
        assert rig.to_bury == ["a1"]


class TestRevoke:
    def test_what_was_not_attempted_is_forgotten_and_other_partitions_go_on(self) -> None:
        rig = Rig(policy(concurrency=1))
        rig.accept("a1", "a2", "b1", partition=0)
        rig.accept("c1", partition=1)
        rig.revoke(0)
        rig.end("a1")
        assert rig.posted == ["a1", "c1"]

    def test_it_is_quiet_when_the_last_attempt_of_the_partition_has_ended_and_once(self) -> None:
        rig = Rig()
        rig.accept("a1", "b1", partition=0)
        rig.accept("c1", partition=1)
        rig.revoke(0)
        rig.end("a1")
        assert rig.quiet == []
        rig.end("b1", NO)
        assert rig.quiet == ["revoked"]
        rig.end("c1")
        assert rig.quiet == ["revoked"]

    def test_a_partition_with_nothing_out_is_quiet_at_once(self) -> None:
        rig = failing_rig(policy(5.0))
        rig.accept("a1", partition=0)
        rig.clock.turn()
        rig.revoke(0)
        assert rig.quiet == ["revoked"]

    def test_a_retry_that_was_to_come_does_not_come(self) -> None:
        rig = failing_rig(policy(5.0))
        rig.accept("a1")
        rig.clock.turn()
        rig.revoke(0)
        rig.clock.advance(100)
        assert (rig.posted, rig.delivery.waiting_for_retry) == (["a1"], 0)

    def test_what_was_to_be_held_or_buried_is_gone_when_somebody_comes_for_it(self) -> None:
        rig = failing_rig(policy(10.0))
        rig.delivery.accept([rig.item("a1"), rig.item("a2"), rig.item("b1", refused="undecodable"), rig.item("b2")])
        rig.clock.turn()
        rig.revoke(0)
        assert rig.delivery.collect(rig.told.to_hold[0][0]) == []
        rig.bury()
        assert rig.posted == ["a1"]

    def test_what_waits_for_a_held_key_is_forgotten(self) -> None:
        rig = Rig(policy(concurrency=1))
        rig.accept("a1", partition=1)
        rig.accept_held("p1")
        rig.revoke(0)
        rig.end("a1")
        assert rig.posted == ["a1"]

    @pytest.mark.parametrize("late", [NO, Abandoned()])
    @pytest.mark.parametrize("the_policy", [policy(), policy(10.0), policy(on_exhausted=OnExhausted.DROP)], ids=str)
    def test_a_late_failure_is_neither_retried_nor_a_dead_letter_nor_dropped(
        self, the_policy: HttpPolicy, late: Outcome
    ) -> None:
        rig = Rig(the_policy)
        rig.accept("a1")
        rig.revoke(0)
        rig.end("a1", late)
        assert rig.delivery.waiting_for_retry == 0
        rig.clock.advance(100)
        assert (rig.posted, rig.to_bury, rig.to_hold, rig.settled) == (["a1"], [], [], [])

    def test_a_late_success_carries_the_number_of_the_assignment_that_is_over(self) -> None:
        rig = Rig()
        rig.delivery.accept([rig.item("a1", assignment=1)])
        rig.revoke(0)
        rig.delivery.accept([rig.item("a1", assignment=2)])
        rig.endpoint.out[0].end(OK)
        assert [item.assignment for item in rig.told.settled_items] == [1]

    @pytest.mark.parametrize("late", [OK, NO, Abandoned()])
    def test_a_late_outcome_does_not_touch_the_key_that_was_given_back(self, late: Outcome) -> None:
        rig = Rig(policy(5.0))
        rig.accept("a1")
        rig.revoke(0)
        rig.accept("a1", "a2")
        assert rig.posted == ["a1", "a1"]
        rig.endpoint.out[0].end(late)
        rig.clock.advance(100)
        assert rig.out_now == ["a1"]
        rig.end("a1")
        assert rig.out_now == ["a2"]


class TestDrain:
    def test_nothing_more_is_attempted_and_what_is_out_may_end(self) -> None:
        rig = Rig()
        rig.accept("a1", "a2", "b1")
        rig.drain()
        rig.accept("c1")
        rig.end("a1")
        assert (rig.quiet, rig.out_now) == ([], ["b1"])
        rig.end("b1", NO)
        assert (rig.quiet, rig.posted, rig.settled) == (["drained"], ["a1", "b1"], ["a1"])

    def test_with_nothing_out_it_is_quiet_at_once(self) -> None:
        rig = Rig()
        rig.drain()
        assert rig.quiet == ["drained"]

    def test_what_waits_for_a_retry_is_to_be_held_until_that_is_due(self) -> None:
        rig = failing_rig(policy(5.0))
        rig.accept("a1", "b1")
        rig.clock.advance(1.0)
        rig.drain()
        assert (rig.quiet, rig.delivery.waiting_for_retry) == (["drained"], 0)
        due_ms = EPOCH_MS + 5_000
        assert [(item.push.msg_id, due) for item, due in rig.told.to_hold] == [("a1", due_ms), ("b1", due_ms)]

    def test_and_so_is_what_fails_while_draining_when_it_would_be_due(self) -> None:
        rig = Rig(policy(5.0))
        rig.accept("a1")
        rig.drain()
        rig.end("a1", NO)
        assert (rig.told.to_hold[0][1], rig.quiet) == (EPOCH_MS + 5_000, ["drained"])

    def test_a_retry_that_would_fall_due_while_draining_is_not_made(self) -> None:
        rig = Rig(policy(5.0))
        rig.accept("a1", "b1")
        rig.end("a1", NO)
        rig.drain()
        rig.clock.advance(20)
        assert (rig.posted, rig.to_hold) == (["a1", "b1"], ["a1"])

    def test_the_next_events_of_held_keys_are_not_attempted(self) -> None:
        rig = Rig()
        rig.drain()
        rig.accept_held("p1")
        assert rig.posted == []


class TestAbandon:
    def test_what_is_out_is_cut_and_counted_and_settles_nothing(self) -> None:
        rig = Rig()
        rig.accept("a1", "a2", "b1")
        rig.drain()
        assert rig.delivery.abandon() == 2
        assert [attempt.outcome for attempt in rig.attempts] == [Abandoned(), Abandoned()]
        assert (rig.settled, rig.out_now, rig.quiet) == ([], [], ["drained"])
        rig.clock.advance(1e6)
        assert rig.posted == ["a1", "b1"]

    def test_with_nothing_out_there_is_nothing_to_cut(self) -> None:
        assert Rig().delivery.abandon() == 0


class TestAttempts:
    def test_each_one_is_told_with_number_outcome_duration_and_what_comes_next(self) -> None:
        clock = ManualClock()
        rig = Rig(policy(5.0), MemoryEndpoint(clock, in_turn(NO, Delivered(204)), latency_s=0.25), clock)
        rig.accept("a1")
        clock.advance(10)
        told = [(a.item.push.msg_id, a.number, a.outcome, a.duration_s, a.retry_in_s) for a in rig.attempts]
        assert told == [("a1", 1, NO, 0.25, 5.0), ("a1", 2, Delivered(204), 0.25, None)]


@st.composite
def _runs(draw: st.DrawFn) -> tuple[list[str], list[bool], int, list[float]]:
    """Items of a few keys, the endpoint's verdicts, the concurrency, and gaps."""
    keys = draw(st.lists(st.sampled_from("abcde"), max_size=20))
    verdicts = draw(st.lists(st.booleans(), max_size=60))
    return keys, verdicts, draw(st.integers(1, 4)), draw(st.lists(st.sampled_from([0.0, 1.0, 7.0]), max_size=3))


@settings(max_examples=150)
@given(_runs())
def test_whatever_fails_every_item_is_settled_or_buried_once_in_the_order_of_its_key(
    run: tuple[list[str], list[bool], int, list[float]],
) -> None:
    keys, verdicts, concurrency, gaps = run
    clock = ManualClock()
    outcomes: list[Outcome] = [OK if good else NO for good in verdicts]
    endpoint = MemoryEndpoint(clock, in_turn(*outcomes), latency_s=0.5)
    rig = Rig(policy(*gaps, concurrency=concurrency), endpoint, clock)

    numbers: dict[str, int] = defaultdict(int)
    names = []
    for key in keys:
        numbers[key] += 1
        names.append(f"{key}{numbers[key]}")
    rig.accept(*names)
    while (due_in_s := clock.next_due_in_s()) is not None:
        assert len(endpoint.out) <= concurrency
        out_keys = [name[0] for name in rig.out_now]
        assert len(set(out_keys)) == len(out_keys)
        clock.advance(due_in_s)
        rig.bury()

    assert sorted(rig.settled + rig.to_bury) == sorted(names)
    for key, count in numbers.items():
        in_order = [f"{key}{number + 1}" for number in range(count)]
        assert list(dict.fromkeys(name for name in rig.posted if name[0] == key)) == in_order
    delivered = [attempt.item.push.msg_id for attempt in rig.attempts if isinstance(attempt.outcome, Delivered)]
    assert delivered == rig.settled
