"""Transactions over topics in memory, which fare as a test says.

Shape   MemoryTransactions(log, fates) keeps the Transactions port; `ran` holds every batch in order
Fates   each run takes the next of `fates`, and commits when there is none left:
            COMMIT       all of it is in the log
            ABORT        nothing is, its offsets are used up: TransactionFailedError
            DIE_BEFORE   the process is killed inside the transaction, which is aborted: ProcessDiedError
            DIE_AFTER    the process is killed when the transaction is in the log: ProcessDiedError
            UNTOLD       it is in the log, and whoever asked gives up before being told: TransactionFailedError
        A record that `refuses` says yes to is refused whatever the fate, and so is the whole batch
Fence   a batch in the name of a member that is not in the group any more, or has moved, is refused
"""

import enum
from collections import deque
from collections.abc import Callable, Iterable
from itertools import count

from adapters.memory.log import MemoryLog
from pipeline.errors import TransactionFailedError
from pipeline.ports import Batch, Write, Written


class Fate(enum.Enum):
    """What becomes of a transaction."""

    COMMIT = "commit"
    ABORT = "abort"
    DIE_BEFORE = "die before"
    DIE_AFTER = "die after"
    UNTOLD = "untold"


class ProcessDiedError(BaseException):
    """`kill -9`, as far as a test can tell: throw away everything that is not in the MemoryLog."""


_numbers = count(1)


class MemoryTransactions:
    """One process's."""

    def __init__(self, log: MemoryLog, fates: Iterable[Fate] = ()) -> None:
        self.fates = deque(fates)
        self.refuses: Callable[[Write], bool] = lambda _write: False
        self.ran: list[Batch] = []
        self.closed = False
        self.transactional_id = f"memory.{next(_numbers)}"
        self._log = log

    @staticmethod
    def ready() -> bool:
        """See Transactions."""
        return True

    def run(self, batch: Batch, group_metadata: object) -> Written:
        """Write it all, or nothing."""
        self.ran.append(batch)
        if not self._log.knows(group_metadata):
            raise TransactionFailedError("the member is not in the group, or has moved")
        if any(map(self.refuses, batch.writes)):
            raise TransactionFailedError("a record was refused", refused=True)
        fate = self.fates.popleft() if self.fates else Fate.COMMIT
        written: Written = {}
        if fate in {Fate.ABORT, Fate.DIE_BEFORE}:
            self._use_up(batch)
        else:
            written = self._move(batch)
        if fate in {Fate.DIE_BEFORE, Fate.DIE_AFTER}:
            raise ProcessDiedError
        if fate is not Fate.COMMIT:
            raise TransactionFailedError(fate.value)
        return written

    def close(self) -> None:
        """Note it."""
        self.closed = True

    def _move(self, batch: Batch) -> Written:
        written: Written = {}
        for write in batch.writes:
            record = self._log.topic(write.topic).append(write.partition, write.key, write.value, write.headers)
            written[write.topic, write.partition] = record.offset
        self._mark(batch)
        self._log.commit(batch.topic, batch.commits)
        return written

    def _use_up(self, batch: Batch) -> None:
        for write in batch.writes:
            self._log.topic(write.topic).skip(write.partition)
        self._mark(batch)

    def _mark(self, batch: Batch) -> None:
        for topic, partition in {(write.topic, write.partition) for write in batch.writes}:
            self._log.topic(topic).skip(partition)
