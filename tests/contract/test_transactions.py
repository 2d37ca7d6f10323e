"""Batches, each wholly in the log or not at all."""

import time

import pytest

from pipeline.commit_note import CommitNote, write_note
from pipeline.errors import TransactionFailedError
from pipeline.ports import Batch, Commit, Write
from tests.contract.stage import LIMIT_S, Member, Stage


def held_records(stage: Stage) -> list[tuple[bytes | None, bytes | None]]:
    reader = stage.held_reader()
    reader.begin({0: ""})
    found: list[tuple[bytes | None, bytes | None]] = []
    until_s = time.monotonic() + LIMIT_S
    while reader.reading:
        assert time.monotonic() < until_s
        found += [(key, value) for _, _, key, value in reader.step()[0]]
    reader.close()
    return found


def batch(stage: Stage, offset: int) -> Batch:
    writes = [Write(stage.held, 0, b"k", b"%d" % offset), Write(stage.held, 0, b"gone", None)]
    return Batch(writes, stage.events, {0: Commit(offset, write_note(CommitNote(held_keys=1)))})


def test_records_and_offsets_are_there_together(stage: Stage) -> None:
    for _ in range(3):
        stage.append(stage.events, 0, b"a", b"v")
    member, transactions = Member(stage).join(), stage.transactions()
    transactions.run(batch(stage, 1), member.source.group_metadata())
    transactions.run(batch(stage, 2), member.source.group_metadata())
    assert held_records(stage) == [(b"k", b"1"), (b"gone", None), (b"k", b"2"), (b"gone", None)]
    member.source.close()
    other = Member(stage).join()
    assert (other.heard.starts[0].offset, other.heard.starts[0].note.held_keys) == (2, 1)
    other.source.close()
    transactions.close()


def test_in_the_name_of_a_member_that_has_left_nothing_is_written(stage: Stage) -> None:
    stage.append(stage.events, 0, b"a", b"v")
    member, transactions = Member(stage).join(), stage.transactions()
    stale = member.source.group_metadata()
    member.source.close()
    other = Member(stage).join()
    with pytest.raises(TransactionFailedError):
        transactions.run(batch(stage, 1), stale)
    assert held_records(stage) == []
    transactions.run(batch(stage, 1), other.source.group_metadata())
    assert held_records(stage) == [(b"k", b"1"), (b"gone", None)]
    other.source.close()
    transactions.close()


def test_its_id_is_known_before_its_first_transaction_and_stays(stage: Stage) -> None:
    transactions = stage.transactions()
    before = transactions.transactional_id
    member = Member(stage).join()
    transactions.run(batch(stage, 0), member.source.group_metadata())
    assert before
    assert transactions.transactional_id == before
    member.source.close()
    transactions.close()
