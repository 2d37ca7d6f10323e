"""A topic in memory as a source of records, for one member of a group.

Shape   MemorySource(log, topic, listener) keeps the Source port. A test says assign, revoke and lose; the listener
        hears of it from the next poll, as with Kafka. Members of one group share the MemoryLog
Start   as the Kafka source: the committed offset if the log still has it, else by `start`; assigned partitions begin
        paused
Commits one is outstanding until the next poll, which answers it; `refuse_commits` makes that answer a failure,
        `lose_answers` makes it one although the commit stands. A commit of a partition that the member no longer owns
        is accepted, as Kafka accepts it; one of a member that was thrown out is not
Crash   crash() is the end of the process: a commit that is on its way arrives or does not, nobody hears of anything
Bounds  the consumer thread polls; any thread may say assign, revoke and lose
"""

import msgspec

from adapters.memory.log import MemoryLog
from pipeline.commit_note import CommitNote, read_note
from pipeline.ports import Commit, Record, SourceListener, Start
from pipeline.starts import starting_point
from pipeline.subscription import Start as StartAt


class MemorySource:
    """One member of one group."""

    def __init__(self, log: MemoryLog, topic: str, listener: SourceListener, start: StartAt | None = None) -> None:
        self.refuse_commits = 0
        self.lose_answers = 0
        self.closed = False
        self.starts: dict[int, Start] = {}
        self._log = log
        self._name = topic
        self._topic = log.topic(topic)
        self._listener = listener
        self._start = start or StartAt()
        self._membership = log.join()
        self._positions: dict[int, int] = {}
        self._asked: list[tuple[str, set[int]]] = []
        self._outstanding: dict[int, Commit] | None = None
        self._paused: set[int] = set()

    @property
    def paused(self) -> set[int]:
        """The partitions of which it returns no records for now."""
        return set(self._paused)

    @property
    def assigned(self) -> set[int]:
        """The partitions that are ours."""
        return set(self._positions)

    def assign(self, *partitions: int) -> None:
        """Give partitions to this member."""
        self._ask("assign", partitions)

    def revoke(self, *partitions: int) -> None:
        """Take partitions away, in order."""
        self._ask("revoke", partitions)

    def lose(self, *partitions: int) -> None:
        """Take partitions away as from a member that was thrown out: nothing of it is accepted until it knows."""
        self._log.expel(self._membership)
        self._ask("lose", partitions)

    def poll(self, limit: int, timeout_s: float) -> list[Record]:
        """Serve the listener, then return what there is; wait for it up to `timeout_s`."""
        if self.closed:
            raise RuntimeError("the source is closed")
        with self._topic.changed:
            self._topic.changed.wait_for(self._has_something, timeout_s)
        self._answer_commit()
        self._serve()
        return self._take(limit)

    def commit(self, commits: dict[int, Commit]) -> None:
        """Begin a commit."""
        self._outstanding = dict(commits)

    def commit_outstanding(self) -> bool:
        """Whether an answer is still to come."""
        return self._outstanding is not None

    def set_paused(self, partitions: set[int]) -> None:
        """Return nothing of these."""
        self._paused = set(partitions)

    def reach(self, partitions: list[int]) -> dict[int, tuple[int, int]]:
        """Positions and ends; offsets that hold no record are passed at the end."""
        reach = {}
        for partition in partitions:
            position, end = self._positions[partition], self._topic.watermarks(partition)[1]
            reach[partition] = position if self._topic.read(partition, position, 1) else max(position, end), end
        return reach

    def group_metadata(self) -> object:
        """Who we are in the group."""
        return self._membership

    def restart(self) -> None:
        """Begin every partition again at its committed offset."""
        partitions = self.assigned
        self._forget(partitions)
        self._listener.on_lost(partitions)
        self._assign(partitions)

    def crash(self, *, commit_arrives: bool) -> None:
        """End as a process that is killed."""
        if self._outstanding is not None and commit_arrives and self._log.knows(self._membership):
            self._log.commit(self._name, self._outstanding)
        self._log.expel(self._membership)
        self._outstanding = None
        self.closed = True

    def close(self) -> None:
        """Leave the group."""
        self._answer_commit()
        self._revoke(self.assigned)
        self._log.expel(self._membership)
        self.closed = True

    def _ask(self, what: str, partitions: tuple[int, ...]) -> None:
        with self._topic.changed:
            self._asked.append((what, set(partitions)))
            self._topic.changed.notify_all()

    def _has_something(self) -> bool:
        if self._asked or self._outstanding is not None:
            return True
        return any(self._topic.read(part, at, 1) for part, at in self._positions.items() if part not in self._paused)

    def _answer_commit(self) -> None:
        commits, self._outstanding = self._outstanding, None
        if commits is None:
            return
        acknowledged = self.refuse_commits == 0 and self._log.knows(self._membership)
        self.refuse_commits = max(0, self.refuse_commits - 1)
        if acknowledged:
            self._log.commit(self._name, commits)
        if acknowledged and self.lose_answers:
            self.lose_answers -= 1
            acknowledged = False
        self._listener.on_committed(acknowledged=acknowledged)

    def _serve(self) -> None:
        with self._topic.changed:
            asked, self._asked = self._asked, []
        for what, partitions in asked:
            if what == "assign":
                self._assign(partitions)
            elif what == "revoke":
                self._revoke(partitions & self.assigned)
            else:
                lost = partitions & self.assigned
                self._forget(lost)
                self._listener.on_lost(lost)
            self._membership = self._log.moved(self._membership)

    def _assign(self, partitions: set[int]) -> None:
        starts = {partition: self._begin(partition) for partition in sorted(partitions)}
        self.starts |= starts
        self._positions |= {partition: start.offset for partition, start in starts.items()}
        self._paused |= partitions
        self._listener.on_assigned(starts)

    def _begin(self, partition: int) -> Start:
        topic = self._topic = self._log.topic(self._name)
        low, high = topic.watermarks(partition)
        commit = self._log.commits.get(self._name, {}).get(partition)
        committed, note = (None, CommitNote()) if commit is None else (commit.offset, read_note(commit.metadata))
        note = note or CommitNote()
        if note.topic_id not in {"", topic.topic_id}:
            committed, note = None, CommitNote()
        start = low if committed is not None else self._first_offset(partition, low, high)
        begin = starting_point(committed, note, low, high, start)
        return msgspec.structs.replace(begin, note=msgspec.structs.replace(begin.note, topic_id=topic.topic_id))

    def _first_offset(self, partition: int, low: int, high: int) -> int:
        if self._start.time_ms is not None:
            return self._topic.first_since(partition, self._start.time_ms)
        return high if self._start.at == "latest" else low

    def _revoke(self, partitions: set[int]) -> None:
        if not partitions:
            return
        commits = self._listener.on_revoked(partitions)
        if commits and self._log.knows(self._membership):
            self._log.commit(self._name, commits)
        self._forget(partitions)

    def _forget(self, partitions: set[int]) -> None:
        for partition in partitions:
            self._positions.pop(partition, None)
        self._paused -= partitions

    def _take(self, limit: int) -> list[Record]:
        taken: list[Record] = []
        for partition, position in self._positions.items():
            if partition in self._paused:
                continue
            records = self._topic.read(partition, position, limit - len(taken))
            if records:
                self._positions[partition] = records[-1].offset + 1
                taken += records
        return taken
