"""Records of a topic in memory, read again by offset.

Shape   MemoryLogReader(log, topic) keeps the LogReader port; step() answers up to `answers` requests, what is wanted
        before what is to be scanned, and none while `stands_still`
"""

from collections import deque

from adapters.memory.log import MemoryLog
from pipeline.ports import Found, Missing, Scanned


class MemoryLogReader:
    """One process's."""

    def __init__(self, log: MemoryLog, topic: str, answers: int = 1_000) -> None:
        self.stands_still = False
        self.closed = False
        self._log = log
        self._topic = topic
        self.answers = answers
        self._wanted: dict[tuple[int, int], None] = {}
        self._scans: deque[tuple[int, int, int, set[bytes | None]]] = deque()

    @property
    def busy(self) -> bool:
        """Whether something was asked for."""
        return bool(self._wanted) or bool(self._scans)

    def want(self, partition: int, offset: int) -> None:
        """Ask for one record."""
        self._wanted.pop((partition, offset), None)
        self._wanted[partition, offset] = None

    def scan(self, partition: int, start: int, end: int, keys: set[bytes | None]) -> None:
        """Ask for the offsets of these keys in [start, end)."""
        self._scans.append((partition, start, end, keys))

    def forget(self, partitions: set[int]) -> None:
        """Drop what was asked of these partitions."""
        self._wanted = {where: None for where in self._wanted if where[0] not in partitions}
        self._scans = deque(scan for scan in self._scans if scan[0] not in partitions)

    def step(self) -> list[Found]:
        """Answer what was asked for."""
        found: list[Found] = []
        while self.busy and len(found) < self.answers and not self.stands_still:
            if self._wanted:
                where = next(iter(self._wanted))
                del self._wanted[where]
                found.append(self._point(*where))
            else:
                found.append(self._scanned(*self._scans.popleft()))
        return found

    def close(self) -> None:
        """Note it."""
        self.closed = True

    def _point(self, partition: int, offset: int) -> Found:
        records = self._log.topic(self._topic).read(partition, offset, 1)
        return records[0] if records and records[0].offset == offset else Missing(partition, offset)

    def _scanned(self, partition: int, start: int, end: int, keys: set[bytes | None]) -> Scanned:
        found: dict[bytes | None, list[int]] = {key: [] for key in keys}
        for record in self._log.topic(self._topic).read(partition, start, max(0, end - start)):
            if record.offset < end and record.key in found:
                found[record.key].append(record.offset)
        return Scanned(partition, found)
