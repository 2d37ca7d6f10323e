"""How far a subscription's group has come, asked from outside: no member, and nothing is changed.

Shape   progress_of(cluster, group, topic, partitions) -> Progress of each partition
Admin   a consumer that may not see its group hears of it beside the answer, which is that nobody answers
Errors  PipelineError: the brokers do not say
"""

import logging

import msgspec
from confluent_kafka import TopicPartition

from pipeline.asking import ANSWER_S, ask
from pipeline.cluster import Cluster
from pipeline.commit_note import CommitNote, read_note
from pipeline.group_questions import answer, commits
from pipeline.kafka_errors import About, describe
from pipeline.told_offsets import sound

log = logging.getLogger(__name__)


class Progress(msgspec.Struct, frozen=True):
    """Of one partition.

    Attributes:
        committed: the group's offset; None if it has none, or it is of another topic of that name.
        ranges: the offsets [from, to) beyond it that are settled.
    """

    committed: int | None = None
    ranges: tuple[tuple[int, int], ...] = ()

    def settled(self, offset: int) -> bool:
        """Whether the group will not read this offset again."""
        if self.committed is None:
            return False
        return offset < self.committed or any(first <= offset < end for first, end in self.ranges)

    def read(self, offset: int) -> bool:
        """Whether the group has certainly read this offset."""
        return self.settled(offset) or (bool(self.ranges) and offset < self.ranges[-1][1])


def progress_of(cluster: Cluster, group: str, topic: str, partitions: list[int]) -> dict[int, Progress]:
    """What the group has committed."""
    if not partitions:
        return {}
    about = About((topic,), group)
    found = ask(
        cluster,
        lambda: _committed(cluster, group, [TopicPartition(topic, partition) for partition in partitions]),
        lambda error: log.warning("progress_unknown", extra={"group": group, "error": describe(error, about)}),
        about,
    )
    topic_id = cluster.topic_ids.of(topic)
    return {part.partition: _progress(part, topic_id) for part in found}


def _committed(cluster: Cluster, group: str, asked: list[TopicPartition]) -> list[TopicPartition]:
    """What no open transaction will change any more."""
    told = answer(cluster.shared_admin, lambda admin: commits(admin, group, asked), ANSWER_S)
    return sound(told.topic_partitions)


def _progress(part: TopicPartition, topic_id: str) -> Progress:
    note = read_note(part.metadata or "") or CommitNote()
    if part.offset < 0 or (note.topic_id and topic_id not in {"", note.topic_id}):
        return Progress()
    return Progress(part.offset, tuple(note.settled_ranges(part.offset)))
