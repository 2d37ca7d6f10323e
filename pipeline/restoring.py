"""Partitions that begin: nothing of them is delivered before their held keys are known.

Shape   Restoring, one for an input: begin(starts), step() -> partitions that may start, with their held keys
Fence   what was committed says which topic of held keys it rests on, how far that was written, and how many keys were
        held. Where what is read there disagrees (the topic was made anew, or cut), events would be lost or come out of
        order: such a partition does not start, and says so, while the others go on
Bounds  no Kafka; the consumer thread is its only caller
"""

import logging
from collections.abc import Iterator

import msgspec

from pipeline.commit_note import CommitNote
from pipeline.held import HeldKeys
from pipeline.held_record import HeldRecordError, read_record, released_key
from pipeline.ports import HeldEnd, HeldReader, Record, Start

log = logging.getLogger(__name__)


class Restored(msgspec.Struct, frozen=True):
    """A partition whose held keys are known.

    Attributes:
        note: what its next commits say of it.
        early: records of it that were read before.
    """

    partition: int
    keys: HeldKeys
    note: CommitNote
    early: list[Record]


class _Partition:
    def __init__(self, start: Start, end: HeldEnd) -> None:
        ranges = list(start.note.settled_ranges(start.offset))
        self.start = start
        self.end = end
        self.keys = HeldKeys(start.offset, ranges[-1][1] - 1 if ranges else -1)
        self.early: list[Record] = []

    def fault(self) -> str | None:
        """Why it cannot start."""
        note, end = self.start.note, self.end
        if self.start.anew:
            return None
        if note.held_topic_id and end.topic_id and note.held_topic_id != end.topic_id:
            return "the topic of held keys was made anew"
        if end.offset <= note.held_offset:
            return f"the topic of held keys ends at {end.offset}, and was written to {note.held_offset}"
        if len(self.keys) < note.held_keys:
            return f"{note.held_keys} keys were held at the last commit, the topic of held keys knows {len(self.keys)}"
        return None


class Restoring:
    """Those of one input."""

    def __init__(self, reader: HeldReader, source: int, label: str) -> None:
        self._reader = reader
        self._source = source
        self._label = label
        self._partitions: dict[int, _Partition] = {}
        self.unfit: dict[int, str] = {}
        """Partitions that do not start, and why."""

    def __contains__(self, partition: int) -> bool:
        return partition in self._partitions

    def __iter__(self) -> Iterator[int]:
        return iter(self._partitions)

    @property
    def reading(self) -> bool:
        """Whether a partition is not read to its end."""
        return self._reader.reading

    def begin(self, starts: dict[int, Start]) -> None:
        """Partitions that were assigned.

        Raises:
            PipelineError: nobody says how far the topic of held keys goes. May block for seconds.
        """
        ends = self._reader.begin({part: start.note.transactional_id for part, start in starts.items()})
        for partition, start in starts.items():
            self._partitions[partition] = _Partition(start, ends[partition])

    def early(self, record: Record) -> None:
        """A record of a partition that has not started; it comes back with that."""
        self._partitions[record.partition].early.append(record)

    def step(self) -> list[Restored]:
        """Read a little; the partitions that may start now."""
        if not self._reader.reading:
            return []
        records, done = self._reader.step()
        for partition, _, key, value in records:
            self._restore(partition, key, value)
        return [restored for partition in done if (restored := self._through(partition)) is not None]

    def forget(self, partitions: set[int]) -> None:
        """Partitions that are not ours any more."""
        for partition in partitions:
            self._partitions.pop(partition, None)
            self.unfit.pop(partition, None)
        self._reader.forget(partitions)

    def close(self) -> None:
        """Let go of the client."""
        self._reader.close()

    def _restore(self, partition: int, record_key: bytes | None, value: bytes | None) -> None:
        try:
            source, key, state = read_record(record_key, value) if value is not None else released_key(record_key)
        except HeldRecordError as error:
            where = {"subscription": self._label, "partition": partition}
            log.warning("held_key_unread", extra=where | {"error": str(error)})
            return
        if source == self._source and partition in self._partitions:
            self._partitions[partition].keys.restore(key, state)

    def _through(self, partition: int) -> Restored | None:
        one = self._partitions[partition]
        if (fault := one.fault()) is not None:
            self.unfit[partition] = fault
            where = {"subscription": self._label, "partition": partition}
            log.critical("partition_not_started", extra=where | {"error": f"{fault}; its events would be lost"})
            return None
        return self._taken(partition)

    def take_unfit(self) -> list[Restored]:
        """Those that do not start, all the same: for somebody who gives up what was pending there."""
        return [self._taken(partition) for partition in self.unfit]

    def _taken(self, partition: int) -> Restored:
        one = self._partitions.pop(partition)
        if one.start.anew:
            one.keys.release_all()
        elif one.start.end is not None:
            one.keys.cut(one.start.end)
        note = msgspec.structs.replace(one.start.note, held_topic_id=one.end.topic_id, held_offset=one.end.offset - 1)
        return Restored(partition, one.keys, note, one.early)
