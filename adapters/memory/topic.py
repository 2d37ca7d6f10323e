"""The records of a topic, by partition.

Shape   MemoryTopic(partitions): append(…) -> Record, skip and trim make gaps as Kafka has them, read(…) -> records
Units   offsets as Kafka counts them: dense when appended, with gaps where skip() said so
Bounds  any thread may append; `changed` tells those who wait for records
"""

import threading
from bisect import bisect_left
from itertools import count

from pipeline.headers import Headers
from pipeline.ports import Record

_ids = count(1)


class _Log:
    def __init__(self) -> None:
        self.records: list[Record] = []
        self.low = 0
        self.high = 0


class MemoryTopic:
    """One topic."""

    def __init__(self, partitions: int = 1) -> None:
        self.changed = threading.Condition()
        self.topic_id = f"memory-{next(_ids)}"
        self._logs = [_Log() for _ in range(partitions)]

    @property
    def partitions(self) -> range:
        """Their numbers."""
        return range(len(self._logs))

    def append(
        self,
        partition: int,
        key: bytes | None,
        value: bytes | None,
        headers: Headers | None = None,
        timestamp_ms: int = 0,
    ) -> Record:
        """Add a record at the end of a partition."""
        with self.changed:
            log = self._logs[partition]
            record = Record(partition, log.high, key, value, headers or [], timestamp_ms)
            log.records.append(record)
            log.high += 1
            self.changed.notify_all()
        return record

    def skip(self, partition: int, count: int = 1) -> None:
        """Use up offsets that no reader will see, as a transaction's markers do."""
        with self.changed:
            self._logs[partition].high += count

    def trim(self, partition: int, low: int) -> None:
        """Forget what lies before an offset, as retention does."""
        with self.changed:
            log = self._logs[partition]
            log.low = max(log.low, min(low, log.high))
            log.records = [record for record in log.records if record.offset >= log.low]

    def cut(self, partition: int, high: int) -> None:
        """Lose everything from an offset on, as an unclean election of a leader may."""
        with self.changed:
            log = self._logs[partition]
            log.high = min(log.high, high)
            log.records = [record for record in log.records if record.offset < log.high]

    def watermarks(self, partition: int) -> tuple[int, int]:
        """The first offset that is kept, and the next to be written."""
        log = self._logs[partition]
        return log.low, log.high

    def first_since(self, partition: int, time_ms: int) -> int:
        """The offset of the first record that is not older; the end if there is none."""
        log = self._logs[partition]
        return next((record.offset for record in log.records if record.timestamp_ms >= time_ms), log.high)

    def read(self, partition: int, offset: int, limit: int) -> list[Record]:
        """Records from an offset on."""
        records = self._logs[partition].records
        first = bisect_left(records, offset, key=lambda record: record.offset)
        return records[first : first + limit]
