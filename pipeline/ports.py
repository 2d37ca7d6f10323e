"""What the delivery asks of the outside: a source of records, two readers, transactions, an endpoint.

Each is kept by a Kafka or HTTP adapter and by a double in adapters/memory/; one suite of contract tests holds both.
"""

from collections.abc import Callable
from typing import Protocol

import msgspec

from pipeline.commit_note import CommitNote
from pipeline.headers import Headers
from pipeline.outcome import Outcome


class Record(msgspec.Struct, frozen=True, gc=False):
    """A record of an event topic, as it was read."""

    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Headers
    timestamp_ms: int


class Start(msgspec.Struct, frozen=True):
    """Where a partition begins.

    Attributes:
        offset: of the first record to read.
        note: what the group's last commit says beside the offset; empty if there was none, or of another topic.
        lost: how many offsets the group had not seen and the log no longer has.
        anew: the topic was deleted and made again: what was held of its former self is void.
        end: of the log, when the partition was assigned: what was noted of offsets from there on is void, for an
            unclean election may have cut the log. None if nobody asked.
    """

    offset: int
    note: CommitNote = CommitNote()
    lost: int = 0
    anew: bool = False
    end: int | None = None


class Commit(msgspec.Struct, frozen=True):
    """What to commit for a partition."""

    offset: int
    metadata: str = ""


class SourceListener(Protocol):
    """Told about partitions, always from within Source.poll or Source.close, on their thread."""

    def on_assigned(self, starts: dict[int, Start]) -> None:
        """Partitions that are ours from now on, and where each begins. Must not block.

        Raises:
            AccessRefusedError: they cannot begin yet; it will be told of them again.
        """

    def on_revoked(self, partitions: set[int]) -> dict[int, Commit]:
        """Partitions that are about to go. May block for a short drain; returns what to commit before they go."""

    def on_lost(self, partitions: set[int]) -> None:
        """Partitions that are gone already: nothing of them can be committed."""

    def on_committed(self, *, acknowledged: bool, too_large: bool = False) -> None:
        """The verdict on the commit that was begun; too_large where the broker takes no metadata of that length."""


class Source(Protocol):
    """The records of one topic, for one consumer group. One thread calls it."""

    def poll(self, limit: int, timeout_s: float) -> list[Record]:
        """Up to `limit` records in order of their partitions; empty after `timeout_s`. Serves the listener."""
        ...

    def commit(self, commits: dict[int, Commit]) -> None:
        """Begin to commit; the listener hears the verdict from a later poll. Does not block."""
        ...

    def commit_outstanding(self) -> bool:
        """Whether a commit has been begun and not been answered."""
        ...

    def set_paused(self, partitions: set[int]) -> None:
        """Return no records of these partitions, and of no others; newly assigned ones begin paused."""

    def reach(self, partitions: list[int]) -> dict[int, tuple[int, int]]:
        """How far these have been read, and where their logs end, open transactions included, as far as is known.

        A partition of which nothing is known yet is left out. Does not block: what it tells may be seconds old.
        """
        ...

    def group_metadata(self) -> object:
        """Who we are in the group: fences a transaction's offsets. Valid until the next poll."""
        ...

    def restart(self) -> None:
        """Begin every partition again at its committed offset; the listener hears on_lost, then on_assigned."""

    def close(self) -> None:
        """Leave the group; the listener hears on_revoked first. Blocks for seconds at most."""


class Missing(msgspec.Struct, frozen=True):
    """An offset that the log does not have any more: compacted or expired."""

    partition: int
    offset: int


class Scanned(msgspec.Struct, frozen=True):
    """The end of a scan: the offsets of each key asked for, in order."""

    partition: int
    found: dict[bytes | None, list[int]]


Found = Record | Missing | Scanned


class LogReader(Protocol):
    """Reads records of one topic again, by offset. One thread calls it; no method blocks but close()."""

    @property
    def busy(self) -> bool:
        """Whether something that was asked for has not come back."""
        ...

    def want(self, partition: int, offset: int) -> None:
        """Ask for one record: it comes back from step(), as Record or, if the log has lost it, as Missing.

        What is asked for in ascending order comes back in that order; asked again, it comes again.
        """

    def scan(self, partition: int, start: int, end: int, keys: set[bytes | None]) -> None:
        """Ask for the offsets of these keys in [start, end): they come back as one Scanned.

        What the log has lost at the beginning of that part is left out; the rest is found.
        """

    def forget(self, partitions: set[int]) -> None:
        """Drop what was asked of these partitions: nothing of it comes back."""

    def step(self) -> list[Found]:
        """Read a little; empty when nothing lies ready. An unreachable broker is waited out: nothing comes back."""
        ...

    def close(self) -> None:
        """Let go of the client; blocks for seconds at most."""


class HeldEnd(msgspec.Struct, frozen=True):
    """How far a partition of held keys goes.

    Attributes:
        offset: of the next record, open transactions included.
        topic_id: of the topic; empty where nobody tells it now.
    """

    offset: int
    topic_id: str


class HeldReader(Protocol):
    """Reads the held partitions of one input back, from the first record to what was the end when begin() was called.

    One thread calls it.
    """

    @property
    def reading(self) -> bool:
        """Whether a partition is not read to its end."""
        ...

    def begin(self, owners: dict[int, str]) -> dict[int, HeldEnd]:
        """Begin to read partitions; asked again for one that is being read, begin anew.

        Args:
            owners: by partition of the topic of held keys, the transactional id whose transaction may still be open
                there; empty for nobody's.

        Returns:
            How far each goes; to there it will be read.

        Raises:
            PipelineError: nobody says so. May block for seconds.
        """
        ...

    def forget(self, partitions: set[int]) -> None:
        """Stop reading them."""

    def step(self) -> tuple[list[tuple[int, int, bytes | None, bytes | None]], list[int]]:
        """Read a little.

        Returns:
            (partition, offset, key, value) of each committed record, in order of their partitions, and the partitions
            that are read to their end, each once, with or after its last record. Does not block, but where an open
            transaction hides the end it may take seconds to end that.
        """
        ...

    def close(self) -> None:
        """Let go of the client; blocks for seconds at most."""


ANY_PARTITION = -1
"""The partitioner decides, by the key."""


class Write(msgspec.Struct, frozen=True):
    """One record of a transaction; a None value is a tombstone."""

    topic: str
    partition: int
    key: bytes | None
    value: bytes | None
    headers: Headers = []


class Batch(msgspec.Struct, frozen=True):
    """What one transaction moves: records, and the offsets of one topic's partitions, each with its note."""

    writes: list[Write]
    topic: str
    commits: dict[int, Commit]
    kill_point: str = "in-held-transaction"


Written = dict[tuple[str, int], int]
"""By topic and partition the offset of the last record of a transaction."""


class Transactions(Protocol):
    """Moves batches, each wholly or not at all. One thread calls it."""

    @property
    def transactional_id(self) -> str:
        """Whose transaction the next run() makes: it stands in each note, so that a successor can end what was left."""
        ...

    def ready(self) -> bool:
        """Whether run() would begin at once; if not, what it needs is being made meanwhile. Does not block."""
        ...

    def run(self, batch: Batch, group_metadata: object) -> Written:
        """Move a batch in the name of the group's member. Blocks until there is a verdict.

        Returns:
            How far the topics were written.

        Raises:
            TransactionFailedError: nothing of it is in the log, or nobody will ever see it: the member was replaced
                (its metadata is stale), a record was refused, the broker does not go along. It may be tried again.
        """
        ...

    def close(self) -> None:
        """Let go of the client; blocks for seconds at most."""


class Cancellable(Protocol):
    """An attempt that is out."""

    def cancel(self) -> None:
        """Cut it short; its outcome is Abandoned, or Delivered if the head of a 2xx is already here."""


class Push(msgspec.Struct, frozen=True, gc=False):
    """One request to an endpoint.

    Attributes:
        traceparent: sent along as it is; empty for none.
        tags: for x-cmq-message-tag, as they stand in that line; empty for none.
    """

    msg_id: str
    body: bytes
    traceparent: bytes = b""
    tags: bytes = b""


class Endpoint(Protocol):
    """Where an HTTP subscription sends. The event loop's thread calls it."""

    def post(self, push: Push, on_outcome: Callable[[Outcome], None]) -> Cancellable:
        """Attempt once; on_outcome is called exactly once, later, within the endpoint's deadline."""
        ...

    def close(self) -> None:
        """Let go of the idle connections."""


class DeadLetter(msgspec.Struct, frozen=True):
    """An event that its subscription could not be given.

    Attributes:
        record: the original, byte for byte.
        reason: `exhausted: status 503`, `undecodable: …`.
        status: the last HTTP status, where there was one.
        attempts: how many there were.
        first_attempt_ms, last_attempt_ms: Unix milliseconds; None without an attempt.
        excerpt: the beginning of the last answer's body.
    """

    record: Record
    reason: str
    status: int | None = None
    attempts: int = 0
    first_attempt_ms: int | None = None
    last_attempt_ms: int | None = None
    excerpt: bytes = b""
