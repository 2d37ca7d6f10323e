"""The consumer thread's half of an HTTP subscription: what it reads, hands over, and commits."""

import contextlib
from collections.abc import Callable, Iterator

import pytest

from adapters.memory import Fate, ManualClock, MemoryEndpoint, MemoryLog, MemorySource, ProcessDiedError, in_turn
from pipeline.commit_note import CommitNote, read_note, write_note
from pipeline.errors import PipelineError
from pipeline.held_record import EVENTS, held_key
from pipeline.outcome import Outcome
from pipeline.ports import Commit, Push, Record
from pipeline.retry import NotifyStrategy, RetrySchedule
from pipeline.room import BATCH, MAX_BYTES, MAX_EVENTS, MAX_UNSETTLED
from pipeline.run_loop import HttpSubscriptionLoop
from schemas.cmq_push import ContentFormat
from tests.unit.pipeline.loop_rig import NAMES, Member, no_waiting
from tests.unit.pipeline.records import encode, http_subscription, job_event
from tests.unit.pipeline.rig import EPOCH_MS, NO, OK, no_answer

GAPS = RetrySchedule(gaps_s=(5.0,))
HELD_GAPS = RetrySchedule(gaps_s=(10.0,))


@pytest.fixture(autouse=True)
def _no_waiting() -> Iterator[None]:
    with no_waiting():
        yield


def publish(log: MemoryLog, *jobs: str, partition: int = 0, name: str = "JOB_FAILED") -> None:
    for job in jobs:
        value = encode(job_event(name, job))
        log.topic(NAMES.events).append(partition, job.encode(), value, timestamp_ms=EPOCH_MS)


def publish_raw(log: MemoryLog, key: bytes, value: bytes | None, timestamp_ms: int = EPOCH_MS) -> None:
    log.topic(NAMES.events).append(0, key, value, timestamp_ms=timestamp_ms)


def member(
    log: MemoryLog,
    answer: Callable[[Push], Outcome | None] | None = None,
    *,
    events: frozenset[str] | None = None,
    grace_s: float = 25.0,
    make_source: Callable[[MemoryLog, HttpSubscriptionLoop], MemorySource] | None = None,
    concurrency: int = 64,
    retry: RetrySchedule = GAPS,
    session_s: float = 1e12,
    now_ms: int = EPOCH_MS,
) -> Member:
    clock = ManualClock(now_ms)
    endpoint = MemoryEndpoint(clock, answer or in_turn(), timeout_s=1e9)
    subscription = http_subscription(
        events=events, retry=retry, concurrency=concurrency, content_format=ContentFormat.SIMPLIFIED
    )
    return Member(subscription, log, clock, endpoint, grace_s=grace_s, make_source=make_source, session_s=session_s)


def note_of(log: MemoryLog, partition: int = 0) -> CommitNote:
    note = read_note(log.commits[NAMES.events][partition].metadata)
    assert note is not None
    return note


def paused(one: Member) -> bool:
    return one.source.paused == one.source.assigned


def run_until(one: Member, posts: int) -> None:
    """Run the loop as its thread does, asking it to stop when the endpoint has been called so often."""
    answer = one.endpoint.answer

    def counting(push: Push) -> Outcome | None:
        if len(one.endpoint.posts) == posts:
            one.stop.request()
        return answer(push)

    one.endpoint.answer = counting
    one.loop.run()


class TestCommit:
    def test_all_that_was_delivered_is_committed_before_the_group_is_left(self) -> None:
        log = MemoryLog(2)
        publish(log, "a", "b", "a", partition=0)
        publish(log, "c", partition=1)
        one = member(log)
        one.source.assign(0, 1)
        run_until(one, posts=4)
        assert one.committed == {0: 3, 1: 1}
        assert (one.source.closed, one.loop.abandoned) == (True, 0)

    def test_nothing_is_committed_before_it_is_settled(self) -> None:
        log = MemoryLog()
        publish(log, "a", "b")
        one = member(log, no_answer)
        one.source.assign(0)
        one.turn(5)
        assert one.committed == {}
        one.endpoint.out[1].end(OK)
        one.turn(5)
        assert one.committed == {0: 0}
        assert list(note_of(log).settled_ranges(0)) == [(1, 2)]
        one.endpoint.out[0].end(OK)
        one.turn(5)
        assert one.committed == {0: 2}

    def test_what_was_not_asked_for_is_passed_over_without_a_push(self) -> None:
        log = MemoryLog()
        publish(log, "a", name="JOB_RUNNING")
        publish(log, "a", name="JOB_FAILED")
        publish(log, "a", name="JOB_SUCCEED")
        one = member(log, events=frozenset({"JOB_FAILED"}))
        one.source.assign(0)
        one.turn(5)
        assert one.committed == {0: 3}
        assert (len(one.endpoint.posts), one.count("received_total"), one.count("filtered_total")) == (1, 3, 2)

    def test_offsets_that_hold_no_record_do_not_stop_it(self) -> None:
        log = MemoryLog()
        log.topic(NAMES.events).skip(0, 5)
        publish(log, "a")
        log.topic(NAMES.events).skip(0, 3)
        publish(log, "a")
        one = member(log)
        one.source.assign(0)
        one.turn(5)
        assert one.committed == {0: 10}

    def test_a_commit_that_was_refused_is_made_again(self) -> None:
        log = MemoryLog()
        publish(log, "a")
        one = member(log)
        one.source.refuse_commits = 2
        one.source.assign(0)
        one.turn(8)
        assert one.committed == {0: 1}

    def test_while_a_commit_is_outstanding_no_other_is_begun(self) -> None:
        log = MemoryLog()
        begun: list[dict[int, int]] = []

        class Slow(MemorySource):
            """Its commits are never answered."""

            def commit(self, commits: dict[int, Commit]) -> None:
                begun.append({partition: commit.offset for partition, commit in commits.items()})

            def commit_outstanding(self) -> bool:
                return bool(begun)

        sources: list[Slow] = []

        def make(log: MemoryLog, loop: HttpSubscriptionLoop) -> Slow:
            sources.append(Slow(log, NAMES.events, loop))
            return sources[0]

        one = member(log, make_source=make)
        sources[0].assign(0)
        one.turn()
        for _ in range(5):
            publish(log, "a")
            one.turn()
        assert begun == [{0: 1}]


class TestDeadLetters:
    def test_an_undecodable_record_among_good_ones_is_a_dead_letter_and_stops_nothing(self) -> None:
        log = MemoryLog()
        publish(log, "a")
        publish_raw(log, b"a", b"nonsense")
        publish_raw(log, b"a", None)
        publish(log, "a")
        one = member(log)
        one.source.assign(0)
        one.turn_and_wait(10)
        assert [letter.value for letter in one.dead_letters] == [b"nonsense", None]
        told = [dict(letter.headers) for letter in one.dead_letters]
        assert [headers["dl_source_offset"] for headers in told] == [b"1", b"2"]
        assert [headers["dl_reason"] for headers in told] == [
            b"undecodable: neither single-object nor registry framing: begins with 6e6f",
            b"undecodable: a record without a value",
        ]
        assert (len(one.endpoint.posts), one.committed, one.buried) == (2, {0: 4}, 2)

    def test_a_failed_dead_letter_write_blocks_the_commit_and_its_own_key_and_is_tried_again(self) -> None:
        log = MemoryLog()
        publish(log, "a", "bad", "bad", "b", "b")
        one = member(log, in_turn(OK, NO), retry=RetrySchedule(gaps_s=()))
        one.transactions.fates.extend([Fate.ABORT] * 5)
        one.source.assign(0)
        one.turn_and_wait(10, 0.3)
        assert len(one.endpoint.posts) == 4
        assert (one.committed, list(note_of(log).settled_ranges(1))) == ({0: 1}, [(3, 5)])
        assert one.dead_letters == []
        one.turn_and_wait(10, 10.0)
        assert len(one.transactions.ran) == 6
        assert (len(one.endpoint.posts), len(one.dead_letters), one.committed) == (5, 1, {0: 5})

    def test_a_dead_letter_is_in_the_log_and_settled_or_neither(self) -> None:
        log = MemoryLog()
        publish_raw(log, b"a", b"nonsense")
        for fate in (Fate.DIE_BEFORE, Fate.DIE_AFTER, Fate.COMMIT):
            one = member(log)
            one.transactions.fates.append(fate)
            one.source.assign(0)
            with contextlib.suppress(ProcessDiedError):
                one.turn_and_wait(5)
            one.crash()
        assert (len(one.dead_letters), one.committed) == (1, {0: 1})

    def test_an_event_older_than_the_subscription_allows_is_a_dead_letter_without_an_attempt(self) -> None:
        log = MemoryLog()
        publish_raw(log, b"a", encode(job_event()), timestamp_ms=EPOCH_MS - 172_800_001)
        publish_raw(log, b"a", encode(job_event()), timestamp_ms=EPOCH_MS - 172_799_000)
        one = member(log)
        one.source.assign(0)
        one.turn(1)
        one.turn_and_wait(4, 0.1)
        (letter,) = one.dead_letters
        assert dict(letter.headers)["dl_reason"] == b"expired: older than max_age_s"
        assert len(one.endpoint.posts) == 1


class TestHeldKeys:
    def test_a_long_wait_stops_neither_other_keys_nor_the_commit_and_its_followers_are_delivered_after_it(self) -> None:
        log = MemoryLog()
        publish(log, "a", "a", "b", "a")
        one = member(log, in_turn(NO), retry=HELD_GAPS)
        one.source.assign(0)
        one.turn_and_wait(6)
        assert (one.committed, one.held_keys, len(one.endpoint.posts)) == ({0: 4}, 1, 2)
        publish(log, "a", "b")
        one.turn_and_wait(3)
        assert (one.committed, len(one.endpoint.posts)) == ({0: 6}, 3)
        one.turn_and_wait(20)
        assert (one.committed, one.held_keys, len(one.endpoint.posts)) == ({0: 6}, 0, 7)

    def test_exponential_decay_tries_177_times_in_86015_seconds(self) -> None:
        log = MemoryLog()
        publish(log, "a")
        one = member(log, in_turn(then=NO), retry=RetrySchedule(NotifyStrategy.EXPONENTIAL_DECAY_RETRY))
        one.source.assign(0)
        one.turn(2)
        times = []
        while not one.dead_letters:
            before = len(one.endpoint.posts)
            one.turn_and_wait(1)
            if len(one.endpoint.posts) > before:
                times.append(one.clock.monotonic_s())
        assert len(one.endpoint.posts) == 177
        assert 86_015 <= times[-1] <= 86_015 + 177 * 2
        headers = dict(one.dead_letters[0].headers)
        assert (headers["dl_attempts"], headers["dl_first_attempt_ms"]) == (b"177", b"%d" % EPOCH_MS)

    def test_a_restart_remembers_attempts_due_time_and_followers(self) -> None:
        log = MemoryLog()
        publish(log, "a", "a")
        one = member(log, in_turn(then=NO), retry=RetrySchedule(gaps_s=(10.0, 60.0)))
        one.source.assign(0)
        one.turn_and_wait(15)
        assert len(one.endpoint.posts) == 2
        one.crash()
        other = member(log, in_turn(then=OK), retry=HELD_GAPS, now_ms=one.clock.now_ms())
        other.source.assign(0)
        other.turn_and_wait(30)
        assert other.endpoint.posts == []
        other.turn_and_wait(40)
        assert (len(other.endpoint.posts), other.held_keys) == (2, 0)

    def test_what_was_read_again_after_a_restart_is_not_taken_for_more_followers(self) -> None:
        log = MemoryLog()
        publish(log, "slow", "a", "a")
        one = member(log, in_turn(None, NO), retry=HELD_GAPS)
        one.source.assign(0)
        one.turn_and_wait(4)
        assert (one.committed, one.held_keys) == ({0: 0}, 1)
        one.crash()
        other = member(log, retry=HELD_GAPS, now_ms=one.clock.now_ms())
        other.source.assign(0)
        other.turn_and_wait(30)
        assert (len(other.endpoint.posts), other.held_keys, other.committed) == (3, 0, {0: 3})

    def test_an_aborted_hold_is_not_counted_by_the_commits_that_follow(self) -> None:
        log = MemoryLog()
        publish(log, "a", "b")
        one = member(log, in_turn(NO), retry=HELD_GAPS)
        one.transactions.fates.append(Fate.ABORT)
        one.source.assign(0)
        one.turn_and_wait(3, 0.1)
        assert note_of(log).held_keys == 0
        one.crash()
        other = member(log, now_ms=one.clock.now_ms())
        other.source.assign(0)
        other.turn_and_wait(5)
        assert (other.committed, len(other.endpoint.posts)) == ({0: 2}, 1)

    def test_a_filtered_follower_that_a_restored_map_has_does_not_disturb_the_hold_of_its_key(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        log = MemoryLog()
        wanted = frozenset({"JOB_FAILED"})
        publish(log, "a")
        publish(log, "a", name="JOB_RUNNING")
        log.commit(NAMES.events, {0: Commit(0, write_note(CommitNote(runs=(1, 1))))})
        other = member(log, in_turn(NO), events=wanted, retry=HELD_GAPS)
        monkeypatch.setattr(other.source, "poll", one_at_a_time(other.source))
        other.source.assign(0)
        other.turn_and_wait(30, 0.5)
        assert (len(other.endpoint.posts), other.held_keys, other.committed) == (2, 0, {0: 2})

    def test_a_long_key_that_was_released_is_live_after_a_restart(self) -> None:
        log = MemoryLog()
        key = "a" * 2_000
        publish(log, key)
        one = member(log, in_turn(NO), retry=HELD_GAPS)
        one.source.assign(0)
        one.turn_and_wait(20)
        assert (one.held_keys, len(one.endpoint.posts)) == (0, 2)
        one.crash()
        other = member(log, now_ms=one.clock.now_ms())
        other.source.assign(0)
        other.turn_and_wait(5)
        assert (other.held_keys, other.endpoint.posts) == (0, [])

    def test_the_dead_letter_of_a_held_key_is_written_with_where_the_key_stands_then(self) -> None:
        log = MemoryLog()
        publish(log, "a", "a")
        one = member(log, in_turn(NO, NO, None), retry=HELD_GAPS)
        one.transactions.fates.extend([Fate.COMMIT, Fate.DIE_AFTER])
        one.source.assign(0)
        with pytest.raises(ProcessDiedError):
            one.turn_and_wait(30)
        one.crash()
        other = member(log, now_ms=one.clock.now_ms())
        other.source.assign(0)
        other.turn_and_wait(10)
        assert (len(other.dead_letters), len(other.endpoint.posts), other.held_keys) == (1, 1, 0)

    @pytest.mark.parametrize(
        ("harm", "reason"),
        [
            (lambda log: log.make_anew(NAMES.held), "the topic of held keys was made anew"),
            (lambda log: log.topic(NAMES.held).cut(0, 0), "the topic of held keys ends at 0, and was written to 0"),
            (
                lambda log: log.topic(NAMES.held).append(0, held_key(EVENTS, b"a"), None),
                "1 keys were held at the last commit, the topic of held keys knows 0",
            ),
        ],
    )
    def test_a_partition_whose_held_keys_are_not_what_was_committed_does_not_start_and_others_go_on(
        self, harm: Callable[[MemoryLog], object], reason: str
    ) -> None:
        log = MemoryLog(2)
        publish(log, "a", "a")
        publish(log, "c", partition=1)
        one = member(log, in_turn(then=NO), retry=HELD_GAPS)
        one.source.assign(0)
        one.turn_and_wait(8)
        before = one.committed[0], one.held_keys
        one.crash()
        harm(log)
        other = member(log)
        other.source.assign(0, 1)
        publish(log, "d", "a")
        other.turn_and_wait(5)
        assert before == (2, 1)
        assert dict(other.loop._restoring.unfit) == {0: reason}
        assert (other.committed, len(other.endpoint.posts), other.vital.ready) == ({0: 2, 1: 1}, 1, False)

    def test_a_record_of_the_held_topic_that_is_not_ours_is_passed_over(self) -> None:
        log = MemoryLog()
        for key, value in [(None, b"x"), (b"", None), (b"\x00\x01a", b"nonsense"), (b"\x01\x01a", None)]:
            log.topic(NAMES.held).append(0, key, value)
        publish(log, "a")
        one = member(log)
        one.source.assign(0)
        one.turn(4)
        assert (one.committed, one.held_keys) == ({0: 1}, 0)

    def test_bytes_of_what_is_released_are_counted_and_let_go(self) -> None:
        log = MemoryLog()
        publish(log, "a")
        one = member(log, in_turn(NO), retry=HELD_GAPS)
        one.source.assign(0)
        for _ in range(30):
            publish(log, "a")
            one.turn_and_wait(1)
        one.turn_and_wait(60)
        assert one.held_keys == 0
        assert one.loop._room.bytes == 0
        assert one.custody._waiting == {}


def one_at_a_time(source: MemorySource) -> Callable[[int, float], list[Record]]:
    """A poll that returns one record."""
    poll = source.poll
    return lambda limit, timeout_s: poll(min(1, limit), timeout_s)


class TestGate:
    def test_it_is_opened_by_joining_and_by_each_acknowledged_commit_counted_from_when_it_was_sent(self) -> None:
        log = MemoryLog()
        publish(log, "a")
        one = member(log, session_s=20.0)
        one.source.assign(0)
        one.turn()
        assert one.gate.is_open(19.9)
        assert not one.gate.is_open(20.0)
        one.turn()
        one.clock.advance(3)
        one.turn()
        assert one.gate.is_open(22.9)
        assert not one.gate.is_open(23.0)

    def test_unchanged_offsets_are_committed_for_it(self) -> None:
        log = MemoryLog()
        one = member(log, session_s=20.0)
        one.source.assign(0)
        one.turn(2)
        one.turn_and_wait(100)
        assert one.gate.is_open(one.clock.monotonic_s())
        assert one.committed == {0: 0}

    def test_shut_it_starts_no_attempt_and_opened_it_goes_on(self) -> None:
        log = MemoryLog()
        one = member(log, session_s=20.0)
        one.source.assign(0)
        one.turn(2)
        one.source.refuse_commits = 1_000
        one.turn_and_wait(30)
        publish(log, "a")
        one.turn_and_wait(5)
        assert one.endpoint.posts == []
        one.source.refuse_commits = 0
        one.turn_and_wait(10)
        assert (len(one.endpoint.posts), one.committed) == (1, {0: 1})


class TestRebalance:
    def test_what_is_settled_is_committed_before_a_partition_goes(self) -> None:
        log = MemoryLog(2)
        publish(log, "a", "b", partition=0)
        publish(log, "c", partition=1)
        one = member(log, in_turn(OK, then=None))
        one.source.assign(0, 1)
        one.turn(2)
        one.clock.turn()
        one.source.revoke(0)
        one.turn()
        assert one.committed[0] == 1
        assert one.source.assigned == {1}

    def test_what_ends_while_it_goes_is_committed_too(self) -> None:
        log = MemoryLog()
        publish(log, "a", "b")
        one = member(log, no_answer)
        one.source.assign(0)
        one.turn(2)
        first, _ = one.endpoint.out
        one.clock.call_later(0.0, lambda: first.end(OK))
        one.source.revoke(0)
        one.turn()
        assert one.committed == {0: 1}

    def test_what_was_out_is_not_committed_by_its_late_success_and_is_sent_again(self) -> None:
        log = MemoryLog()
        publish(log, "a")
        one, other = (member(log, no_answer) for _ in range(2))
        one.source.assign(0)
        one.turn(2)
        one.source.revoke(0)
        one.turn()
        other.source.assign(0)
        other.turn(2)
        one.endpoint.out[0].end(OK)
        one.turn(3)
        assert one.committed == {}
        assert other.endpoint.posts == one.endpoint.posts
        other.endpoint.out[0].end(OK)
        other.turn(3)
        assert one.committed == {0: 1}

    def test_of_a_lost_partition_nothing_is_committed(self) -> None:
        log = MemoryLog()
        publish(log, "a", "b")
        one = member(log, no_answer)
        one.source.assign(0)
        one.turn(2)
        one.source.lose(0)
        one.turn()
        one.endpoint.out[0].end(OK)
        one.turn(3)
        assert (one.committed, one.source.assigned) == ({}, set())

    def test_of_a_lost_partition_nothing_more_is_attempted(self) -> None:
        log = MemoryLog()
        publish(log, "a", "a")
        one = member(log, no_answer)
        one.source.assign(0)
        one.turn(2)
        one.source.lose(0)
        one.turn()
        one.endpoint.out[0].end(OK)
        one.turn(3)
        assert len(one.endpoint.posts) == 1

    def test_a_partition_that_comes_back_begins_where_it_was_committed(self) -> None:
        log = MemoryLog()
        publish(log, "a", "b")
        one = member(log, in_turn(OK, then=None))
        one.source.assign(0)
        one.turn(3)
        one.clock.turn()
        one.source.revoke(0)
        one.turn()
        one.endpoint.answer = in_turn()
        one.source.assign(0)
        one.turn(4)
        assert one.committed == {0: 2}
        assert [push.msg_id for push in one.endpoint.posts[1:]] == [one.endpoint.posts[1].msg_id] * 2

    def test_records_of_a_partition_that_went_in_the_same_poll_are_left_to_its_next_owner(self) -> None:
        log = MemoryLog()

        class GoneAtOnce(MemorySource):
            """Returns a record of a partition whose loss it told in the same call."""

            def poll(self, limit: int, timeout_s: float) -> list[Record]:
                records = super().poll(limit, timeout_s)
                if records:
                    self.lose(0)
                    super().poll(limit, 0.0)
                return records

        sources: list[GoneAtOnce] = []

        def make(log: MemoryLog, loop: HttpSubscriptionLoop) -> GoneAtOnce:
            sources.append(GoneAtOnce(log, NAMES.events, loop))
            return sources[0]

        one = member(log, make_source=make)
        sources[0].assign(0)
        publish(log, "a")
        one.turn(3)
        assert one.endpoint.posts == []

    def test_room_is_given_back_with_the_partition(self) -> None:
        log = MemoryLog(2)
        publish(log, *(f"a{number}" for number in range(MAX_EVENTS + 10)), partition=0)
        publish(log, "b", partition=1)
        one = member(log, no_answer)
        one.source.assign(0)
        one.turn_and_wait(MAX_EVENTS // BATCH + 3)
        assert paused(one)
        before = one.count("received_total")
        one.source.revoke(0)
        one.source.assign(1)
        one.turn(4)
        assert not paused(one)
        assert one.count("received_total") == before + 1


class TestBackPressure:
    def test_what_is_read_and_not_settled_stays_below_the_stated_number_of_events(self) -> None:
        partitions = MAX_EVENTS // MAX_UNSETTLED + 2
        log = MemoryLog(partitions)
        for partition in range(partitions):
            publish(log, *(f"job-{number}" for number in range(MAX_UNSETTLED + 1)), partition=partition)
        one = member(log, no_answer)
        one.source.assign(*range(partitions))
        one.turn_and_wait(20)
        assert paused(one)
        assert one.count("received_total") == MAX_EVENTS

    def test_and_that_of_one_partition_below_its_own_so_that_its_map_fits_while_others_go_on(self) -> None:
        log = MemoryLog(2)
        publish(log, *(f"job-{number}" for number in range(MAX_UNSETTLED + 2 * BATCH)))
        one = member(log, no_answer)
        one.source.assign(0, 1)
        one.turn_and_wait(20)
        assert one.source.paused == {0}
        assert one.count("received_total") < MAX_UNSETTLED + BATCH
        publish(log, "b", partition=1)
        before = one.count("received_total")
        one.turn(1)
        assert one.count("received_total") == before + 1

    def test_and_below_the_stated_number_of_bytes(self) -> None:
        log = MemoryLog()
        event = job_event()
        event.batch["Padding"] = "x" * 60_000
        value = encode(event)
        one = member(log, no_answer)
        one.source.assign(0)
        for number in range(2 * MAX_BYTES // len(value)):
            publish_raw(log, b"key %d" % number, value)
            one.turn()
        one.turn_and_wait(3)
        assert paused(one)
        assert one.count("received_total") * len(value) <= MAX_BYTES

    def test_when_room_comes_it_reads_on_to_the_end(self) -> None:
        log = MemoryLog()
        total = MAX_EVENTS + 10
        publish(log, *(f"job-{number}" for number in range(total)))
        one = member(log, no_answer)
        one.source.assign(0)
        one.turn_and_wait(20)
        assert paused(one)
        one.endpoint.answer = in_turn()
        while one.endpoint.out:
            one.endpoint.out[0].end(OK)
        one.clock.turn()
        for _ in range(20):
            one.turn()
            one.clock.turn()
        assert not paused(one)
        assert one.committed == {0: total}

    def test_bytes_that_were_settled_make_room(self) -> None:
        log = MemoryLog()
        event = job_event()
        event.batch["Padding"] = "x" * 60_000
        value = encode(event)
        one = member(log)
        one.source.assign(0)
        total = 3 * MAX_BYTES // len(value)
        for number in range(total):
            publish_raw(log, b"key %d" % number, value)
            one.turn()
        one.turn(2)
        assert one.committed == {0: total}

    def test_while_it_is_full_it_goes_on_serving_the_group(self) -> None:
        log = MemoryLog(2)
        publish(log, *(f"a{number}" for number in range(MAX_EVENTS + 10)))
        one = member(log, no_answer)
        one.source.assign(0)
        one.turn_and_wait(20)
        one.source.assign(1)
        one.turn(2)
        assert one.source.assigned == {0, 1}


class TestUnwanted:
    def test_each_is_counted_once_however_often_it_is_looked_at(self) -> None:
        log = MemoryLog()
        wanted = frozenset({"JOB_FAILED"})
        one = member(log, events=wanted)
        one.source.assign(0)
        one.turn(2)
        one.side.delivery.breaker.gone(one.clock.monotonic_s())
        publish(log, "a")
        publish(log, *(f"job-{number}" for number in range(30)), name="JOB_RUNNING")
        one.turn_and_wait(5)
        assert one.endpoint.posts == []
        assert one.count("filtered_total") == 30


class TestRefusedNotes:
    def test_a_broker_that_takes_less_metadata_is_told_less_until_it_takes_it(self) -> None:
        log = MemoryLog()
        publish(log, *(f"job-{number}" for number in range(300)))
        one = member(log, in_turn(OK, NO))
        one.source.assign(0)
        one.turn(4)
        lengths = []
        for _ in range(8):
            one.loop.on_committed(acknowledged=False, too_large=True)
            lengths.append(len(one.loop._custody.commit_of(0)[0].metadata))
        assert lengths == sorted(lengths, reverse=True)
        assert lengths[-1] == 0


class TestStop:
    def test_what_is_out_may_end_and_is_committed(self) -> None:
        log = MemoryLog()
        publish(log, "a", "b")
        one = member(log, no_answer)
        one.source.assign(0)
        one.turn(2)
        one.side.drain_takes_s = 1.0
        for attempt in one.endpoint.out:
            one.clock.call_later(0.5, lambda attempt=attempt: attempt.end(OK))  # type: ignore[misc]
        one.stop.request()
        one.loop.run()
        assert (one.committed, one.loop.abandoned) == ({0: 2}, 0)

    def test_what_does_not_end_in_time_is_cut_counted_and_not_committed(self) -> None:
        log = MemoryLog()
        publish(log, "a", "b", "c")
        one = member(log, in_turn(OK, then=None), grace_s=0.5)
        one.source.assign(0)
        one.turn(2)
        one.stop.request()
        one.loop.run()
        assert one.endpoint.out == []
        assert (one.committed, one.loop.abandoned) == ({0: 1}, 2)

    def test_what_waits_for_a_retry_is_held_and_goes_on_in_the_next_process(self) -> None:
        log = MemoryLog()
        publish(log, "a", "a")
        one = member(log, in_turn(then=NO), retry=RetrySchedule(gaps_s=(5.0, 5.0)))
        one.source.assign(0)
        one.turn(2)
        one.stop.request()
        one.loop.run()
        assert (one.committed, one.loop.abandoned, note_of(log).held_keys) == ({0: 2}, 0, 1)
        other = member(log, in_turn(NO), retry=RetrySchedule(gaps_s=(5.0, 5.0)))
        other.source.assign(0)
        other.turn_and_wait(15)
        assert (len(other.endpoint.posts), other.dead_letters, other.held_keys) == (3, [], 0)

    def test_a_dead_letter_that_could_not_be_written_is_counted_as_abandoned(self) -> None:
        log = MemoryLog()
        publish_raw(log, b"a", b"nonsense")
        one = member(log, grace_s=0.3)
        one.transactions.refuses = lambda _write: True
        one.source.assign(0)
        one.turn(2)
        one.stop.request()
        one.loop.run()
        assert (one.committed, one.loop.abandoned) == ({}, 1)

    def test_a_transaction_without_a_verdict_at_the_end_loses_nothing(self) -> None:
        log = MemoryLog()
        publish(log, "a", "a")
        one = member(log, in_turn(then=NO), grace_s=0.3, retry=HELD_GAPS)
        one.transactions.fates.extend([Fate.UNTOLD] * 1_000_000)
        one.source.assign(0)
        one.turn(2)
        one.stop.request()
        one.loop.run()
        assert one.loop.abandoned == 1
        other = member(log)
        other.source.assign(0)
        other.turn_and_wait(60)
        assert (len(other.endpoint.posts), other.committed, other.held_keys) == (2, {0: 2}, 0)

    def test_a_commit_refused_at_the_end_is_made_again_while_there_is_time(self) -> None:
        log = MemoryLog()
        publish(log, "a")
        one = member(log)
        one.source.assign(0)
        one.turn(2)
        one.clock.turn()
        one.source.refuse_commits = 3
        one.stop.request()
        one.loop.run()
        assert (one.committed, one.loop.abandoned) == ({0: 1}, 0)

    def test_without_time_to_commit_that_counts_as_abandoned(self) -> None:
        log = MemoryLog(2)
        publish(log, "a", partition=0)
        publish(log, "b", partition=1)
        one = member(log, grace_s=0.0)
        one.source.assign(0, 1)
        one.turn(2)
        one.clock.turn()
        one.source.refuse_commits = 1000
        one.stop.request()
        one.loop.run()
        assert one.loop.abandoned == 1

    def test_nothing_is_read_once_it_is_asked_to_stop(self) -> None:
        log = MemoryLog()
        publish(log, "a")
        one = member(log)
        one.source.assign(0)
        one.stop.request()
        one.loop.run()
        assert (one.endpoint.posts, one.committed, one.source.closed) == ([], {}, True)

    def test_the_group_is_left_also_when_the_source_fails(self) -> None:
        log = MemoryLog()

        class Failing(MemorySource):
            """Cannot go on."""

            def poll(self, limit: int, timeout_s: float) -> list[Record]:
                raise PipelineError(f"fenced ({limit}, {timeout_s})")

        sources: list[Failing] = []

        def make(log: MemoryLog, loop: HttpSubscriptionLoop) -> Failing:
            sources.append(Failing(log, NAMES.events, loop))
            return sources[0]

        one = member(log, make_source=make)
        with pytest.raises(PipelineError, match=r"^fenced"):
            one.loop.run()
        assert sources[0].closed


def test_each_turn_is_a_sign_of_life(monkeypatch: pytest.MonkeyPatch) -> None:
    turned: list[bool] = []
    one = member(MemoryLog())
    monkeypatch.setattr(one.vital, "turned", lambda: turned.append(True))
    one.turn(3)
    assert len(turned) == 3
