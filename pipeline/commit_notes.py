"""What a commit of each partition says: the offset, the map beyond it, and a note about what was held.

Shape   CommitNotes is the consumer thread's; commit(partition, note, also) -> what to commit, and of which snapshot
Bounds  a note is cut to what the broker takes; a partition whose note fills most of that is crowded: nothing more is
        read of it until the note has become shorter, but for what its map already tells
"""

import logging
from collections.abc import Callable, Collection

import msgspec

from pipeline.commit_note import MAX_BYTES, CommitNote, write_fitting
from pipeline.ledger import OffsetLedger
from pipeline.ports import Commit, Written

log = logging.getLogger(__name__)

CROWDED = 0.75
"""Of the bytes of a commit's metadata, from which on nothing more is read until it has become shorter."""

LEAST_BYTES = 100

FEW = 200
"""So many unsettled events cannot fill what is left of it. A map that was restored so long is read through."""


class CommitNotes:
    """Of one input."""

    def __init__(self, ledger: OffsetLedger, topic: str, transactional_id: Callable[[], str]) -> None:
        self._ledger = ledger
        self._topic = topic
        self._transactional_id = transactional_id
        self._notes: dict[int, CommitNote] = {}
        self._crowded: set[int] = set()
        self._bytes = MAX_BYTES

    def put(self, partition: int, note: CommitNote) -> None:
        """From now on commits say this."""
        self._notes[partition] = note

    def forget(self, partitions: set[int]) -> None:
        """Let go of partitions."""
        self._crowded -= partitions
        for partition in partitions:
            self._notes.pop(partition, None)

    def of(self, partition: int) -> CommitNote:
        """What a commit of this partition says beside its map."""
        return msgspec.structs.replace(self._notes[partition], transactional_id=self._transactional_id())

    def commit(self, partition: int, note: CommitNote, also: Collection[int] = ()) -> tuple[Commit, int]:
        """What to commit, were these offsets settled too, and the version of its snapshot."""
        snapshot = self._ledger.snapshot(partition, also)
        text = write_fitting(msgspec.structs.replace(note, runs=snapshot.runs), self._bytes)
        if len(text) <= self._bytes * CROWDED:
            self._crowded.discard(partition)
        else:
            self._crowded.add(partition)
        return Commit(snapshot.offset, text), snapshot.version

    def crowded(self) -> set[int]:
        """Partitions whose map hardly fits into its commit."""
        return {partition for partition in self._crowded if self._ledger.outstanding(partition) > FEW}

    def shorten(self) -> None:
        """The broker takes no metadata of that length (`offset.metadata.max.bytes`): say less from now on."""
        shorter = self._bytes // 2
        self._bytes = shorter if shorter >= LEAST_BYTES else 0
        log.error("commit_metadata_refused", extra={"topic": self._topic, "bytes": self._bytes})

    def written(self, held_topic: str, written: Written) -> None:
        """How far the topic of held keys is written: so far a successor must read it."""
        for partition, note in self._notes.items():
            offset = written.get((held_topic, partition), -1)
            if offset > note.held_offset:
                self._notes[partition] = msgspec.structs.replace(note, held_offset=offset)
