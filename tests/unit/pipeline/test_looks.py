"""Where an HTTP subscription stands, as its metrics tell it: lag, age, held keys, gap."""

from collections.abc import Iterator

import pytest

from adapters.memory import MemoryLog
from pipeline.commit_note import CommitNote, write_note
from pipeline.errors import TransactionFailedError
from pipeline.held_record import HeldState, held_key, read_record, write_state
from pipeline.looks import LOOK_EVERY_S
from pipeline.outcome import Outcome
from pipeline.ports import Batch, Commit, Push, Written
from pipeline.retry import RetrySchedule
from tests.unit.pipeline.loop_rig import NAMES, Member, no_waiting
from tests.unit.pipeline.records import encode, job_event
from tests.unit.pipeline.rig import EPOCH_MS, NO, OK, no_answer
from tests.unit.pipeline.test_run_loop import HELD_GAPS, member

HOUR_MS = 3_600_000
LOOKED_S = LOOK_EVERY_S + 0.5
OLDEST = "oldest_undelivered_seconds"


@pytest.fixture(autouse=True)
def _no_waiting() -> Iterator[None]:
    with no_waiting():
        yield


def publish(log: MemoryLog, job: str, at_ms: int) -> None:
    log.topic(NAMES.events).append(0, job.encode(), encode(job_event("JOB_FAILED", job)), timestamp_ms=at_ms)


def look(one: Member) -> None:
    """Turn until all is settled that can be, then once more when it is time to look; takes LOOKED_S."""
    one.turn(3)
    one.clock.advance(LOOKED_S - LOOK_EVERY_S)
    one.turn(3)
    one.clock.advance(LOOK_EVERY_S)
    one.turn(3)


def test_what_is_out_is_lag_has_its_publish_times_age_and_a_gap_behind_it() -> None:
    log = MemoryLog()
    for number, job in enumerate("abc"):
        publish(log, job, EPOCH_MS - 3_000 + number * 1_000)
    one = member(log, no_answer)
    one.source.assign(0)
    look(one)
    assert (one.count("lag"), one.count("outstanding"), one.count("ledger_gap")) == (3, 3, 0)
    assert one.count(OLDEST) == 3 + LOOKED_S
    one.endpoint.out[1].end(OK)
    look(one)
    assert (one.count("lag"), one.count("ledger_gap")) == (2, 1)
    assert one.count(OLDEST) == 3 + 2 * LOOKED_S
    one.endpoint.out[0].end(OK)
    look(one)
    assert (one.count("lag"), one.count("ledger_gap")) == (1, 0)
    assert one.count(OLDEST) == 1 + 3 * LOOKED_S
    one.endpoint.out[0].end(OK)
    look(one)
    assert (one.count("lag"), one.count(OLDEST), one.count("outstanding")) == (0, 0, 0)


def first_fails(log: MemoryLog) -> Member:
    seen: list[str] = []

    def answer(push: Push) -> Outcome:
        seen.append(push.msg_id)
        return NO if push.msg_id == seen[0] else OK

    return member(log, answer, retry=RetrySchedule(gaps_s=(10_000.0,)))


def test_a_held_key_is_no_lag_but_ages_from_its_events_publish() -> None:
    log = MemoryLog()
    publish(log, "a", EPOCH_MS - HOUR_MS)
    publish(log, "b", EPOCH_MS)
    one = first_fails(log)
    one.source.assign(0)
    look(one)
    assert (one.count("held_keys"), one.count("held_keys_fullest_partition")) == (1, 1)
    assert (one.count("lag"), one.count("outstanding")) == (0, 0)
    assert one.count(OLDEST) == 3600 + LOOKED_S
    assert one.count("oldest_unsettled_seconds") == 0
    publish(log, "a", EPOCH_MS)
    look(one)
    assert one.count("lag") == 0, "its follower is settled too"
    assert one.count(OLDEST) == 3600 + 2 * LOOKED_S


def test_a_restart_remembers_since_when_a_held_keys_event_waits() -> None:
    log = MemoryLog()
    publish(log, "a", EPOCH_MS - HOUR_MS)
    one = first_fails(log)
    one.source.assign(0)
    look(one)
    one.crash()
    other = member(log, no_answer, retry=HELD_GAPS)
    other.source.assign(0)
    look(other)
    assert other.count("held_keys") == 1
    assert other.count(OLDEST) == 3600 + LOOKED_S


def test_a_held_record_of_before_that_does_not_say_it_counts_from_its_first_attempt() -> None:
    log = MemoryLog()
    publish(log, "a", EPOCH_MS - HOUR_MS)
    one = first_fails(log)
    one.source.assign(0)
    look(one)
    one.crash()
    held = log.topic(NAMES.held)
    (record,) = (one for one in held.read(0, 0, 100) if one.value)
    _, _, state = read_record(record.key, record.value or b"")
    fields = [getattr(state, name) for name in HeldState.__struct_fields__]
    assert fields[-1] == EPOCH_MS - HOUR_MS
    held.append(0, held_key(NAMES.source, b"a"), write_state(HeldState(*fields[:-1])))
    other = member(log, no_answer, retry=HELD_GAPS)
    other.source.assign(0)
    look(other)
    assert other.count(OLDEST) == LOOKED_S
    other.clock.advance(10_000)
    look(other)
    assert len(other.endpoint.out) == 1
    assert other.count(OLDEST) == 3600 + 10_000 + 2 * LOOKED_S, "once it has been read again that is known"


def test_the_next_event_of_a_held_key_ages_from_its_own_publish_once_it_is_known() -> None:
    log = MemoryLog()
    publish(log, "a", EPOCH_MS - HOUR_MS)
    publish(log, "a", EPOCH_MS)
    answers = iter((NO, OK, NO))
    one = member(log, lambda _push: next(answers), retry=HELD_GAPS)
    one.source.assign(0)
    look(one)
    assert one.count(OLDEST) == 3600 + LOOKED_S
    one.turn_and_wait(12)
    look(one)
    assert len(one.endpoint.posts) == 3
    assert one.count("held_keys") == 1
    assert 12 < one.count(OLDEST) < 30


def test_a_follower_that_is_out_ages_from_its_own_publish() -> None:
    log = MemoryLog()
    publish(log, "a", EPOCH_MS - HOUR_MS)
    publish(log, "a", EPOCH_MS)
    answers = iter((NO, OK, None))
    one = member(log, lambda _push: next(answers), retry=HELD_GAPS)
    one.source.assign(0)
    one.turn_and_wait(12)
    look(one)
    assert (len(one.endpoint.posts), len(one.endpoint.out)) == (3, 1)
    assert 12 < one.count(OLDEST) < 30


def test_what_was_read_of_a_partition_before_it_may_start_is_still_to_be_delivered() -> None:
    log = MemoryLog()
    publish(log, "a", EPOCH_MS)
    publish(log, "b", EPOCH_MS)
    log.commit(NAMES.events, {0: Commit(0, write_note(CommitNote(held_keys=1)))})
    one = member(log)
    one.source.assign(0)
    one.turn(3)
    assert one.loop._restoring.unfit
    one.source.set_paused(set())
    one.loop._hand_over(one.source.poll(10, 0.0))
    look(one)
    look(one)
    assert (one.count("lag"), one.count("outstanding"), len(one.endpoint.posts)) == (2, 0, 0)
    assert one.count(OLDEST) >= LOOK_EVERY_S


def test_a_commit_that_is_acknowledged_is_young_however_much_comes_behind_it() -> None:
    log = MemoryLog()
    one = member(log)
    one.source.assign(0)
    for _ in range(10):
        publish(log, "a", EPOCH_MS)
        one.turn()
        assert one.count("commit_age_seconds") <= LOOK_EVERY_S
        one.clock.advance(LOOK_EVERY_S)


def test_beginning_again_after_a_transaction_without_a_verdict_is_no_rebalance() -> None:
    log = MemoryLog()
    publish(log, "a", EPOCH_MS)
    one = member(log, lambda _push: NO, retry=RetrySchedule(gaps_s=(10_000.0,)))
    run, untold = one.transactions.run, [True]

    def once_untold(batch: Batch, group_metadata: object) -> Written:
        if untold.pop() if untold else False:
            raise TransactionFailedError("no answer", unknown=True)
        return run(batch, group_metadata)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(one.transactions, "run", once_untold)
        one.source.assign(0)
        one.turn_and_wait(10)
    assert one.count("held_keys") == 1
    verdicts = {
        verdict: one.registry.get_sample_value(
            "batch_events_transactions_total", {"subscription": one.loop.name, "verdict": verdict}
        )
        for verdict in ("committed", "unknown", "aborted")
    }
    assert verdicts == {"committed": 1, "unknown": 1, "aborted": 0}
    labels = {"subscription": one.loop.name, "change": "lost"}
    assert one.registry.get_sample_value("batch_events_rebalances_total", labels) == 0


def test_what_lies_in_the_log_unread_is_lag_and_ages_though_nothing_of_it_is_known() -> None:
    log = MemoryLog()
    one = member(log, no_answer)
    one.source.assign(0)
    look(one)
    assert (one.count("lag"), one.count(OLDEST)) == (0, 0)
    publish(log, "a", EPOCH_MS)
    publish(log, "a", EPOCH_MS)
    one.source.set_paused({0})
    one.loop._source.poll(10, 0.0)
    one.clock.advance(LOOK_EVERY_S)
    one.loop._looks.look()
    assert (one.count("lag"), one.count("outstanding")) == (2, 0)
    assert one.count(OLDEST) > 0
    one.clock.advance(5)
    assert one.count(OLDEST) == 5


def test_commits_that_are_refused_age() -> None:
    log = MemoryLog()
    publish(log, "a", EPOCH_MS)
    one = member(log)
    one.source.assign(0)
    one.turn(3)
    one.source.refuse_commits = 1_000_000
    publish(log, "a", EPOCH_MS)
    look(one)
    one.turn_and_wait(6, 1.0)
    assert 6 <= one.count("commit_age_seconds") <= 8
    one.source.refuse_commits = 0
    one.turn_and_wait(3, 1.0)
    assert one.count("commit_age_seconds") == 0


def test_a_partition_that_goes_takes_its_figures_with_it() -> None:
    log = MemoryLog()
    publish(log, "a", EPOCH_MS - HOUR_MS)
    one = first_fails(log)
    one.source.assign(0)
    look(one)
    assert one.count("held_keys") == 1
    one.source.revoke(0)
    one.turn(3)
    assert (one.count("held_keys"), one.count("lag"), one.count(OLDEST)) == (0, 0, 0)
