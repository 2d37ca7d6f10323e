"""The records of a topic for one group."""

from collections.abc import Callable

from pipeline.commit_note import CommitNote, write_note
from pipeline.ports import Batch, Commit, Write
from tests.contract.stage import Member, Stage


def test_partitions_begin_paused_and_then_give_their_records_in_order(stage: Stage) -> None:
    for number in range(3):
        stage.append(stage.events, 0, b"a", b"%d" % number)
    stage.append(stage.events, 1, None, None)
    member = Member(stage).join()
    assert member.source.poll(100, 0.1) == []
    member.source.set_paused(set())
    records = member.read(lambda records: len(records) == 4)
    assert [(one.offset, one.key, one.value) for one in records if one.partition == 0] == [
        (0, b"a", b"0"),
        (1, b"a", b"1"),
        (2, b"a", b"2"),
    ]
    assert [(one.offset, one.key, one.value) for one in records if one.partition == 1] == [(0, None, None)]
    member.source.close()


def test_it_gives_no_more_than_it_was_asked_for_and_nothing_of_paused_partitions(stage: Stage) -> None:
    for partition in (0, 1):
        for _ in range(5):
            stage.append(stage.events, partition, b"a", b"v")
    member = Member(stage).join()
    member.source.set_paused({1})
    assert {one.partition for one in member.read(lambda records: len(records) == 5)} == {0}
    member.source.set_paused({0})
    found = 0
    while found < 5:
        records = member.source.poll(2, 0.05)
        assert len(records) <= 2
        assert {one.partition for one in records} <= {1}
        found += len(records)
    member.source.close()


def test_a_commit_is_answered_from_a_later_poll_and_the_next_member_begins_there_with_its_note(stage: Stage) -> None:
    for _ in range(3):
        stage.append(stage.events, 0, b"a", b"v")
    member = Member(stage).join()
    note = CommitNote(member.heard.starts[0].note.topic_id, "held", 4, 2, "id", (1, 1))
    member.source.commit({0: Commit(1, write_note(note))})
    assert (member.source.commit_outstanding(), member.heard.verdicts) == (True, [])
    member.read(lambda _: bool(member.heard.verdicts))
    assert (member.source.commit_outstanding(), member.heard.verdicts) == (False, [True])
    member.source.close()
    other = Member(stage).join()
    assert (other.heard.starts[0].offset, other.heard.starts[0].note) == (1, note)
    assert other.heard.starts[1].offset == 0
    other.source.close()


def test_a_note_of_another_topic_is_void_and_so_is_its_offset(stage: Stage) -> None:
    stage.append(stage.events, 0, b"a", b"v")
    member = Member(stage).join()
    member.source.commit({0: Commit(1, write_note(CommitNote("another topic", runs=(1, 1))))})
    member.read(lambda _: bool(member.heard.verdicts))
    member.source.close()
    other = Member(stage).join()
    assert (other.heard.starts[0].offset, other.heard.starts[0].note.runs) == (0, ())
    other.source.close()


def test_leaving_asks_what_to_commit_and_commits_it(stage: Stage) -> None:
    stage.append(stage.events, 1, b"a", b"v")
    member = Member(stage).join()
    member.heard.to_commit = {1: Commit(1, write_note(CommitNote()))}
    member.source.close()
    assert member.heard.revoked == [{0, 1}]
    other = Member(stage).join()
    assert other.heard.starts[1].offset == 1
    other.source.close()


def test_what_the_log_has_lost_is_stepped_over_and_counted(stage: Stage) -> None:
    for _ in range(5):
        stage.append(stage.events, 0, b"a", b"v")
    member = Member(stage).join()
    member.source.commit({0: Commit(1, write_note(CommitNote(runs=(1, 1))))})
    member.read(lambda _: bool(member.heard.verdicts))
    member.source.close()
    stage.trim(stage.events, 0, 4)
    other = Member(stage).join()
    assert (other.heard.starts[0].offset, other.heard.starts[0].lost) == (4, 2)
    other.source.close()


def reach_of(member: Member, enough: Callable[[dict[int, tuple[int, int]]], bool]) -> dict[int, tuple[int, int]]:
    """Poll until the source knows so much."""
    member.read(lambda _: enough(member.source.reach([0, 1])))
    return member.source.reach([0, 1])


def test_it_tells_how_far_it_has_read_and_where_the_log_ends(stage: Stage) -> None:
    for _ in range(3):
        stage.append(stage.events, 0, b"a", b"v")
    member = Member(stage).join()
    member.source.set_paused({1})
    member.read(lambda records: len(records) == 3)
    assert reach_of(member, lambda reach: reach.get(0) == (3, 3))[0] == (3, 3)
    member.source.close()


def test_what_is_paused_from_the_beginning_has_an_end_too_and_it_moves(stage: Stage) -> None:
    stage.append(stage.events, 1, b"a", b"v")
    member = Member(stage).join()
    reach_of(member, lambda reach: reach.get(1) == (0, 1))
    stage.append(stage.events, 1, b"a", b"v")
    reach_of(member, lambda reach: reach.get(1) == (0, 2))
    member.source.close()


def test_the_end_of_a_transaction_is_no_record_that_is_still_to_be_read(stage: Stage) -> None:
    member, transactions = Member(stage).join(), stage.transactions()
    member.source.set_paused(set())
    writes = [Write(stage.events, 0, b"a", b"1"), Write(stage.events, 0, b"a", b"2")]
    transactions.run(Batch(writes, stage.events, {0: Commit(0)}), member.source.group_metadata())
    records = member.read(lambda records: len(records) == 2)
    end = records[-1].offset + 2
    reach_of(member, lambda reach: reach.get(0) == (end, end))
    transactions.run(Batch([], stage.events, {0: Commit(end - 1)}), member.source.group_metadata())
    member.source.close()
    other = Member(stage).join()
    assert other.heard.starts[0].offset == end - 1
    other.source.set_paused(set())
    reach_of(other, lambda reach: reach.get(0) == (end, end))
    other.source.close()
    transactions.close()
