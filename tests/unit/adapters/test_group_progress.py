"""How far a group has come: its offset, and the map beyond it."""

import pytest
from confluent_kafka import TopicPartition

from adapters.group_progress import Progress, _progress
from pipeline.commit_note import CommitNote, write_note

NOTE = CommitNote(topic_id="a-topic", runs=(2, 3, 1, 4))
"""From 10 on: two unsettled, three settled, one unsettled, four settled."""


def committed(offset: int = 10, note: CommitNote = NOTE) -> TopicPartition:
    return TopicPartition("t", 0, offset, write_note(note))


def test_what_is_before_the_offset_or_in_the_map_is_settled_and_what_is_before_the_maps_end_was_read() -> None:
    progress = _progress(committed(), "a-topic")
    assert [offset for offset in range(8, 24) if progress.settled(offset)] == [8, 9, 12, 13, 14, *range(16, 20)]
    assert [offset for offset in range(8, 24) if progress.read(offset)] == list(range(8, 20))


@pytest.mark.parametrize("part", [TopicPartition("t", 0, -1001), committed()])
def test_a_group_without_an_offset_or_with_one_of_another_topic_has_read_nothing(part: TopicPartition) -> None:
    progress = _progress(part, "another-topic")
    assert progress == Progress()
    assert not progress.settled(0)


@pytest.mark.parametrize("topic_id", ["", "a-topic"])
def test_an_id_that_nobody_tells_now_is_no_other_one(topic_id: str) -> None:
    assert _progress(committed(), topic_id).committed == 10
