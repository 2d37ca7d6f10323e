"""Where the partitions of a group begin: at what the group has committed, with what its note says.

Shape   starting_point() decides; Starts(consumer, …).of(partitions) asks the brokers for what it needs
Errors  PipelineError: nobody says it, for as long as a group callback may last (asking.py)
Bounds  the consumer need not be a member of the group
"""

import logging
from collections.abc import Callable, Sequence

import msgspec
from confluent_kafka import OFFSET_INVALID, Consumer, KafkaError, KafkaException, TopicPartition

from pipeline.asking import ANSWER_S, ask
from pipeline.cluster import Cluster
from pipeline.commit_note import CommitNote, read_note, runs_of
from pipeline.kafka_errors import About, kafka_error
from pipeline.ports import Start
from pipeline.subscription import Start as StartAt
from pipeline.told_offsets import at_times, committed, extent

log = logging.getLogger(__name__)


def starting_point(committed: int | None, note: CommitNote, low: int, high: int, start: int) -> Start:
    """Decide where a partition begins.

    Args:
        committed: the group's offset; None where it has none.
        note: what was committed with it.
        low, high: the offsets of the log.
        start: where a group without an offset begins, within the log.
    """
    if committed is None:
        return Start(start)
    if committed > high:  # the log was cut: records that were committed are gone, newer ones will come
        return Start(high, msgspec.structs.replace(note, runs=()), committed - high)
    begin = max(committed, low)
    noted = list(note.settled_ranges(committed))
    ranges = [(max(first, begin), min(end, high)) for first, end in noted if end > begin and first < high]
    settled = sum(min(end, begin) - first for first, end in noted if first < begin)
    return Start(begin, msgspec.structs.replace(note, runs=runs_of(begin, ranges)), begin - committed - settled)


class Starts:
    """Asks for one topic and one group."""

    def __init__(
        self,
        cluster: Cluster,
        consumer: Consumer,
        topic: str,
        start: StartAt,
        on_trouble: Callable[[KafkaError], None],
        about: About,
    ) -> None:
        """Ask through a consumer of the group.

        Args:
            start: where a partition without an offset begins.
            on_trouble: hears each time that there was no answer.
            about: what an answer that is no is about.
        """
        self._cluster = cluster
        self._consumer = consumer
        self._topic = topic
        self._start = start
        self._on_trouble = on_trouble
        self._about = about

    def of(self, partitions: Sequence[int]) -> dict[int, Start]:
        """Ask the brokers, as long as a group callback may last; a leader that moves, or is away, is asked again."""
        asked = [TopicPartition(self._topic, partition) for partition in partitions]

        def starts() -> dict[int, Start]:
            try:
                found = committed(self._consumer, asked, ANSWER_S) if asked else []
                topic_id = self._cluster.topic_ids.of(self._topic) if asked else ""
                return {part.partition: self._start_of(part, topic_id) for part in found}
            except KafkaException as error:
                if kafka_error(error).code() == KafkaError._DESTROY:
                    return {}  # called from close(): nothing will be read
                raise

        return ask(self._cluster, starts, self._on_trouble, self._about)

    def offsets_at(self, at: StartAt, partitions: Sequence[int]) -> dict[int, int]:
        """The offsets of a time, or of the log's beginning or end."""

        def offsets() -> dict[int, int]:
            return {partition: self._first_offset(at, partition, *self._log(partition)) for partition in partitions}

        return ask(self._cluster, offsets, self._on_trouble, self._about)

    def _log(self, partition: int) -> tuple[int, int]:
        return extent(self._consumer, TopicPartition(self._topic, partition), ANSWER_S)

    def _start_of(self, part: TopicPartition, topic_id: str) -> Start:
        low, high = self._log(part.partition)
        offset = None if part.offset == OFFSET_INVALID or part.offset < 0 else part.offset
        note = read_note(part.metadata or "") or CommitNote()
        anew = offset is not None and bool(note.topic_id) and topic_id not in {"", note.topic_id}
        if anew:
            log.error("topic_made_anew", extra={"topic": self._topic, "partition": part.partition, "offset": offset})
            offset, note = None, CommitNote()
        start = low if offset is not None else self._first_offset(self._start, part.partition, low, high)
        begin = starting_point(offset, note, low, high, start)
        return msgspec.structs.replace(
            begin,
            note=msgspec.structs.replace(begin.note, topic_id=topic_id or begin.note.topic_id),
            anew=anew,
            end=high,
        )

    def _first_offset(self, at: StartAt, partition: int, low: int, high: int) -> int:
        if at.at == "latest":
            return high
        if at.time_ms is None:
            return low
        asked = TopicPartition(self._topic, partition, at.time_ms)
        found = at_times(self._consumer, [asked], ANSWER_S)[0].offset
        return found if found >= 0 else high
