"""Why an event did not arrive, or that it did: what is known of it -> one sentence.

Shape   verdict(facts) -> text. Facts are of one event and one subscription; others gather them
Order   of two things that are both true the later one counts: delivered, dead letter, not wanted, held, settled, then
        what has not been settled. Facts are gathered in the opposite order, so that what moves meanwhile is seen
Words   settled: the group will not read it again. A follower of a held key is settled and waits all the same
Bounds  no I/O, no clock
"""

from collections.abc import Iterator
from datetime import UTC, datetime

import msgspec

from pipeline.held_record import EVENTS, REDRIVE
from pipeline.subscription import OnExhausted, Subscription
from pipeline.topics import subscription_group
from pipeline.trace_record import ABANDONED, DEAD_LETTER, DELIVERED, FAILED, GONE, UNSENT, TraceEntry

LATE_MS = 60_000
"""A try that was due so long ago says that nobody tries."""


class Buried(msgspec.Struct, frozen=True):
    """An event's latest dead letter.

    Attributes:
        where: partition and offset in the dead-letter topic.
        redriven: it was sent again since.
    """

    where: str
    time_ms: int
    reason: str
    attempts: int
    redriven: bool = False


class Behind(msgspec.Struct, frozen=True):
    """An earlier event of the same key, which comes first.

    Attributes:
        what: its name and where it is.
        attempts: that have failed so far, as far as is known.
        due_ms: when it is tried again, if that is known.
    """

    what: str
    attempts: int = 0
    due_ms: int | None = None


class Turn(msgspec.Struct, frozen=True):
    """An event that is the next one of a held key: so many attempts have failed, and when it is due."""

    attempts: int
    due_ms: int


class Facts(msgspec.Struct, frozen=True):
    """What is known of an event.

    Attributes:
        name: of the event; None if the record is none that we can read.
        entries: of the trace, oldest first.
        committed: the group's offset in the partition; None if it has none.
        settled: the group will not read it again.
        read: the group has read beyond it.
        held: its key is held, and it is at or after the key's next event.
        turn: it is that next event.
        behind: what comes before it, of what is known.
        letter: its latest dead letter.
        filtered: the subscription's filter tags or binding keys leave it out.
    """

    subscription: Subscription
    partition: int
    offset: int
    name: str | None
    now_ms: int
    entries: tuple[TraceEntry, ...] = ()
    committed: int | None = None
    settled: bool = False
    read: bool = False
    held: bool = False
    turn: Turn | None = None
    behind: Behind | None = None
    letter: Buried | None = None
    filtered: bool = False

    @property
    def traced(self) -> bool:
        """Whether the subscription's attempts are recorded now."""
        return self.subscription.http is not None and self.subscription.http.trace

    def attempts(self, source: int) -> list[TraceEntry]:
        """The attempts of an input."""
        return [entry for entry in self.entries if entry.source == source and entry.outcome != DEAD_LETTER]


def verdict(facts: Facts) -> str:
    """What became of the event, or what it waits for."""
    return next(text for text in _verdicts(facts) if text is not None)


def _verdicts(facts: Facts) -> Iterator[str | None]:
    yield _delivered(facts)
    yield _buried(facts)
    yield _unwanted(facts)
    yield _held(facts)
    yield _settled(facts)
    yield _last_attempt(facts)
    yield _behind(facts)
    yield _not_read(facts)


def _delivered(facts: Facts) -> str | None:
    entry = next((entry for entry in facts.entries if entry.outcome == DELIVERED), None)
    if entry is None:
        return None
    after = " after a redrive" if entry.source == REDRIVE else ""
    return f"delivered{after}: attempt {entry.attempt}, status {entry.status}, at {shown_time(entry.time_ms)}"


def _buried(facts: Facts) -> str | None:
    letter = facts.letter
    if letter is None:
        written = next((entry for entry in facts.entries if entry.outcome == DEAD_LETTER), None)
        if written is None:
            return None
        since = shown_time(written.time_ms)
        return f"dead letter since {since}: {written.reason}; it is not in the dead-letter topic any more"
    told = f"dead letter {letter.where} since {shown_time(letter.time_ms)}: {letter.reason}, {_tried(letter.attempts)}"
    if not letter.redriven:
        return f"{told}; `batch-events dead-letters redrive {facts.subscription.label}` sends it again"
    again = facts.attempts(REDRIVE)
    if again and (waits := _waits_for(facts, again[-1])) is not None:
        return f"{told}; sent again by a redrive, and {waits}"
    unknown = "no attempt of that is recorded yet" if facts.traced else "whether it arrived then is not recorded"
    return f"{told}; sent again by a redrive, {unknown}"


def _unwanted(facts: Facts) -> str | None:
    if facts.filtered:
        return f"not wanted: the filter tags or binding keys of {facts.subscription.label} leave it out"
    if facts.name is None or facts.subscription.wants(facts.name):
        return None
    return f"not wanted: the `events` of {facts.subscription.label} leave out {facts.name}"


def _held(facts: Facts) -> str | None:
    if not facts.held:
        return None
    if facts.turn is not None:
        return _waits(facts.turn.attempts, facts.turn.due_ms, facts.now_ms)
    if facts.behind is not None:
        return _waits_behind(facts.behind, facts.now_ms)
    return "waits: its key is held, and its turn comes when those before it are done"


def _settled(facts: Facts) -> str | None:
    if not facts.settled:
        return None
    one = facts.subscription
    if one.http is None:
        return f"delivered: it went into the queue {one.queue_name} together with the group's commit"
    drops = one.http.on_exhausted is OnExhausted.DROP
    attempts = facts.attempts(EVENTS)
    if attempts and attempts[-1].outcome == FAILED and attempts[-1].next_try_ms is None and drops:
        last = attempts[-1]
        return f"given up at {shown_time(last.time_ms)}, as `on_exhausted: drop` says: {_tried(last.attempt)}"
    either = "delivered or, by `on_exhausted: drop`, given up" if drops else "delivered"
    why = (
        "it was not traced then, entries were dropped, or the subscription began behind it"
        if facts.traced
        else "the subscription has no `trace: true`"
    )
    return f"settled, and no dead letter: {either}, by what Kafka knows; no attempt says so, because {why}"


def _last_attempt(facts: Facts) -> str | None:
    attempts = facts.attempts(EVENTS)
    return _waits_for(facts, attempts[-1]) if attempts else None


def _waits_for(facts: Facts, last: TraceEntry) -> str | None:
    """What comes after this attempt, as long as nothing else is known."""
    match last.outcome:
        case outcome if outcome == FAILED and last.next_try_ms is not None:
            return _waits(last.attempt, last.next_try_ms, facts.now_ms)
        case outcome if outcome == FAILED:
            return f"its last attempt, {last.attempt}, has failed; what follows from that is not committed yet"
        case outcome if outcome == GONE:
            return "waits: the endpoint says 410, is left alone, and asked again every 5 minutes"
        case outcome if outcome == UNSENT:
            return f"waits: not sent for want of something of our own ({last.reason}), and tried again within seconds"
        case outcome if outcome == ABANDONED:
            return f"waits: attempt {last.attempt} was cut short by a stop; `run` sends it again when it is back"
        case _:
            return None


def _behind(facts: Facts) -> str | None:
    behind = facts.behind
    if behind is None or not (facts.read or behind.attempts):
        return None
    return _waits_behind(behind, facts.now_ms)


def _not_read(facts: Facts) -> str:
    group = subscription_group(facts.subscription.topic_name, facts.subscription.name)
    if facts.read:
        return f"read by the group {group} and not settled: its attempt is out, or its turn comes"
    if facts.committed is None:
        return f"not read yet: the group {group} has no offset in partition {facts.partition}; has it ever run?"
    before = facts.offset - facts.committed
    far = f"{before} before it" if before else "which is this event: the next to be read or settled"
    after = f"; {facts.behind.what} of the same key comes first" if facts.behind is not None else ""
    return (
        f"not read yet: the group {group} is at offset {facts.committed} of partition {facts.partition}, {far}{after}"
    )


def _waits_behind(behind: Behind, now_ms: int) -> str:
    its = "" if behind.due_ms is None else f", which {_waits(behind.attempts, behind.due_ms, now_ms)}"
    return f"waits behind {behind.what} of the same key{its}"


def _waits(attempts: int, due_ms: int, now_ms: int) -> str:
    late = "; that is over: does `run` run, and is it ready?" if now_ms - due_ms > LATE_MS else ""
    if not attempts:
        return f"waits for its turn, due at {shown_time(due_ms)}{late}"
    return f"waits for its {_ordinal(attempts)} retry, next try at {shown_time(due_ms)}{late}"


def _tried(attempts: int) -> str:
    return f"after {attempts} attempt{'s' if attempts > 1 else ''}" if attempts else "never attempted"


def _ordinal(number: int) -> str:
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{'th' if number % 100 in {11, 12, 13} else ending}"


def shown_time(time_ms: int) -> str:
    """In UTC, to the millisecond."""
    moment = datetime.fromtimestamp(time_ms / 1000, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
