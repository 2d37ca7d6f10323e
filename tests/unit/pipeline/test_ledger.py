"""Offsets settled in any order: what a commit says, what is restored from it, and what a late result may not do."""

import random

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from pipeline.commit_note import MAX_BYTES, CommitNote, read_note, write_note
from pipeline.errors import LedgerError
from pipeline.ledger import OffsetLedger, Snapshot


def ledger_with(*offsets: int, start: int = 0) -> tuple[OffsetLedger, int]:
    """A ledger of partition 0 that has received these offsets, and the number of the assignment."""
    ledger = OffsetLedger()
    assignment = ledger.assign(0, start)
    for offset in offsets:
        ledger.received(0, offset)
    return ledger, assignment


def settled_ranges(snapshot: Snapshot) -> list[tuple[int, int]]:
    return list(CommitNote(runs=snapshot.runs).settled_ranges(snapshot.offset))


def test_nothing_has_changed_before_something_is_settled() -> None:
    ledger, _ = ledger_with(5, 6, start=5)
    assert ledger.changed() == []
    assert ledger.snapshot(0) == Snapshot(5, (), 0)


def test_what_is_settled_behind_a_gap_is_in_the_map_until_the_gap_is_closed() -> None:
    ledger, assignment = ledger_with(0, 1, 2, 3)
    ledger.settle(0, assignment, 3)
    ledger.settle(0, assignment, 1)
    assert (ledger.snapshot(0).offset, settled_ranges(ledger.snapshot(0))) == (0, [(1, 2), (3, 4)])
    ledger.settle(0, assignment, 0)
    assert (ledger.snapshot(0).offset, settled_ranges(ledger.snapshot(0))) == (2, [(3, 4)])
    ledger.settle(0, assignment, 2)
    assert (ledger.snapshot(0).offset, ledger.snapshot(0).runs) == (4, ())


def test_offsets_that_kafka_skips_are_not_waited_for() -> None:
    ledger, assignment = ledger_with(3, 7, 20)
    assert ledger.snapshot(0).offset == 3
    ledger.settle(0, assignment, 3)
    assert ledger.snapshot(0).offset == 7
    ledger.settle(0, assignment, 7)
    ledger.settle(0, assignment, 20)
    assert ledger.snapshot(0).offset == 21


def test_what_else_would_be_settled_may_be_asked_without_settling_it() -> None:
    ledger, _ = ledger_with(0, 1, 2)
    assert ledger.snapshot(0, {0, 2}) == Snapshot(1, (1, 1), 0)
    assert ledger.snapshot(0) == Snapshot(0, (), 0)


def test_the_oldest_is_the_earliest_published_of_what_is_not_settled_in_any_partition() -> None:
    ledger = OffsetLedger()
    first, second = ledger.assign(0, 0), ledger.assign(1, 0)
    assert ledger.oldest_ms() is None
    for partition, offset, published_ms in ((0, 0, 70), (0, 1, 50), (0, 2, 60), (1, 0, 55)):
        ledger.received(partition, offset, published_ms)
    assert ledger.oldest_ms() == 50
    ledger.settle(0, first, 1)
    assert ledger.oldest_ms() == 55
    ledger.settle(1, second, 0)
    assert ledger.oldest_ms() == 60
    ledger.revoke(0)
    assert ledger.oldest_ms() is None


def test_the_gap_counts_what_is_settled_beyond_the_first_unsettled_one_also_what_was_restored() -> None:
    ledger = OffsetLedger()
    assignment = ledger.assign(0, 0, [(2, 4), (10, 15)])
    assert ledger.gap() == 0
    fresh = [offset for offset in range(6) if ledger.received(0, offset)]
    assert fresh == [0, 1, 4, 5]
    assert ledger.gap() == 2 + 5
    ledger.settle(0, assignment, 4)
    assert ledger.gap() == 3 + 5
    ledger.settle(0, assignment, 0)
    ledger.settle(0, assignment, 1)
    assert ledger.gap() == 5, "of 5 alone is waited for"
    ledger.settle(0, assignment, 5)
    assert ledger.gap() == 0


def test_what_was_acknowledged_is_unchanged_until_something_more_is_settled() -> None:
    ledger, assignment = ledger_with(0, 1)
    ledger.settle(0, assignment, 0)
    snapshot = ledger.snapshot(0)
    ledger.committed(0, assignment, snapshot.version)
    assert ledger.changed() == []
    ledger.settle(0, assignment, 1)
    assert ledger.changed() == [0]


def test_what_was_settled_after_the_snapshot_is_still_to_be_committed() -> None:
    ledger, assignment = ledger_with(0, 1)
    ledger.settle(0, assignment, 0)
    snapshot = ledger.snapshot(0)
    ledger.settle(0, assignment, 1)
    ledger.committed(0, assignment, snapshot.version)
    assert ledger.changed() == [0]


def test_an_older_acknowledgement_does_not_undo_a_newer_one() -> None:
    ledger, assignment = ledger_with(0, 1)
    ledger.settle(0, assignment, 0)
    older = ledger.snapshot(0).version
    ledger.settle(0, assignment, 1)
    ledger.committed(0, assignment, ledger.snapshot(0).version)
    ledger.committed(0, assignment, older)
    assert ledger.changed() == []


def test_an_acknowledgement_for_a_partition_that_is_gone_changes_nothing() -> None:
    ledger, assignment = ledger_with(0)
    ledger.revoke(0)
    ledger.committed(0, assignment, 1)
    assert (ledger.changed(), ledger.assignment(0)) == ([], None)


def test_an_acknowledgement_of_an_earlier_assignment_commits_nothing_of_the_next() -> None:
    ledger, before = ledger_with(0, 1)
    ledger.settle(0, before, 0)
    version = ledger.snapshot(0).version
    now = ledger.assign(0, 0)
    ledger.received(0, 0)
    ledger.settle(0, now, 0)
    ledger.committed(0, before, version)
    assert ledger.changed() == [0]


def test_a_late_result_of_an_earlier_assignment_changes_nothing() -> None:
    ledger, before = ledger_with(0, 1)
    ledger.revoke(0)
    assert not ledger.settle(0, before, 0)
    now = ledger.assign(0, 0)
    ledger.received(0, 0)
    assert now != before
    assert not ledger.settle(0, before, 0)
    assert (ledger.changed(), ledger.outstanding(), ledger.outstanding(0)) == ([], 1, 1)
    assert ledger.settle(0, now, 0)
    assert ledger.changed() == [0]


def test_assigned_again_without_a_revocation_the_earlier_assignment_is_over() -> None:
    ledger, before = ledger_with(0, 1)
    ledger.assign(0, 1)
    assert not ledger.settle(0, before, 1)
    assert ledger.outstanding() == 0


class TestRestored:
    def test_what_the_map_has_as_settled_is_not_received_again(self) -> None:
        ledger = OffsetLedger()
        ledger.assign(0, 3, [(5, 7), (9, 10)])
        assert [ledger.received(0, offset) for offset in range(3, 11)] == [
            True,
            True,
            False,
            False,
            True,
            True,
            False,
            True,
        ]

    def test_it_stays_in_the_map_until_the_commit_has_passed_it(self) -> None:
        ledger = OffsetLedger()
        assignment = ledger.assign(0, 3, [(5, 7), (9, 10)])
        ledger.received(0, 3)
        assert settled_ranges(ledger.snapshot(0)) == [(5, 7), (9, 10)]
        ledger.received(0, 4)
        ledger.received(0, 5)
        ledger.settle(0, assignment, 3)
        assert (ledger.snapshot(0).offset, settled_ranges(ledger.snapshot(0))) == (4, [(5, 7), (9, 10)])

    def test_a_gap_in_the_log_may_step_over_a_part_of_it(self) -> None:
        ledger = OffsetLedger()
        ledger.assign(0, 0, [(2, 4), (6, 8)])
        assert not ledger.received(0, 7)
        assert ledger.received(0, 8)
        assert ledger.snapshot(0).offset == 8


class TestMistakesOfOurs:
    def test_an_offset_that_goes_back_is_refused(self) -> None:
        ledger, _ = ledger_with(4)
        for offset in (4, 3):
            with pytest.raises(LedgerError, match=f"^partition 0: offset {offset} received after 4$"):
                ledger.received(0, offset)

    def test_an_offset_before_the_start_is_refused(self) -> None:
        ledger, _ = ledger_with(start=5)
        with pytest.raises(LedgerError):
            ledger.received(0, 4)

    @pytest.mark.parametrize("offset", [0, 2, 4, 6, 7])
    def test_settling_what_was_never_received_is_refused(self, offset: int) -> None:
        ledger, assignment = ledger_with(3, 5, start=3)
        with pytest.raises(LedgerError, match=f"^partition 0: offset {offset} settled but not waiting$"):
            ledger.settle(0, assignment, offset)

    def test_settling_what_waits_twice_is_refused(self) -> None:
        ledger, assignment = ledger_with(0, 1)
        ledger.settle(0, assignment, 0)
        with pytest.raises(LedgerError):
            ledger.settle(0, assignment, 0)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("longest", [3, 100, 1_000])
def test_the_map_of_a_full_partition_fits_into_a_commit(seed: int, longest: int) -> None:
    """1,500 unsettled events, whatever lies settled between them."""
    chance = random.Random(seed)  # noqa: S311  no secret
    ledger = OffsetLedger()
    assignment = ledger.assign(0, 0)
    offset, waiting = 0, 0
    while waiting < 1_500:
        for _ in range(chance.randint(1, longest)):
            ledger.received(0, offset)
            ledger.settle(0, assignment, offset)
            offset += 1
        ledger.received(0, offset)
        offset += 1
        waiting += 1
    note = CommitNote("t" * 22, "h" * 22, 2**40, 10_000, "c" * 80, ledger.snapshot(0).runs)
    assert len(write_note(note)) < MAX_BYTES


class _Model:
    """What has become of each record of the log, told slowly."""

    def __init__(self) -> None:
        self.log: list[int] = []
        self.end = 0
        self.settled: set[int] = set()
        """In this process."""
        self.stored: tuple[int, str, set[int]] = (0, "", set())
        """What was committed: the offset, the note, and what was settled then."""


class LedgerMachine(RuleBasedStateMachine):
    """One partition: reading with gaps, settling in any order, commits that arrive or not, crashes, restarts."""

    @initialize()
    def begin(self) -> None:
        self.model = _Model()
        self.ledger = OffsetLedger()
        self.old: list[tuple[int, int]] = []
        self._start()

    @rule(skipped=st.sampled_from([0, 0, 0, 1, 5]), count=st.integers(1, 4))
    def publish(self, skipped: int, count: int) -> None:
        self.model.end += skipped
        for _ in range(count):
            self.model.log.append(self.model.end)
            self.model.end += 1

    @precondition(lambda self: any(offset >= self.ledger.position(0) for offset in self.model.log))
    @rule(count=st.integers(1, 5))
    def receive(self, count: int) -> None:
        for offset in [offset for offset in self.model.log if offset >= self.ledger.position(0)][:count]:
            fresh = self.ledger.received(0, offset)
            assert fresh == (offset not in self.model.stored[2] or offset not in self.model.settled)
            if fresh:
                self.waiting.append(offset)

    @precondition(lambda self: self.waiting)
    @rule(data=st.data())
    def settle(self, data: st.DataObject) -> None:
        offset = data.draw(st.sampled_from(self.waiting))
        self.waiting.remove(offset)
        assert self.ledger.settle(0, self.assignment, offset)
        self.model.settled.add(offset)

    @precondition(lambda self: self.waiting)
    @rule(data=st.data())
    def ask_what_if(self, data: st.DataObject) -> None:
        also = set(data.draw(st.lists(st.sampled_from(self.waiting))))
        self._check(self.ledger.snapshot(0, also), self.model.settled | also)

    @rule(arrives=st.booleans(), told=st.booleans())
    def commit(self, *, arrives: bool, told: bool) -> None:
        snapshot = self.ledger.snapshot(0)
        if arrives:
            text = write_note(CommitNote(runs=snapshot.runs))
            self.model.stored = snapshot.offset, text, set(self.model.settled)
        if arrives and told:
            self.ledger.committed(0, self.assignment, snapshot.version)
            assert self.ledger.changed() == []

    @rule(in_order=st.booleans())
    def restart(self, *, in_order: bool) -> None:
        self.old += [(self.assignment, offset) for offset in self.waiting]
        if in_order:
            self.ledger.revoke(0)
        else:
            self.ledger = OffsetLedger()
            self.old.clear()
        self._start()

    @precondition(lambda self: self.old)
    @rule(data=st.data())
    def settle_too_late(self, data: st.DataObject) -> None:
        before = self.ledger.snapshot(0)
        assert not self.ledger.settle(0, *data.draw(st.sampled_from(self.old)))
        assert self.ledger.snapshot(0) == before

    @invariant()
    def a_commit_says_exactly_what_is_settled(self) -> None:
        if hasattr(self, "model"):
            self._check(self.ledger.snapshot(0), self.model.settled)

    @invariant()
    def it_knows_how_much_is_outstanding(self) -> None:
        if hasattr(self, "model"):
            assert self.ledger.outstanding() == self.ledger.outstanding(0) == len(self.waiting)

    def _start(self) -> None:
        offset, text, settled = self.model.stored
        note = read_note(text) or CommitNote()
        self.assignment = self.ledger.assign(0, offset, note.settled_ranges(offset))
        self.model.settled = set(settled)
        self.waiting: list[int] = []

    def _check(self, snapshot: Snapshot, settled: set[int]) -> None:
        ranges = settled_ranges(snapshot)
        told = {
            offset
            for offset in self.model.log
            if offset < snapshot.offset or any(first <= offset < end for first, end in ranges)
        }
        assert told == settled
        assert len(snapshot.runs) % 2 == 0
        assert all(run > 0 for run in snapshot.runs[1:])
        assert ranges == sorted(ranges)

    def teardown(self) -> None:
        """In the end every record was settled in this process or in a commit that it began with."""
        if not hasattr(self, "model"):
            return
        self.receive(len(self.model.log))
        for offset in self.waiting:
            self.ledger.settle(0, self.assignment, offset)
        assert self.model.settled | set(self.waiting) == set(self.model.log)
        snapshot = self.ledger.snapshot(0)
        assert all(offset < snapshot.offset for offset in self.model.log)


LedgerMachine.TestCase.settings = settings(max_examples=150, stateful_step_count=50, deadline=None)
TestAnyInterleaving = LedgerMachine.TestCase


class TwoPartitions(RuleBasedStateMachine):
    """Partitions know nothing of each other, and only the current assignment counts."""

    def __init__(self) -> None:
        super().__init__()
        self.ledger = OffsetLedger()
        self.assignments: dict[int, int] = {}
        self.waiting: dict[int, list[int]] = {}

    @rule(partition=st.sampled_from([0, 1]), start=st.integers(0, 20))
    def assign(self, partition: int, start: int) -> None:
        number = self.ledger.assign(partition, start)
        assert number not in self.assignments.values()
        self.assignments[partition] = number
        self.waiting[partition] = []

    @rule(partition=st.sampled_from([0, 1]))
    def revoke(self, partition: int) -> None:
        self.ledger.revoke(partition)
        self.assignments.pop(partition, None)
        self.waiting.pop(partition, None)

    @precondition(lambda self: self.waiting)
    @rule(data=st.data())
    def receive(self, data: st.DataObject) -> None:
        partition = data.draw(st.sampled_from(sorted(self.waiting)))
        offset = self.ledger.position(partition)
        assert self.ledger.received(partition, offset)
        self.waiting[partition].append(offset)

    @precondition(lambda self: any(self.waiting.values()))
    @rule(data=st.data())
    def settle(self, data: st.DataObject) -> None:
        partition = data.draw(st.sampled_from([part for part, waiting in self.waiting.items() if waiting]))
        offset = data.draw(st.sampled_from(self.waiting[partition]))
        self.waiting[partition].remove(offset)
        assert self.ledger.settle(partition, self.assignments[partition], offset)

    @invariant()
    def it_knows_what_is_ours_and_how_much_of_it_waits(self) -> None:
        assert sorted(self.ledger.assigned()) == sorted(self.assignments)
        assert self.ledger.outstanding() == sum(map(len, self.waiting.values()))
        for partition, waiting in self.waiting.items():
            assert self.ledger.assignment(partition) == self.assignments[partition]
            assert self.ledger.snapshot(partition).offset == min(waiting, default=self.ledger.position(partition))


TwoPartitions.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestTwoPartitions = TwoPartitions.TestCase
