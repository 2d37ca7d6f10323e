"""A slot's log in memory, the way to it, and a state: what the journal's decisions are tested on.

Shape   Log: append, trim, state() as a reader sees it; Road(log): an Appender whose records arrive, or not, and whose
        reports come when a test says so
"""

import asyncio
import enum
from collections import deque
from collections.abc import Iterable, Sequence

from adapters.gateway.journal.journal_record import Entries, JournalFold, Snapshot
from adapters.gateway.journal.slot_journal import NotSentError, Report


class ListState:
    """Entries in order."""

    def __init__(self) -> None:
        self.entries: list[bytes] = []

    def apply(self, entry: bytes) -> None:
        self.entries.append(entry)

    def snapshot(self) -> Iterable[bytes]:
        half = len(self.entries) // 2
        for part in (self.entries[:half], self.entries[half:]):
            if part:
                yield b",".join(part)

    def restore(self, parts: Sequence[bytes]) -> None:
        self.entries = [entry for part in parts for entry in part.split(b",")]


class Log:
    """One partition."""

    def __init__(self) -> None:
        self.values: list[bytes] = []
        self.starts = [0]
        """Where the log has begun so far; the last one counts."""

    def append(self, value: bytes) -> int:
        self.values.append(value)
        return len(self.values) - 1

    def trim(self, offset: int) -> None:
        if offset > self.starts[-1]:
            self.starts.append(offset)

    def state(self, start: int | None = None, end: int | None = None) -> ListState:
        """What a reader knows who begins at the log's start, or began at an earlier one."""
        state, fold = ListState(), JournalFold()
        first = self.starts[-1] if start is None else start
        for offset in range(first, len(self.values) if end is None else end):
            match fold.take(offset, self.values[offset]):
                case Entries(entries=entries):
                    state.entries += entries
                case Snapshot(parts):
                    state.restore(parts)
                case _:
                    pass
        return state


class Fate(enum.Enum):
    """What becomes of a record."""

    ARRIVES = enum.auto()
    IS_LOST = enum.auto()
    ARRIVES_UNTOLD = enum.auto()
    ARRIVES_AT_AN_UNKNOWN_OFFSET = enum.auto()


class Road:
    """From one writer to the log: in order, but for what is lost."""

    def __init__(self, log: Log, room: int = 1 << 30) -> None:
        self._log = log
        self._room = room
        self.lapses = 0
        self.sent = asyncio.Event()
        self.queue: deque[tuple[bytes, Report]] = deque()
        self.reports: deque[tuple[Report, int, str]] = deque()

    def send(self, slot: int, record: bytes, report: Report) -> None:
        assert slot == 7
        if len(self.queue) >= self._room:
            raise NotSentError("no room")
        self.queue.append((record, report))
        self.sent.set()

    def deliver(self, fate: Fate = Fate.ARRIVES) -> None:
        """The next record arrives, or not."""
        record, report = self.queue.popleft()
        offset = -1 if fate is Fate.IS_LOST else self._log.append(record)
        if fate is Fate.ARRIVES_AT_AN_UNKNOWN_OFFSET:
            offset = -1
        error = "timed out" if fate in {Fate.IS_LOST, Fate.ARRIVES_UNTOLD} else ""
        self.reports.append((report, -1 if error else offset, error))

    def tell(self) -> None:
        """The next report is told."""
        report, offset, error = self.reports.popleft()
        report(offset, error)

    def all(self) -> None:
        """Everything arrives and is told."""
        while self.queue or self.reports:
            while self.queue:
                self.deliver()
            while self.reports:
                self.tell()
