"""What is known of an event -> one sentence: each verdict, and which of two counts."""

import msgspec
import pytest

from pipeline.held_record import EVENTS, REDRIVE
from pipeline.retry import RetrySchedule
from pipeline.subscription import HttpPolicy, OnExhausted, Protocol, Subscription
from pipeline.trace_record import ABANDONED, DEAD_LETTER, DELIVERED, FAILED, GONE, UNSENT, TraceEntry
from pipeline.verdict import Behind, Buried, Facts, Turn, verdict

NOW_MS = 1_767_323_045_000  # 2026-01-02T03:04:05Z
SOON = NOW_MS + 60_000
POLICY = HttpPolicy("http://h/", retry=RetrySchedule(), trace=True)
TRACED = Subscription("job-message", "billing", Protocol.HTTP, frozenset({"JOB_RUNNING"}), http=POLICY)
UNTRACED = msgspec.structs.replace(TRACED, http=msgspec.structs.replace(POLICY, trace=False))
DROPPING = msgspec.structs.replace(TRACED, http=msgspec.structs.replace(POLICY, on_exhausted=OnExhausted.DROP))
QUEUE = Subscription("job-message", "ops-queue", Protocol.QUEUE, queue_name="ops")

UNREAD = Facts(TRACED, 3, 41, "JOB_RUNNING", NOW_MS, committed=40)
SETTLED = msgspec.structs.replace(UNREAD, committed=42, settled=True, read=True)
HELD = msgspec.structs.replace(SETTLED, held=True)
LETTER = Buried("3:7", NOW_MS, "exhausted: status 503", 4)


def entry(outcome: str, attempt: int = 1, *, source: int = EVENTS, next_try_ms: int | None = None) -> TraceEntry:
    status = {DELIVERED: 200, FAILED: 503, DEAD_LETTER: 503}.get(outcome)
    reason = None if outcome == DELIVERED else "exhausted: status 503" if outcome == DEAD_LETTER else "a reason"
    return TraceEntry(NOW_MS, source, 3, 41, b"job-1", b"id", "77", attempt, outcome, status, reason, 1.0, next_try_ms)


def told(facts: Facts, *entries: TraceEntry, **more: object) -> str:
    return verdict(msgspec.structs.replace(facts, entries=entries, **more))


AT = "2026-01-02T03:04:05.000Z"
NEXT = "next try at 2026-01-02T03:05:05.000Z"
AGAIN = "`batch-events dead-letters redrive job-message/billing` sends it again"
BURIED = f"dead letter 3:7 since {AT}: exhausted: status 503, after 4 attempts"
FAILED_TWICE = (entry(FAILED, 1, next_try_ms=NOW_MS), entry(FAILED, 2, next_try_ms=SOON))


@pytest.mark.parametrize("facts", [UNREAD, SETTLED, HELD], ids=["unread", "settled", "held"])
def test_what_was_accepted_is_delivered_whatever_the_offsets_say_yet(facts: Facts) -> None:
    assert told(facts, *FAILED_TWICE, entry(DELIVERED, 3)) == f"delivered: attempt 3, status 200, at {AT}"


def test_the_first_acceptance_is_the_delivery_and_a_repetition_changes_nothing() -> None:
    again = entry(FAILED, 1, next_try_ms=SOON)
    assert told(UNREAD, entry(DELIVERED, 2), again).startswith("delivered: attempt 2")


def test_what_a_redrive_delivered_is_delivered_though_its_dead_letter_is_there() -> None:
    letter = msgspec.structs.replace(LETTER, redriven=True)
    assert told(SETTLED, entry(DELIVERED, source=REDRIVE), letter=letter) == (
        f"delivered after a redrive: attempt 1, status 200, at {AT}"
    )


@pytest.mark.parametrize("facts", [UNREAD, SETTLED, HELD], ids=["unread", "settled", "held"])
def test_a_dead_letter_is_told_with_where_when_and_why(facts: Facts) -> None:
    assert told(facts, *FAILED_TWICE, letter=LETTER) == f"{BURIED}; {AGAIN}"


def test_a_dead_letter_of_an_event_that_the_filter_leaves_out_by_now_is_a_dead_letter() -> None:
    assert told(SETTLED, name="JOB_FAILED", letter=LETTER) == f"{BURIED}; {AGAIN}"


def test_a_dead_letter_that_was_never_attempted_says_so() -> None:
    expired = Buried("3:7", NOW_MS, "expired: older than max_age_s", 0)
    assert "expired: older than max_age_s, never attempted;" in told(SETTLED, letter=expired)


def test_a_dead_letter_that_the_trace_alone_knows_is_gone_from_its_topic() -> None:
    assert told(SETTLED, entry(DEAD_LETTER)) == (
        f"dead letter since {AT}: exhausted: status 503; it is not in the dead-letter topic any more"
    )


@pytest.mark.parametrize(
    ("subscription", "entries", "after"),
    [
        (TRACED, (), "sent again by a redrive, no attempt of that is recorded yet"),
        (UNTRACED, (), "sent again by a redrive, whether it arrived then is not recorded"),
        (
            TRACED,
            (entry(FAILED, 2, source=REDRIVE, next_try_ms=SOON),),
            f"sent again by a redrive, and waits for its 2nd retry, {NEXT}",
        ),
    ],
)
def test_a_redriven_dead_letter_says_what_is_known_since(
    subscription: Subscription, entries: tuple[TraceEntry, ...], after: str
) -> None:
    letter = msgspec.structs.replace(LETTER, redriven=True)
    assert told(SETTLED, *entries, subscription=subscription, letter=letter) == f"{BURIED}; {after}"


@pytest.mark.parametrize("facts", [UNREAD, SETTLED, HELD], ids=["unread", "settled", "held"])
def test_an_event_that_the_filter_leaves_out_is_not_wanted_wherever_the_group_is(facts: Facts) -> None:
    assert told(facts, name="JOB_FAILED") == "not wanted: the `events` of job-message/billing leave out JOB_FAILED"


@pytest.mark.parametrize(
    ("attempts", "waits"),
    [
        (1, f"waits for its 1st retry, {NEXT}"),
        (2, f"waits for its 2nd retry, {NEXT}"),
        (3, f"waits for its 3rd retry, {NEXT}"),
        (11, f"waits for its 11th retry, {NEXT}"),
        (22, f"waits for its 22nd retry, {NEXT}"),
        (0, "waits for its turn, due at 2026-01-02T03:05:05.000Z"),
    ],
)
def test_the_next_event_of_a_held_key_waits_for_its_retry_or_its_turn(attempts: int, waits: str) -> None:
    assert told(HELD, turn=Turn(attempts, SOON)) == waits


def test_a_retry_that_is_long_overdue_asks_whether_anybody_tries() -> None:
    assert told(HELD, turn=Turn(1, NOW_MS - 60_001)).endswith("; that is over: does `run` run, and is it ready?")
    assert told(HELD, turn=Turn(1, NOW_MS - 59_999)).endswith("Z")


def test_a_follower_of_a_held_key_waits_behind_it_though_it_is_settled() -> None:
    behind = Behind("JOB_RUNNING at 3:40", 2, SOON)
    assert told(HELD, behind=behind) == (
        f"waits behind JOB_RUNNING at 3:40 of the same key, which waits for its 2nd retry, {NEXT}"
    )


def test_an_event_of_a_held_key_whose_next_one_is_not_known_waits_for_its_key() -> None:
    assert told(HELD) == "waits: its key is held, and its turn comes when those before it are done"


def test_what_a_queue_subscription_has_committed_is_in_the_queue() -> None:
    assert told(SETTLED, subscription=QUEUE) == "delivered: it went into the queue ops together with the group's commit"


def test_what_was_given_up_by_the_policy_is_told_so() -> None:
    last = entry(FAILED, 3)
    assert told(SETTLED, *FAILED_TWICE, last, subscription=DROPPING) == (
        f"given up at {AT}, as `on_exhausted: drop` says: after 3 attempts"
    )


@pytest.mark.parametrize(
    ("subscription", "parts"),
    [
        (UNTRACED, ["delivered, by what Kafka knows", "the subscription has no `trace: true`"]),
        (TRACED, ["delivered, by what Kafka knows", "it was not traced then, entries were dropped"]),
        (DROPPING, ["delivered or, by `on_exhausted: drop`, given up"]),
    ],
)
def test_what_is_settled_without_an_attempt_on_record_says_why_none_may_be(
    subscription: Subscription, parts: list[str]
) -> None:
    text = told(SETTLED, subscription=subscription)
    assert text.startswith("settled, and no dead letter: ")
    assert all(part in text for part in parts), text


@pytest.mark.parametrize(
    ("last", "waits"),
    [
        (entry(FAILED, 2, next_try_ms=SOON), f"waits for its 2nd retry, {NEXT}"),
        (entry(FAILED, 2), "its last attempt, 2, has failed; what follows from that is not committed yet"),
        (entry(GONE), "waits: the endpoint says 410, is left alone, and asked again every 5 minutes"),
        (entry(UNSENT), "waits: not sent for want of something of our own (a reason), and tried again within seconds"),
        (entry(ABANDONED), "waits: attempt 1 was cut short by a stop; `run` sends it again when it is back"),
    ],
)
def test_what_is_not_settled_waits_as_its_last_attempt_says(last: TraceEntry, waits: str) -> None:
    assert told(UNREAD, entry(FAILED, 1, next_try_ms=NOW_MS), last) == waits


def test_an_attempt_of_a_redrive_says_nothing_about_the_event_itself() -> None:
    assert told(UNREAD, entry(FAILED, source=REDRIVE, next_try_ms=SOON)).startswith("not read yet")


def test_what_is_in_memory_behind_another_waits_behind_it() -> None:
    known, unknown = Behind("JOB_RUNNING at 3:40", 1, SOON), Behind("JOB_RUNNING at 3:40")
    assert told(UNREAD, behind=known) == (
        f"waits behind JOB_RUNNING at 3:40 of the same key, which waits for its 1st retry, {NEXT}"
    )
    assert told(UNREAD, read=True, behind=unknown) == "waits behind JOB_RUNNING at 3:40 of the same key"
    assert told(UNREAD, behind=unknown) == (
        "not read yet: the group cmq.job-message.billing is at offset 40 of partition 3, 1 before it; "
        "JOB_RUNNING at 3:40 of the same key comes first"
    )


def test_what_was_read_and_is_not_settled_is_on_its_way() -> None:
    assert told(UNREAD, read=True) == (
        "read by the group cmq.job-message.billing and not settled: its attempt is out, or its turn comes"
    )


@pytest.mark.parametrize(
    ("committed", "rest"),
    [
        (None, "has no offset in partition 3; has it ever run?"),
        (11, "is at offset 11 of partition 3, 30 before it"),
        (41, "is at offset 41 of partition 3, which is this event: the next to be read or settled"),
    ],
)
def test_what_the_group_has_not_read_says_where_the_group_is(committed: int | None, rest: str) -> None:
    assert told(UNREAD, committed=committed) == f"not read yet: the group cmq.job-message.billing {rest}"


def test_a_record_that_is_no_event_has_a_verdict_too() -> None:
    letter = Buried("3:7", NOW_MS, "undecodable: too short", 0)
    assert "undecodable: too short, never attempted" in told(SETTLED, name=None, letter=letter)
    assert told(SETTLED, name=None).startswith("settled, and no dead letter")
