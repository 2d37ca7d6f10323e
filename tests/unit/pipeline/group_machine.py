"""Two processes of one group over one log, and what must hold whatever happens to them.

Shape   GroupMachine has a rule for everything that may happen: events, answers, time, failing transactions, crashes,
        rebalances. Hypothesis draws them (and shrinks), walk(seed, steps) draws many more of them in the same time
Bounds  small_bounds() makes the lists of held keys short, so that every way of finding a key's events again is taken
"""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from adapters.memory import Fate, ManualClock, MemoryAttempt, MemoryEndpoint, MemoryLog, ProcessDiedError
from pipeline import delivery, held
from pipeline.commit_note import read_note
from pipeline.held_record import held_key, read_record
from pipeline.outcome import Delivered, Outcome, Unsent
from pipeline.ports import Push
from pipeline.retry import RetrySchedule
from pipeline.subscription import BodyEncoding, Subscription
from schemas.cmq_message import parse_text
from schemas.cmq_push import ContentFormat
from schemas.events import BatchEvent, Family
from tests.unit.pipeline.loop_rig import NAMES, Member, no_waiting
from tests.unit.pipeline.records import encode, http_subscription
from tests.unit.pipeline.rig import EPOCH_MS, NO, OK, no_answer

UNSENT = Unsent("no file descriptor left")
PARTITIONS = (0, 1)
KEYS = (b"a", b"b", None, b"long" * 300)


def subscription_of(max_age_s: float) -> Subscription:
    return http_subscription(
        retry=RetrySchedule(gaps_s=(1.0, 20.0, 5.0)),
        concurrency=2,
        content_format=ContentFormat.SIMPLIFIED,
        body_encoding=BodyEncoding.PLAIN,
        events=frozenset({"JOB_FAILED"}),
        max_age_s=max_age_s,
    )


SUBSCRIPTION = subscription_of(172_800.0)
SHORT_LIVED = subscription_of(60.0)
"""Its events may become too old wherever they wait."""

Place = tuple[int, int]
"""Partition and offset."""

Lane = tuple[int, bytes | None]


@contextmanager
def small_bounds() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch, no_waiting():
        patch.setattr(held, "MAX_KNOWN", 3)
        patch.setattr(held, "MAX_WRITTEN", 2)
        patch.setattr(delivery, "LANE_SHARE", 4)
        yield


class WatchedEndpoint(MemoryEndpoint):
    """Tells when an attempt begins, and when it was answered with success."""

    def __init__(self, clock: ManualClock, machine: "GroupMachine") -> None:
        super().__init__(clock, no_answer, timeout_s=1e9)
        self._machine = machine

    def post(self, push: Push, on_outcome: Any) -> MemoryAttempt:
        place = place_of(push)
        self._machine.attempted(place)

        def watched(outcome: Outcome) -> None:
            if isinstance(outcome, Delivered):
                self._machine.done.add(place)
            on_outcome(outcome)

        return super().post(push, watched)


def place_of(push: Push) -> Place:
    (event,) = parse_text(push.body)
    return event.batch["Partition"], event.batch["Offset"]


class GroupMachine(RuleBasedStateMachine):
    """Two members; a partition belongs to one of them, or for a while to nobody."""

    subscription = SUBSCRIPTION

    @initialize()
    def begin(self) -> None:
        self.log = MemoryLog(len(PARTITIONS))
        self.now_s = 0.0
        self.events: dict[Place, tuple[Lane, bool]] = {}
        """Every record: its lane, and whether the subscription wants it."""
        self.done: set[Place] = set()
        """Answered with success."""
        self.closed: set[Place] = set()
        """Done, and in an acknowledged commit or transaction."""
        self.members = [self._member(), self._member()]
        self.owner: dict[int, int | None] = dict.fromkeys(PARTITIONS)

    def attempted(self, place: Place) -> None:
        """An attempt begins."""
        lane, wanted = self.events[place]
        assert wanted
        self.note_what_is_closed()
        assert place not in self.closed, f"{place} was delivered, in an acknowledged commit, and is attempted again"
        earlier = [other for other, (its_lane, _) in self.events.items() if its_lane == lane and other < place]
        waiting = [other for other in earlier if not self.settled(other)]
        assert not waiting, f"{place} is attempted before {waiting}"

    def settled(self, place: Place) -> bool:
        """Whether an event has reached the endpoint, its dead letters, or nobody who wanted it."""
        return not self.events[place][1] or place in self.done or place in self.buried()

    def buried(self) -> list[Place]:
        return [
            (record.partition, int(dict(record.headers)["dl_source_offset"] or -1))
            for record in self.members[0].dead_letters
        ]

    @rule(
        partition=st.sampled_from(PARTITIONS),
        key=st.sampled_from(KEYS),
        kinds=st.lists(st.sampled_from("wwwwwfu"), min_size=1, max_size=4),
    )
    def publish(self, partition: int, key: bytes | None, kinds: list[str]) -> None:
        topic = self.log.topic(NAMES.events)
        for kind in kinds:
            offset = topic.watermarks(partition)[1]
            name = "JOB_RUNNING" if kind == "f" else "JOB_FAILED"
            batch = {"JobId": "j", "JobName": "", "JobState": "S", "Partition": partition, "Offset": offset}
            event = BatchEvent(Family.JOB, name, "2018-06-15T14:43:17Z", "r", batch)
            value = b"nonsense" if kind == "u" else encode(event)
            topic.append(partition, key, value, timestamp_ms=EPOCH_MS + round(self.now_s * 1000))
            self.events[partition, offset] = (partition, key), kind != "f"

    @rule(partition=st.sampled_from(PARTITIONS))
    def leave_a_gap(self, partition: int) -> None:
        self.log.topic(NAMES.events).skip(partition)

    @rule(index=st.sampled_from([0, 1]), times=st.integers(1, 3), seconds=st.sampled_from([0.0, 0.06, 0.3]))
    def turn(self, index: int, times: int, seconds: float) -> None:
        for _ in range(times):
            self._turn(index)
            self.pass_time(seconds)

    @rule(seconds=st.sampled_from([1.0, 5.0, 20.0]))
    def pass_time(self, seconds: float) -> None:
        self.now_s += seconds
        for member in self.members:
            member.clock.advance(seconds)

    @precondition(lambda self: any(member.endpoint.out for member in self.members))
    @rule(data=st.data(), outcome=st.sampled_from([OK, OK, NO, NO, UNSENT]))
    def answer(self, data: st.DataObject, outcome: Outcome) -> None:
        attempt = data.draw(st.sampled_from([attempt for member in self.members for attempt in member.endpoint.out]))
        attempt.end(outcome)

    @rule(outcome=st.sampled_from([OK, NO]))
    def answer_all(self, outcome: Outcome) -> None:
        for member in self.members:
            for attempt in list(member.endpoint.out):
                attempt.end(outcome)

    @rule(index=st.sampled_from([0, 1]), fates=st.lists(st.sampled_from([Fate.ABORT, Fate.COMMIT]), max_size=3))
    def let_transactions_fail(self, index: int, fates: list[Fate]) -> None:
        self.members[index].transactions.fates.extend(fates)

    @rule(index=st.sampled_from([0, 1]), fate=st.sampled_from([Fate.DIE_BEFORE, Fate.DIE_AFTER]))
    def let_it_die_in_a_transaction(self, index: int, fate: Fate) -> None:
        self.members[index].transactions.fates.append(fate)

    @rule(index=st.sampled_from([0, 1]), reader=st.booleans(), held_reader=st.booleans())
    def let_readers_stand_still(self, index: int, *, reader: bool, held_reader: bool) -> None:
        self.members[index].log_reader.stands_still = reader
        self.members[index].held_reader.stands_still = held_reader

    @rule(index=st.sampled_from([0, 1]), arrives=st.booleans(), accepted=st.booleans())
    def crash(self, index: int, *, arrives: bool, accepted: bool) -> None:
        """What was out at that moment may have reached the endpoint or not."""
        member = self.members[index]
        if accepted:
            self.done |= {place_of(attempt.push) for attempt in member.endpoint.out}
        member.crash(commit_arrives=arrives)
        self.members[index] = self._member()
        self.owner = {part: None if owner == index else owner for part, owner in self.owner.items()}

    @rule(partition=st.sampled_from(PARTITIONS), to=st.sampled_from([0, 1, None]), orderly=st.booleans())
    def rebalance(self, partition: int, to: int | None, *, orderly: bool) -> None:
        before = self.owner[partition]
        if before is not None:
            source = self.members[before].source
            (source.revoke if orderly else source.lose)(partition)
            self.owner[partition] = None
            self._turn(before)
            if self.members[before].source is source and partition in source.assigned:
                self._turn(before)
        if to is not None:
            self.owner[partition] = to
            self.members[to].source.assign(partition)
            self._turn(to)

    @rule(index=st.sampled_from([0, 1]), stands=st.booleans())
    def refuse_a_commit(self, index: int, *, stands: bool) -> None:
        if stands:
            self.members[index].source.lose_answers = 1
        else:
            self.members[index].source.refuse_commits = 1

    @invariant()
    def nothing_is_buried_twice(self) -> None:
        if hasattr(self, "events"):
            buried = self.buried()
            assert len(buried) == len(set(buried))

    @invariant()
    def nothing_is_committed_that_is_neither_settled_nor_held(self) -> None:
        if hasattr(self, "events"):
            self.note_what_is_closed()
            for place in self.events:
                assert not self._committed(place) or self._held(place) or self.settled(place), place

    def note_what_is_closed(self) -> None:
        self.closed |= {place for place in self.done - self.closed if self._committed(place) and not self._held(place)}

    def teardown(self) -> None:
        """In the end everything works, and then everything has arrived, no key is held, and all of it is committed."""
        if not hasattr(self, "members"):
            return
        for index, member in enumerate(self.members):
            member.transactions.fates.clear()
            self.let_readers_stand_still(index, reader=False, held_reader=False)
            member.endpoint.answer = lambda _push: OK
            for attempt in list(member.endpoint.out):
                attempt.end(NO)
        for partition, owner in self.owner.items():
            if owner is None:
                self.owner[partition] = 0
                self.members[0].source.assign(partition)
        for _ in range(600):
            if self._all_is_quiet():
                break
            for index in (0, 1):
                self._turn(index)
            self.pass_time(1.0)
            self.nothing_is_committed_that_is_neither_settled_nor_held()
        assert [place for place in self.events if not self.settled(place)] == []
        assert [place for place in self.events if not self._committed(place)] == []
        assert [member.held_keys for member in self.members] == [0, 0]
        assert [place for place in self.events if self._held(place)] == []

    def _all_is_quiet(self) -> bool:
        return all(self._committed(place) and not self._held(place) for place in self.events) and not any(
            member.held_keys for member in self.members
        )

    def _member(self) -> Member:
        clock = ManualClock(EPOCH_MS + round(self.now_s * 1000))
        member = Member(self.subscription, self.log, clock, WatchedEndpoint(clock, self))
        member.log_reader.answers = 1
        member.held_reader.records = 2
        return member

    def _turn(self, index: int) -> None:
        try:
            self.members[index].turn()
        except ProcessDiedError:
            self.crash(index, arrives=False, accepted=False)

    def _committed(self, place: Place) -> bool:
        commit = self.log.commits.get(NAMES.events, {}).get(place[0])
        if commit is None:
            return False
        note = read_note(commit.metadata)
        assert note is not None
        ranges = note.settled_ranges(commit.offset)
        return place[1] < commit.offset or any(first <= place[1] < end for first, end in ranges)

    def _held(self, place: Place) -> bool:
        """Whether the last record of the event's key says that it, or all from an earlier one on, is held."""
        partition, offset = place
        wanted = held_key(NAMES.source, self.events[place][0][1])
        records = self.log.topic(NAMES.held).read(partition, 0, 1_000_000)
        last = next((record for record in reversed(records) if record.key == wanted), None)
        if last is None or last.value is None:
            return False
        return read_record(last.key, last.value)[2].frontier <= offset


class _Drawn:
    """Stands in for hypothesis' data: draws from a list."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance

    def draw(self, strategy: Any) -> Any:
        return self._chance.choice(list(strategy.elements))


def walk(seed: int, steps: int) -> None:
    """A machine's life, drawn by weights that keep it busy."""
    chance = random.Random(seed)  # noqa: S311  no secret
    machine = GroupMachine()
    machine.subscription = chance.choice([SUBSCRIPTION, SHORT_LIVED])
    machine.begin()
    for partition in PARTITIONS:
        machine.rebalance(partition, chance.choice([0, 1]), orderly=True)
    for _ in range(steps):
        (happens,) = chance.choices(list(_HAPPENS), list(_HAPPENS.values()))
        happens(machine, chance)
        machine.nothing_is_buried_twice()
        machine.nothing_is_committed_that_is_neither_settled_nor_held()
    machine.teardown()


def _flip(chance: random.Random) -> bool:
    return chance.random() < 0.5


def _index(chance: random.Random) -> int:
    return chance.choice([0, 1])


def _answer(machine: GroupMachine, chance: random.Random) -> None:
    if any(member.endpoint.out for member in machine.members):
        machine.answer(_Drawn(chance), chance.choice([OK, OK, OK, NO, NO, UNSENT]))


_HAPPENS: dict[Callable[[GroupMachine, random.Random], None], int] = {
    lambda m, c: m.publish(c.choice(PARTITIONS), c.choice(KEYS), c.choices("wwwwwfu", k=c.randint(1, 4))): 14,
    lambda m, c: m.turn(_index(c), c.randint(1, 3), c.choice([0.0, 0.06, 0.3])): 40,
    lambda m, c: m.pass_time(c.choice([1.0, 5.0, 20.0])): 8,
    _answer: 20,
    lambda m, c: m.answer_all(c.choice([OK, NO])): 4,
    lambda m, c: m.let_transactions_fail(_index(c), c.choices([Fate.ABORT, Fate.COMMIT], k=c.randint(0, 3))): 3,
    lambda m, c: m.let_it_die_in_a_transaction(_index(c), c.choice([Fate.DIE_BEFORE, Fate.DIE_AFTER])): 2,
    lambda m, c: m.let_readers_stand_still(_index(c), reader=_flip(c), held_reader=c.random() < 0.3): 2,
    lambda m, c: m.crash(_index(c), arrives=_flip(c), accepted=_flip(c)): 2,
    lambda m, c: m.rebalance(c.choice(PARTITIONS), c.choice([0, 1, 0, 1, None]), orderly=_flip(c)): 5,
    lambda m, c: m.refuse_a_commit(_index(c), stands=_flip(c)): 2,
    lambda m, c: m.leave_a_gap(c.choice(PARTITIONS)): 1,
}
