"""The consumer thread's half of an HTTP subscription: read, hand over, commit.

Shape   HttpSubscriptionLoop.run() until the stop request: poll the source, hand the records of live keys to the event
        loop in batches and those of held keys to custody; take reports back in batches; commit
Bounds  room.py. Full means: wait shortly for room; if none comes pause, and go on polling, so that the group keeps us
Start   a partition is paused until its held keys are known
Stop    intake, in flight, hold what waits for a retry, commit, leave: within the one deadline of the stop request
Errors  PipelineError from the source ends run(); whoever started the thread tells the process
"""

import logging
import threading
from collections.abc import Callable
from typing import Protocol

import msgspec

from pipeline.clock import SystemTimes, Times
from pipeline.commit_gate import CommitGate
from pipeline.custody import Custody, EventLoopSide
from pipeline.errors import TransactionFailedError
from pipeline.figures import Figures
from pipeline.health import Vital
from pipeline.inbox import Collected, HeldEnded, Inbox, Settled, ToBury, ToHold
from pipeline.item import EXPIRED, Item
from pipeline.kill_point import kill_point
from pipeline.ledger import OffsetLedger
from pipeline.looks import Looks
from pipeline.metrics import Metrics
from pipeline.ports import Commit, HeldReader, Record, Source, Start
from pipeline.prepare import Preparation
from pipeline.restoring import Restoring
from pipeline.room import Bounds, Room
from pipeline.stop import StopRequest
from pipeline.subscription import Subscription

log = logging.getLogger(__name__)

POLL_S = 0.05
BUSY_POLL_S = 0.005
ROOM_WAIT_S = 0.1
PATIENCE_S = 0.5
"""A pause throws away what was fetched ahead, and what follows it waits for a fetch: pause if no room comes soon."""

COMMIT_EVERY_S = 0.5
REVOKE_BUDGET_S = 2.0
STOP_RESERVE_S = 1.5
"""Of the grace period, what is kept for the commit and for leaving the group."""


class DrainingSide(EventLoopSide, Protocol):
    """The delivery, called from another thread; each call returns at once."""

    def accept(self, items: list[Item]) -> None:
        """See Delivery.accept."""

    def revoke(self, partitions: set[int], when_quiet: Callable[[], None]) -> None:
        """See Delivery.revoke."""

    def drain(self, when_quiet: Callable[[], None]) -> None:
        """See Delivery.drain."""

    def abandon(self, when_done: Callable[[int], None]) -> None:
        """See Delivery.abandon; when_done hears how many attempts were cut."""

    def pump(self) -> None:
        """See Delivery.pump."""


class Committing(msgspec.Struct, frozen=True):
    """A plain commit that is on its way."""

    versions: dict[int, tuple[int, int]]
    """Of each partition the number of its assignment and the version of its snapshot."""

    sent_s: float


class HttpSubscriptionLoop:
    """Reads for one input of an HTTP subscription and commits what its delivery has settled."""

    def __init__(  # noqa: PLR0913, PLR0917  all of it is its outside
        self,
        subscription: Subscription,
        make_source: Callable[["HttpSubscriptionLoop"], Source],
        make_custody: Callable[["HttpSubscriptionLoop", OffsetLedger], Custody],
        held_reader: HeldReader,
        prepare: Preparation,
        side: DrainingSide,
        inbox: Inbox,
        gate: CommitGate,
        stop: StopRequest,
        vital: Vital,
        metrics: Metrics,
        source: int,
        bounds: Bounds,
        times: Times | None = None,
    ) -> None:
        self.name = subscription.label
        self.abandoned = 0
        self._max_age_ms = int(subscription.http.max_age_s * 1000) if subscription.http else 0
        self._prepare = prepare
        self._side = side
        self._inbox = inbox
        self._gate = gate
        self._stop = stop
        self._vital = vital
        self._times = times or SystemTimes()
        self._ledger = OffsetLedger()
        self._room = Room(self._ledger, bounds)
        self._restoring = Restoring(held_reader, source, subscription.label)
        self._begin_again = False
        self._committing: Committing | None = None
        self._committed_s = 0.0
        self._had_room_s = 0.0
        self._seen_below: dict[int, int] = {}
        """By partition: up to here the last owner had read."""

        self._received = metrics.received.labels(self.name)
        self._figures = Figures(metrics, self.name, self._times)
        self._custody = make_custody(self, self._ledger)
        self._source = make_source(self)
        self._looks = Looks(self._source, self._ledger, self._restoring, self._custody, self._figures, self._times)

    def run(self) -> None:
        """Deliver until the stop request, then drain.

        Raises:
            PipelineError: the source cannot go on.
        """
        try:
            while not self._stop.requested:
                self._turn()
            self._drain()
        finally:
            self._source.close()
            self._restoring.close()
            self._custody.close()

    def _turn(self) -> None:
        self._vital.turned()
        self._figures.turned()
        if self._begin_again:
            self._begin_again = False
            with self._figures.restarting():
                self._source.restart()
        self._take_reports()
        self._custody.tick()
        self._restore_a_little()
        self._looks.look()
        self._commit_when_due()
        if self._room.there:
            self._had_room_s = self._times.monotonic_s()
            self._source.set_paused(self._paused_partitions())
            busy = self._custody.busy or self._restoring.reading
            records = self._source.poll(self._room.limit(), BUSY_POLL_S if busy else POLL_S)
            if records:
                kill_point("after-fetch")
            self._hand_over(records)
            return
        self._await_room()

    def _await_room(self) -> None:
        self._inbox.wait(ROOM_WAIT_S, self._room.step)
        self._take_reports()
        if not self._room.there and self._times.monotonic_s() - self._had_room_s > PATIENCE_S:
            self._source.set_paused(set(self._ledger.assigned()))
            self._hand_over(self._source.poll(1, 0.0))

    def _paused_partitions(self) -> set[int]:
        return self._room.full() | set(self._restoring) | self._custody.full()

    def _hand_over(self, records: list[Record]) -> None:
        items: list[Item] = []
        for record in records:
            assignment = self._ledger.assignment(record.partition)
            if assignment is None:
                continue  # read before a revocation that the same poll served
            if record.partition in self._restoring:
                self._restoring.early(record)
                continue
            fresh = self._ledger.received(record.partition, record.offset, record.timestamp_ms)
            if self._custody.intercept(record, fresh=fresh) or not fresh:
                continue
            seen = record.offset < self._seen_below.get(record.partition, 0)
            items.append(Item(record, assignment, refused=self._prepare.ahead(record), seen=seen))
        if records:
            self._received.inc(len(records))
        if items:
            self.accept(items)

    def accept(self, items: list[Item]) -> None:
        """Hand items of live keys to the event loop; they count until they are settled or in custody."""
        self._room.fill(items)
        self._side.accept(items)

    def to_item(self, record: Record, assignment: int) -> Item | None:
        """An item of a record that was read again, ready to be attempted; None if the subscription does not want it."""
        item = Item(record, assignment)
        self._prepare(item)
        if self._max_age_ms and self._times.now_ms() - record.timestamp_ms > self._max_age_ms:
            item.refused = EXPIRED
        return None if item.unwanted else item

    def _take_reports(self) -> None:
        for report in self._inbox.take():
            match report:
                case Settled(item):
                    self._room.free(item)
                    self._ledger.settle(item.record.partition, item.assignment, item.record.offset)
                case ToHold():
                    self._custody.to_hold(report)
                case Collected(item, followers):
                    self._room.free(item, *followers)
                    self._custody.collected(report)
                case ToBury(item):
                    self._room.free(item)
                    self._custody.to_bury(report)
                case HeldEnded():
                    self._custody.held_ended(report)

    def _commit_when_due(self) -> None:
        if self._source.commit_outstanding():
            return
        now_s = self._times.monotonic_s()
        if self._custody.flush_due():
            if self._flush():
                self._renew_gate(now_s)
            return
        since_s = now_s - self._committed_s
        changed = self._ledger.changed()
        if (changed and since_s >= COMMIT_EVERY_S) or since_s >= self._gate.renew_every_s:
            self._committed_s = now_s
            self._commit(changed or [part for part in self._ledger.assigned() if part not in self._restoring][:1])

    def _flush(self) -> bool:
        """Make custody's transaction; whether it was acknowledged."""
        try:
            acknowledged = self._custody.flush(self._source.group_metadata())
        except TransactionFailedError as error:
            log.warning("transaction_unknown", extra={"subscription": self.name, "error": str(error)})
            self._figures.transaction("unknown")
            self._begin_again = True
            return False
        self._figures.transaction("committed" if acknowledged else "aborted")
        return acknowledged

    def _commit(self, partitions: list[int]) -> None:
        """Begin a plain commit; never while a transaction is open, never two at once."""
        commits = {part: self._custody.commit_of(part) for part in partitions if part not in self._restoring}
        if not commits:
            return
        versions = {part: (self._ledger.assignment(part) or 0, version) for part, (_, version) in commits.items()}
        self._committing = Committing(versions, self._times.monotonic_s())
        self._source.commit({part: commit for part, (commit, _) in commits.items()})
        kill_point("during-commit")

    def _renew_gate(self, sent_s: float) -> None:
        reopened = not self._gate.is_open(self._times.monotonic_s())
        self._gate.renewed(sent_s)
        if reopened:
            self._side.pump()

    def on_assigned(self, starts: dict[int, Start]) -> None:
        """Begin partitions, paused until their held keys are known."""
        self._restoring.begin(starts)
        for partition, start in starts.items():
            ranges = list(start.note.settled_ranges(start.offset))
            self._ledger.assign(partition, start.offset, ranges)
            self._seen_below[partition] = ranges[-1][1] if ranges else 0
        self._renew_gate(self._times.monotonic_s())
        self._figures.moved("assigned", starts)
        log.info("partitions_assigned", extra={"subscription": self.name, "partitions": sorted(starts)})

    def _restore_a_little(self) -> None:
        for restored in self._restoring.step():
            self._custody.begin(restored.partition, restored.keys, restored.note)
            self._hand_over(restored.early)
            kill_point("at-start")
        shut = bool(self._ledger.assigned()) and not self._gate.is_open(self._times.monotonic_s())
        self._vital.unfit(shut or bool(self._restoring.unfit) or self._custody.denied)

    def on_revoked(self, partitions: set[int]) -> dict[int, Commit]:
        """Let what is out of these partitions end, for a short while; then let go of them."""
        budget_s = min(REVOKE_BUDGET_S, self._stop.left_s()) if self._stop.requested else REVOKE_BUDGET_S
        quiet = threading.Event()
        self._side.revoke(partitions, quiet.set)
        quiet.wait(budget_s)
        self._take_reports()
        kill_point("in-revoke")
        if self._custody.pending and not self._source.commit_outstanding():
            self._flush()
        commits = {part: self._custody.commit_of(part)[0] for part in self._ledger.changed() if part in partitions}
        self._forget(partitions)
        self._figures.moved("revoked", partitions)
        log.info("partitions_revoked", extra={"subscription": self.name, "partitions": sorted(partitions)})
        return commits

    def on_lost(self, partitions: set[int]) -> None:
        """Drop partitions that are somebody else's already."""
        self._side.revoke(partitions, lambda: None)
        self._take_reports()
        self._forget(partitions)
        self._figures.moved("lost", partitions)

    def on_committed(self, *, acknowledged: bool, too_large: bool = False) -> None:
        """The plain commit has its verdict."""
        if too_large:
            self._custody.notes.shorten()
        committing, self._committing = self._committing, None
        if committing is not None and acknowledged:
            for partition, (assignment, version) in committing.versions.items():
                self._ledger.committed(partition, assignment, version)
            self._renew_gate(committing.sent_s)
            self._figures.committed()

    def _forget(self, partitions: set[int]) -> None:
        for partition in partitions:
            self._room.forget(partition)
            self._ledger.revoke(partition)
        self._custody.forget(partitions)
        self._restoring.forget(partitions)
        self._looks.forget(partitions)

    def _drain(self) -> None:
        quiet = threading.Event()
        self._side.drain(quiet.set)
        while not quiet.is_set() and self._stop.left_s() > STOP_RESERVE_S:
            self._vital.turned()
            quiet.wait(POLL_S)
            self._take_reports()
        kill_point("in-drain")
        if not quiet.is_set():
            self._abandon()
        self._commit_all()

    def _abandon(self) -> None:
        done = threading.Event()

        def cut(attempts: int) -> None:
            self.abandoned += attempts
            done.set()

        self._side.abandon(cut)
        done.wait(STOP_RESERVE_S)

    def _commit_all(self) -> None:
        """Commit what is left, transactions first, and wait for the answers as long as there is time."""
        while self._stop.left_s() > 0 and not self._begin_again:
            self._take_reports()
            if not self._source.commit_outstanding():
                if self._custody.pending:
                    self._flush()
                elif changed := self._ledger.changed():
                    self._commit(changed)
                elif not self._custody.unfinished:
                    break
            self._source.set_paused(set(self._ledger.assigned()))
            self._source.poll(1, BUSY_POLL_S)
        else:
            log.error("not_committed", extra={"subscription": self.name, "partitions": self._ledger.changed()})
            self.abandoned += 1
