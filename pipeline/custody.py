"""What only a transaction may move: held keys and dead letters of one input of a subscription.

Shape   Custody is the consumer thread's; it hears the event loop's reports, decides with HeldKeys, has events read
        by CatchUp, and writes through Transactions: held records, tombstones and dead letters, always with the
        partition's offset and map
Order   a key is given up by the event loop (collect) before it is held, and handed back (accept) only after its
        tombstone is acknowledged
Fence   what a transaction settles is settled in the ledger when it is acknowledged, not before; a failed one is tried
        again with all that has come meanwhile. Reports that carry an old assignment number change nothing
Bounds  a transaction every FLUSH_S at most. One thread
"""

import logging
from collections.abc import Callable
from typing import Protocol

import msgspec

from pipeline.burials import Burial, Burials
from pipeline.catch_up import CatchUp, HeldSide
from pipeline.clock import SystemTimes, Times
from pipeline.commit_note import CommitNote
from pipeline.commit_notes import CommitNotes
from pipeline.errors import TransactionFailedError
from pipeline.held import HeldKey, HeldKeys, HeldPhase
from pipeline.held_record import HeldState
from pipeline.inbox import Collected, HeldEnded, ToBury, ToHold
from pipeline.item import Item
from pipeline.ledger import OffsetLedger
from pipeline.moves import Move, Names, point_of, writes_of
from pipeline.outcome import Delivered, Failed
from pipeline.ports import Batch, Commit, DeadLetter, LogReader, Record, Transactions

log = logging.getLogger(__name__)

FLUSH_S = 0.25


class EventLoopSide(HeldSide, Protocol):
    """The delivery, called from another thread; each call returns at once."""

    def collect(self, item: Item) -> None:
        """See Delivery.collect; the answer comes as a report."""

    def release(self, item: Item) -> None:
        """See Delivery.release."""


class Custody:
    """Held keys and dead letters of one input."""

    def __init__(  # noqa: PLR0913, PLR0917  all of it is its outside
        self,
        names: Names,
        ledger: OffsetLedger,
        side: EventLoopSide,
        reader: LogReader,
        transactions: Transactions,
        to_item: Callable[[Record, int], Item | None],
        accept: Callable[[list[Item]], None],
        on_written: Callable[[list[DeadLetter]], None],
        times: Times | None = None,
    ) -> None:
        """Begin without partitions.

        Args:
            to_item: makes an item of a record that was read again; None if the subscription does not want it.
            accept: takes the items of a key that is live again.
            on_written: hears which dead letters were acknowledged.
        """
        self._names = names
        self._ledger = ledger
        self._side = side
        self._transactions = transactions
        self._to_item = to_item
        self._accept = accept
        self._on_written = on_written
        self._times = times or SystemTimes()
        self._keys: dict[int, HeldKeys] = {}
        self.notes = CommitNotes(ledger, names.events, lambda: transactions.transactional_id)
        self._burials = Burials()
        self._catch_up = CatchUp(self._keys, ledger, side, reader, self._burials, to_item, self._times, names.held)
        self._waiting: dict[tuple[int, int], Record] = {}
        self._uncollected: dict[int, tuple[int, HeldKey]] = {}
        """By item: the partition, and the key whose lane has been asked for."""

        self._flushed_s = 0.0
        self._failures = 0
        self._denied = False

    def begin(self, partition: int, keys: HeldKeys, note: CommitNote) -> None:
        """Take a partition whose held keys are known."""
        self._keys[partition] = keys
        self.notes.put(partition, note)

    def forget(self, partitions: set[int]) -> None:
        """Let go of partitions."""
        self._catch_up.forget(partitions)
        self.notes.forget(partitions)
        for partition in partitions:
            self._keys.pop(partition, None)
        self._burials.forget(partitions)
        self._waiting = {where: record for where, record in self._waiting.items() if where[0] not in partitions}
        self._uncollected = {item: asked for item, asked in self._uncollected.items() if asked[0] not in partitions}

    def held_count(self) -> int:
        """How many keys are held."""
        return sum(map(len, self._keys.values()))

    def held_fullest(self) -> int:
        """How many keys the partition holds that holds most."""
        return max(map(len, self._keys.values()), default=0)

    def oldest_ms(self) -> int | None:
        """When the oldest event that waits for a held key was published; None if none does."""
        oldest = (keys.oldest_ms() for keys in self._keys.values())
        return min((one for one in oldest if one is not None), default=None)

    def full(self) -> set[int]:
        """Partitions that are not to be read on: too many keys are held, or the map hardly fits into its commit."""
        return self.notes.crowded() | {partition for partition, keys in self._keys.items() if keys.full}

    @property
    def busy(self) -> bool:
        """Whether something is to be read again soon: the caller should not sleep long."""
        return self._catch_up.busy or bool(self._burials)

    @property
    def pending(self) -> bool:
        """Whether a transaction is wanted."""
        asked_for = self._asked_for()
        return bool(self._burials) or any(
            held not in asked_for for keys in self._keys.values() for held in keys.dirty.values()
        )

    @property
    def unfinished(self) -> bool:
        """Whether a transaction is wanted, or will be when the event loop has given up a lane."""
        return self.pending or bool(self._uncollected)

    @property
    def denied(self) -> bool:
        """Whether a transaction is wanted, and the last one was refused for want of a right."""
        return self._denied and self.pending

    def intercept(self, record: Record, *, fresh: bool) -> bool:
        """Take a record whose key is not live; False if it is.

        Args:
            fresh: it was not settled before; a follower of a key that was held when the partition began is remembered
                all the same.
        """
        keys = self._keys[record.partition]
        keys.position = record.offset + 1
        held = keys.get(record.key)
        if held is None:
            return False
        if keys.arrived(held, record.offset, fresh=fresh):
            if fresh:
                self._settle(record.partition, record.offset)
        elif held.phase is HeldPhase.RELEASING:
            self._waiting[record.partition, record.offset] = record
        return True

    def commit_of(self, partition: int) -> tuple[Commit, int]:
        """What a commit of this partition says, and the version of its snapshot."""
        return self.notes.commit(partition, self.notes.of(partition))

    def to_hold(self, report: ToHold) -> None:
        """The event loop wants a key held: from now on its records stay here, and its lane is asked for."""
        item = report.item
        keys = self._current(item)
        if keys is None or keys.get(item.record.key) is not None:
            return
        state = HeldState(
            item.record.offset,
            item.attempts,
            item.first_attempt_ms or 0,
            item.last_attempt_ms or 0,
            report.due_ms,
            (0,),
            keys.position - 1,
            published_ms=item.record.timestamp_ms,
        )
        self._uncollected[id(item)] = item.record.partition, keys.hold(item.record.key, state)
        self._side.collect(item)

    def collected(self, report: Collected) -> None:
        """The lane has come: its events are followers, before those that arrived since."""
        _, held = self._uncollected.pop(id(report.item), (0, None))
        if held is None:
            return
        later = list(held.known)[1:]
        held.known.clear()
        held.known.append(report.item.record.offset)
        held.known.extend(item.record.offset for item in report.followers)
        held.known.extend(later)

    def to_bury(self, report: ToBury) -> None:
        """An item's last attempt failed, or it cannot be delivered at all."""
        if self._current(report.item) is not None:
            self._burials.add(report.item, report.letter)

    def held_ended(self, report: HeldEnded) -> None:
        """An attempt for a held key has ended."""
        item = report.item
        keys = self._current(item)
        held = None if keys is None else keys.get(item.record.key)
        if keys is None or held is None or held.phase is not HeldPhase.OUT:
            return
        now_ms = self._times.now_ms()
        held.published_ms = item.record.timestamp_ms
        self._catch_up.ended(held, all_of_them=not report.goes_on)
        if report.letter is not None:
            HeldKeys.alone(held)
            self._burials.add(item, report.letter, held)
        elif isinstance(report.outcome, Failed) and report.due_ms is not None:
            keys.failed(held, now_ms, report.due_ms)
        elif isinstance(report.outcome, Delivered | Failed):
            keys.settled(held, now_ms)
            self._catch_up.go_on(item.record.partition, held)
        else:
            keys.not_attempted(held)

    def tick(self) -> None:
        """Read on, attempt what is due, begin to release: a little at a time."""
        self._catch_up.read()
        self._catch_up.tick()

    def flush_due(self) -> bool:
        """Whether a transaction is wanted and may be made."""
        wait_s = FLUSH_S * 2 ** min(self._failures, 6)
        due = self.pending and self._times.monotonic_s() - self._flushed_s >= wait_s
        return due and self._transactions.ready()

    def flush(self, group_metadata: object) -> bool:
        """Make the transaction; whether it was acknowledged.

        The caller has no plain commit outstanding, and has not polled since it took the metadata.

        Raises:
            TransactionFailedError: nobody knows what it came to; the partitions must begin again.
        """
        self._flushed_s = self._times.monotonic_s()
        moves = [self._moves_of(partition, keys) for partition, keys in self._keys.items()]
        moves = [move for move in moves if move.wanted]
        burials = self._burials.some()
        writes = writes_of(self._names, self._keys, moves, burials)
        batch = Batch(writes, self._names.events, self._commits(moves, burials), point_of(moves, burials))
        if not batch.commits:
            return True
        try:
            written = self._transactions.run(batch, group_metadata)
        except TransactionFailedError as error:
            self._failures += 1
            if error.unknown:
                raise
            self._denied = error.access
            if error.note_too_large:
                self.notes.shorten()
            log.warning("transaction_aborted", extra={"topic": self._names.events, "error": str(error)})
            if error.refused and burials:
                self._burials.refused(burials, str(error))
            for move in moves:
                self._release_failed(move)
            return False
        self._failures = 0
        self._denied = False
        self.notes.written(self._names.held, written)
        self._acknowledged(moves, burials)
        return True

    def close(self) -> None:
        """Let go of the clients."""
        self._catch_up.close()
        self._transactions.close()

    def _current(self, item: Item) -> HeldKeys | None:
        """The held keys of the item's partition, if that is still of the same assignment."""
        partition = item.record.partition
        if self._ledger.assignment(partition) != item.assignment:
            return None
        return self._keys.get(partition)

    def _settle(self, partition: int, offset: int) -> None:
        assignment = self._ledger.assignment(partition)
        if assignment is not None:
            self._ledger.settle(partition, assignment, offset)

    def _asked_for(self) -> set[HeldKey]:
        """Keys whose lanes the event loop has not given up yet: they cannot be written."""
        return {held for _, held in self._uncollected.values()}

    def _moves_of(self, partition: int, keys: HeldKeys) -> Move:
        asked_for = self._asked_for()
        held = [one for one in keys.dirty.values() if one not in asked_for]
        also = [offset for one in held if one.phase is HeldPhase.HOLDING for offset in one.known]
        return Move(partition, keys, held, also)

    def _commits(self, moves: list[Move], burials: list[Burial]) -> dict[int, Commit]:
        also: dict[int, set[int]] = {move.partition: set(move.also) for move in moves}
        for burial in burials:
            settled = also.setdefault(burial.item.record.partition, set())
            if burial.held is None:
                settled.add(burial.item.record.offset)
        return {
            part: self.notes.commit(part, self._note_after(part, moves), settled)[0] for part, settled in also.items()
        }

    def _note_after(self, partition: int, moves: list[Move]) -> CommitNote:
        """What commits say once these moves are acknowledged; until then they say what is so without them."""
        released = sum(
            held.phase is HeldPhase.RELEASING for move in moves if move.partition == partition for held in move.held
        )
        holding = sum(
            where == partition and held.phase is HeldPhase.HOLDING for where, held in self._uncollected.values()
        )
        return msgspec.structs.replace(
            self.notes.of(partition), held_keys=len(self._keys[partition]) - released - holding
        )

    def _acknowledged(self, moves: list[Move], burials: list[Burial]) -> None:
        for move in moves:
            self.notes.put(move.partition, self._note_after(move.partition, moves))
        for move in moves:
            for offset in move.also:
                self._settle(move.partition, offset)
            for held in move.held:
                self._key_acknowledged(move, held)
        self._burials.written(burials)
        now_ms = self._times.now_ms()
        for burial in burials:
            record = burial.item.record
            if burial.held is None:
                self._settle(record.partition, record.offset)
                self._side.release(burial.item)
            else:
                keys = self._keys[record.partition]
                keys.settled(burial.held, now_ms)
                keys.dirty.pop(burial.held.key, None)  # written with the dead letter
                self._catch_up.go_on(record.partition, burial.held)
        if burials:
            self._on_written([burial.letter for burial in burials])

    def _key_acknowledged(self, move: Move, held: HeldKey) -> None:
        phase = held.phase
        if move.keys.dirty.get(held.key) is held:
            del move.keys.dirty[held.key]
        waiting = move.keys.acknowledged(held)
        if phase is HeldPhase.RELEASING:
            assignment = self._ledger.assignment(move.partition)
            records = [self._waiting.pop((move.partition, offset)) for offset in waiting]
            items = []
            for record in records:
                item = None if assignment is None else self._to_item(record, assignment)
                if item is None:
                    self._settle(record.partition, record.offset)
                else:
                    items.append(item)
            if items:
                self._accept(items)

    def _release_failed(self, move: Move) -> None:
        for held in move.held:
            if held.phase is HeldPhase.RELEASING:
                for offset in move.keys.release_failed(held):
                    self._waiting.pop((move.partition, offset), None)
                    self._settle(move.partition, offset)
