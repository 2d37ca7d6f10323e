"""EXPONENTIAL_DECAY_RETRY as CMQ documents it, walked whole: a day of attempts, in seconds, through the real engine.

Delivery, custody and run loop are the real ones; log, endpoint and time are in memory. tests/faults/held_keys.py does
the same on a broker, with a shorter table.
"""

from collections.abc import Iterator
from itertools import accumulate

import pytest

from adapters.memory import ManualClock, MemoryEndpoint, MemoryLog
from pipeline.outcome import Outcome
from pipeline.ports import Push
from pipeline.retry import NotifyStrategy, RetrySchedule
from pipeline.subscription import BodyEncoding
from schemas.cmq_message import parse_text
from schemas.cmq_push import ContentFormat
from schemas.events import BatchEvent, Family
from tests.unit.pipeline.loop_rig import NAMES, Member, no_waiting
from tests.unit.pipeline.records import encode, http_subscription
from tests.unit.pipeline.rig import EPOCH_MS, NO, OK

DOCUMENTED_GAPS_S = [1, 2, 4, 8, 16, 32, 64, 128, 256] + [512] * 167
"""The documentation's 176 retries, written out."""

ATTEMPTS_AT_S = [0, *accumulate(DOCUMENTED_GAPS_S)]
A_DAY_S = 86_015
TURNS = 3
"""So often the loop goes round within a second, which gives a key that is due time to be read and attempted."""

SUBSCRIPTION = http_subscription(
    retry=RetrySchedule(NotifyStrategy.EXPONENTIAL_DECAY_RETRY),
    content_format=ContentFormat.SIMPLIFIED,
    body_encoding=BodyEncoding.PLAIN,
)


class Day:
    """One subscription, one process at a time, and a job whose first event nobody takes."""

    def __init__(self) -> None:
        self.attempts: list[tuple[int, str]] = []
        """When, and the event's number."""
        self._log = MemoryLog()
        self._start(0)
        self.publish("failing", "0")
        self.publish("failing", "1")

    @property
    def now_s(self) -> int:
        """Seconds since the day began."""
        return (self.member.clock.now_ms() - EPOCH_MS) // 1000

    def publish(self, job: str, number: str) -> None:
        batch = {"JobId": job, "JobName": number, "JobState": "FAILED"}
        value = encode(BatchEvent(Family.JOB, "JOB_FAILED", "2026-01-02T03:04:05Z", "r", batch))
        self._log.topic(NAMES.events).append(0, job.encode(), value, timestamp_ms=self.member.clock.now_ms())

    def pass_until(self, now_s: int) -> None:
        for _ in range(now_s - self.now_s):
            self.member.turn(TURNS)
            self.member.clock.advance(1.0)
        self.member.turn(TURNS)

    def stop_for(self, seconds: int) -> None:
        """As SIGTERM stops a process."""
        self.member.stop.request()
        self.member.loop.run()
        assert self.member.loop.abandoned == 0
        self._start(self.now_s + seconds)

    def be_killed_for(self, seconds: int) -> None:
        self.member.crash()
        self._start(self.now_s + seconds)

    @property
    def failing_at_s(self) -> list[int]:
        """When the event that nobody takes was attempted."""
        return [at_s for at_s, number in self.attempts if number == "0"]

    def _start(self, now_s: int) -> None:
        clock = ManualClock(EPOCH_MS + now_s * 1000)
        self.member = Member(SUBSCRIPTION, self._log, clock, MemoryEndpoint(clock, self._answer))
        self.member.source.assign(0)
        self.member.turn(10)

    def _answer(self, push: Push) -> Outcome:
        (event,) = parse_text(push.body)
        self.attempts.append((self.now_s, event.batch["JobName"]))
        return NO if event.batch["JobName"] == "0" else OK


@pytest.fixture
def day() -> Iterator[Day]:
    with no_waiting():
        yield Day()


def test_the_table_is_the_documented_one_and_lasts_for_a_day() -> None:
    schedule = RetrySchedule(NotifyStrategy.EXPONENTIAL_DECAY_RETRY)
    table = [schedule.gap_s(number, 0.5) for number in range(1, schedule.retries + 1)]
    assert table == DOCUMENTED_GAPS_S
    assert schedule.gap_s(len(table) + 1, 0.5) is None
    assert (len(ATTEMPTS_AT_S), ATTEMPTS_AT_S[-1]) == (177, A_DAY_S)


def test_a_day_of_retries_keeps_to_the_second_across_a_stop_and_a_kill_in_the_middle(day: Day) -> None:
    day.pass_until(20_000)
    day.stop_for(100)
    day.pass_until(55_000)
    day.be_killed_for(100)
    day.pass_until(A_DAY_S + 10)
    assert day.failing_at_s == ATTEMPTS_AT_S
    (letter,) = day.member.dead_letters
    told = {name: value.decode() for name, value in letter.headers if isinstance(value, bytes)}
    assert told["dl_reason"] == "exhausted: status 503"
    assert told["dl_attempts"] == "177"
    assert told["dl_first_attempt_ms"] == str(EPOCH_MS)
    assert told["dl_last_attempt_ms"] == str(EPOCH_MS + A_DAY_S * 1000)
    followed_at_s = [at_s for at_s, number in day.attempts if number == "1"]
    assert followed_at_s in ([A_DAY_S], [A_DAY_S + 1]), "its follower goes once it is given up, and not before"
    day.pass_until(A_DAY_S + 20)
    assert (day.member.held_keys, day.member.committed) == (0, {0: 2})


def test_other_jobs_do_not_wait_a_second_in_all_that_day(day: Day) -> None:
    published = []
    for hour in range(1, 24):
        day.pass_until(hour * 3_600)
        if hour == 12:
            day.be_killed_for(0)
        day.publish(f"job-{hour}", f"hour {hour}")
        published.append((hour * 3_600, f"hour {hour}"))
    day.pass_until(24 * 3_600)
    assert [one for one in day.attempts if one[1] not in {"0", "1"}] == published
    assert day.failing_at_s == ATTEMPTS_AT_S


def test_an_attempt_that_came_due_while_nobody_ran_is_made_at_the_start_and_none_after_it_is_early(day: Day) -> None:
    day.pass_until(ATTEMPTS_AT_S[20] + 500)
    day.be_killed_for(3_000)
    started_s = day.now_s
    day.pass_until(started_s + 2_000)
    made = len([at_s for at_s in day.failing_at_s if at_s < started_s])
    assert made == 21, "and none of them is counted anew"
    first_s, *later = day.failing_at_s[made:]
    assert 0 <= first_s - started_s <= 1
    assert later == [first_s + 512 * number for number in (1, 2, 3)]
