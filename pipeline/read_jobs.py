"""What a second consumer reads in one go, and what each record, or the lack of one, means for that.

Shape   PointsJob: single offsets of a partition. ScanJob: a part of it, for the events of some keys. Both: place is
        where to read next (None: done), took(record) and ended(), at_start_lost() return what was found
Lost    offsets below the log's beginning: of points the first is missing, the next may be there; a scan begins where
        the log begins
Bounds  no I/O. Points less than CLOSE apart, or as far as the reader says, are read through, not sought
"""

from collections import deque
from collections.abc import Iterable

from pipeline.ports import Found, Missing, Record, Scanned

CLOSE = 2_000
BEGINNING = -2
"""Where the log begins, as Kafka's clients say it."""


class PointsJob:
    """Single offsets."""

    def __init__(self, partition: int, offsets: Iterable[int], close: int = CLOSE) -> None:
        self.partition = partition
        self._close = close
        self._offsets = deque(sorted(offsets))
        self.place: int | None = self._offsets[0]

    @property
    def left(self) -> list[int]:
        """What was not found and is not known to be missing."""
        return list(self._offsets)

    def took(self, record: Record) -> list[Found]:
        """What a record that was read means; `place` has changed if the next one lies elsewhere."""
        found: list[Found] = []
        while self._offsets and self._offsets[0] < record.offset:
            found.append(Missing(self.partition, self._offsets.popleft()))
        if self._offsets and self._offsets[0] == record.offset:
            self._offsets.popleft()
            found.append(record)
        if not self._offsets:
            self.place = None
        elif self._offsets[0] - record.offset > self._close:
            self.place = self._offsets[0]
        return found

    def ended_before(self, end: int) -> list[Found]:
        """The log has no more for now: what lies before its end and has not come is not there."""
        missing: list[Found] = []
        while self._offsets and self._offsets[0] < end:
            missing.append(Missing(self.partition, self._offsets.popleft()))
        if not self._offsets:
            self.place = None
        return missing

    def ended(self) -> list[Found]:
        """The log has no more."""
        missing: list[Found] = [Missing(self.partition, offset) for offset in self._offsets]
        self._offsets.clear()
        self.place = None
        return missing

    def at_start_lost(self) -> list[Found]:
        """The log does not have the place: the first is missing, for the next look again."""
        missing = Missing(self.partition, self._offsets.popleft())
        self.place = self._offsets[0] if self._offsets else None
        return [missing]


class ScanJob:
    """The part [start, end)."""

    def __init__(self, partition: int, start: int, end: int, keys: Iterable[bytes | None]) -> None:
        self.partition = partition
        self.place: int | None = start
        self._end = end
        self._found: dict[bytes | None, list[int]] = {key: [] for key in keys}

    def took(self, record: Record) -> list[Found]:
        """What a record that was read means."""
        if record.offset < self._end and record.key in self._found:
            self._found[record.key].append(record.offset)
        return self.ended() if record.offset >= self._end - 1 else []

    def ended(self) -> list[Found]:
        """The log has no more, or the part is through."""
        self.place = None
        return [Scanned(self.partition, self._found)]

    def at_start_lost(self) -> list[Found]:
        """The log begins later."""
        if self.place == BEGINNING:
            return self.ended()
        self.place = BEGINNING
        return []


Job = PointsJob | ScanJob
