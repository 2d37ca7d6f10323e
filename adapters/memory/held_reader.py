"""The records of held keys in memory, read back from the first to what was the end.

Shape   MemoryHeldReader(log, topic) keeps the HeldReader port; step() reads up to `records` of them, and none while
        `stands_still`. What an aborted transaction wrote is not in a MemoryTopic, so there is none to wait for
"""

from adapters.memory.log import MemoryLog
from pipeline.ports import HeldEnd

HeldRecord = tuple[int, int, bytes | None, bytes | None]


class MemoryHeldReader:
    """One process's."""

    def __init__(self, log: MemoryLog, topic: str, records: int = 500) -> None:
        self.stands_still = False
        self.closed = False
        self._topic = log.topic(topic)
        self.records = records
        self._at: dict[int, int] = {}
        self._ends: dict[int, int] = {}

    @property
    def reading(self) -> bool:
        """Whether a partition is not read to its end."""
        return bool(self._ends)

    def begin(self, owners: dict[int, str]) -> dict[int, HeldEnd]:
        """Begin to read partitions; nobody's transaction is open here."""
        for partition in owners:
            self._at[partition], self._ends[partition] = self._topic.watermarks(partition)
        return {partition: HeldEnd(self._ends[partition], self._topic.topic_id) for partition in owners}

    def forget(self, partitions: set[int]) -> None:
        """Stop reading them."""
        for partition in partitions:
            self._ends.pop(partition, None)

    def step(self) -> tuple[list[HeldRecord], list[int]]:
        """Read a little."""
        found: list[HeldRecord] = []
        done: list[int] = []
        for partition, end in self._ends.items() if not self.stands_still else ():
            left = self.records - len(found)
            records = [one for one in self._topic.read(partition, self._at[partition], left + 1) if one.offset < end]
            found += [(partition, one.offset, one.key, one.value) for one in records[:left]]
            if len(records) <= left:
                done.append(partition)
            else:
                self._at[partition] = records[left].offset
        self.forget(set(done))
        return found, done

    def close(self) -> None:
        """Note it."""
        self.closed = True
