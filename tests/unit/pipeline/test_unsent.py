"""What was not sent for want of a file descriptor is no attempt, and says nothing about the endpoint."""

from adapters.memory import ManualClock, MemoryEndpoint, MemoryLog, in_turn
from pipeline.breaker import OPEN_KEYS, BreakerState
from pipeline.outcome import Unsent
from pipeline.retry import RetrySchedule
from pipeline.subscription import HttpPolicy
from tests.unit.pipeline.loop_rig import NAMES, Member, no_waiting
from tests.unit.pipeline.records import encode, http_subscription, job_event
from tests.unit.pipeline.rig import EPOCH_MS, NO, OK, Rig

UNSENT = Unsent("no file descriptor left of 1024")


def policy(*gaps_s: float) -> HttpPolicy:
    return HttpPolicy("http://x", retry=RetrySchedule(gaps_s=gaps_s))


def test_it_is_tried_again_and_does_not_count() -> None:
    rig = Rig(policy(1.0))
    rig.accept("a1")
    for _ in range(5):
        rig.end("a1", UNSENT)
    rig.end("a1", NO)
    rig.clock.advance(1.0)
    rig.end("a1", UNSENT)
    rig.end("a1", NO)
    (letter,) = rig.letters
    assert (letter.attempts, letter.reason) == (2, "exhausted: status 503")


def test_its_followers_wait_and_other_keys_do_not() -> None:
    rig = Rig()
    rig.accept("a1", "a2", "b1")
    rig.end("a1", UNSENT)
    rig.end("b1")
    rig.end("a1")
    rig.end("a2")
    assert rig.settled == ["b1", "a1", "a2"]
    assert rig.posted == ["a1", "b1", "a1", "a2"]


def test_it_neither_opens_the_breaker_nor_moves_the_limit() -> None:
    rig = Rig()
    names = [f"{chr(ord('a') + number)}1" for number in range(OPEN_KEYS + 5)]
    rig.accept(*names)
    limit = rig.delivery.limit.limit
    for _ in range(3):
        for name in names:
            rig.end(name, UNSENT)
    assert rig.delivery.breaker.state is BreakerState.CLOSED
    assert rig.delivery.limit.limit == limit
    assert set(rig.out_now) == set(names)


def test_a_probe_that_was_not_sent_is_made_again() -> None:
    rig = Rig(policy(*[100.0] * 5))
    rig.accept(*(f"{chr(ord('a') + number)}1" for number in range(OPEN_KEYS + 1)))
    for name in list(rig.out_now)[:OPEN_KEYS]:
        rig.end(name, NO)
    rig.end(rig.out_now[0], UNSENT)
    rig.clock.advance(5.0)
    (probe,) = rig.out_now
    rig.end(probe, UNSENT)
    assert (state(rig), rig.out_now) == (BreakerState.OPEN, [])
    rig.clock.advance(5.0)
    rig.end(rig.out_now[0], OK)
    assert state(rig) is BreakerState.CLOSED


def state(rig: Rig) -> BreakerState:
    return rig.delivery.breaker.state


def test_a_held_key_stands_where_it_stood() -> None:
    subscription = http_subscription(retry=RetrySchedule(gaps_s=(20.0, 20.0)))
    clock, log = ManualClock(EPOCH_MS), MemoryLog()
    log.topic(NAMES.events).append(0, b"a", encode(job_event()), timestamp_ms=EPOCH_MS)
    endpoint = MemoryEndpoint(clock, in_turn(NO, UNSENT, UNSENT, NO, UNSENT, NO))
    with no_waiting():
        member = Member(subscription, log, clock, endpoint)
        member.source.assign(0)
        member.turn_and_wait(100, 0.5)
        assert len(endpoint.posts) == 6
        (letter,) = member.dead_letters
        assert dict(letter.headers)["dl_attempts"] == b"3"
        member.turn_and_wait(5)
        assert (member.held_keys, member.committed) == (0, {0: 1})
