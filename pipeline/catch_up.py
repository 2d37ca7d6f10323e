"""The events of held keys, read again from the log and handed over to be attempted.

Shape   CatchUp, one for an input: tick() begins what is due, read() takes what a LogReader has found, go_on(key) begins
        the next run of a key at once, ended(key) hears that the delivery is through with one or all of its events
Runs    up to RUN next events of a key are read and handed over together; the delivery attempts them one after the other
        and gives the rest back when one fails. Where the offsets of a key are not known the log is scanned
Bounds  of all keys together at most MAX_BYTES lie with the delivery, and one event of each key beyond that; one thread
"""

import logging
from collections import deque
from collections.abc import Callable, Mapping
from typing import Protocol

from pipeline.burials import Burials
from pipeline.clock import Times
from pipeline.held import HeldKey, HeldKeys, HeldPhase
from pipeline.item import Item
from pipeline.ledger import OffsetLedger
from pipeline.ports import DeadLetter, LogReader, Missing, Record, Scanned

log = logging.getLogger(__name__)

TICK_S = 0.05
DUE_AT_ONCE = 256
MAX_BYTES = 8 << 20


class HeldSide(Protocol):
    """The delivery, called from another thread; each call returns at once."""

    def accept_held(self, items: list[Item]) -> None:
        """See Delivery.accept_held."""


class CatchUp:
    """Reads for the held keys of one input."""

    def __init__(
        self,
        keys: Mapping[int, HeldKeys],
        ledger: OffsetLedger,
        side: HeldSide,
        reader: LogReader,
        burials: Burials,
        to_item: Callable[[Record, int], Item | None],
        times: Times,
        held_topic: str,
    ) -> None:
        """Begin with nothing to read.

        Args:
            held_topic: for logs: it says whose keys these are.
            keys: the held keys by partition; the owner changes it.
            burials: takes what cannot be delivered.
            to_item: makes an item of a record that was read again; None if the subscription does not want it.
        """
        self._keys = keys
        self._ledger = ledger
        self._side = side
        self._reader = reader
        self._burials = burials
        self._to_item = to_item
        self._times = times
        self._held_topic = held_topic
        self._ticked_s = 0.0
        self._out: dict[HeldKey, deque[tuple[int, int]]] = {}
        """Of each key what is with the delivery, in order: its size, and when it was published."""

        self._bytes = 0

    @property
    def busy(self) -> bool:
        """Whether something is to be read, or to be heard of, soon."""
        return bool(self._out) or self._reader.busy

    def tick(self) -> None:
        """Begin what is due, a little at a time."""
        now_s = self._times.monotonic_s()
        if now_s - self._ticked_s < TICK_S:
            return
        self._ticked_s = now_s
        now_ms = self._times.now_ms()
        for partition, keys in self._keys.items():
            if self._bytes < MAX_BYTES:
                for held in keys.due(now_ms, DUE_AT_ONCE):
                    self.go_on(partition, held)
            keys.caught_up()
            if (scan := keys.begin_scan()) is not None:
                start, end, needy = scan
                self._reader.scan(partition, start, end, {held.key for held in needy})

    def go_on(self, partition: int, held: HeldKey) -> None:
        """Read the key's next events, if it has some that are known and none that are out."""
        if held.phase is HeldPhase.HELD and held.known:
            for offset in HeldKeys.begin_run(held):
                self._reader.want(partition, offset)

    def ended(self, held: HeldKey, *, all_of_them: bool) -> None:
        """The delivery is through with the key's next event, or with all that it had of the key."""
        out = self._out.get(held)
        while out:
            self._bytes -= out.popleft()[0]
            if not all_of_them:
                break
        if out:
            held.published_ms = out[0][1]
        else:
            self._out.pop(held, None)

    def read(self) -> None:
        """Take what the reader has found, and hand over what may be attempted."""
        items: list[Item] = []
        for found in self._reader.step():
            match found:
                case Record():
                    self._found(found, items)
                case Missing(partition, offset):
                    self._missing(partition, offset)
                case Scanned(partition, by_key):
                    self._scanned(partition, by_key)
        if items:
            self._side.accept_held(items)

    def forget(self, partitions: set[int]) -> None:
        """Let go of partitions; their keys are still where they were."""
        self._reader.forget(partitions)
        for partition in partitions & self._keys.keys():
            for held in self._keys[partition]:
                self.ended(held, all_of_them=True)

    def close(self) -> None:
        """Let go of the client."""
        self._reader.close()

    def _found(self, record: Record, items: list[Item]) -> None:
        keys, assignment = self._keys.get(record.partition), self._ledger.assignment(record.partition)
        held = None if keys is None else keys.get(record.key)
        if keys is None or assignment is None or held is None or not held.expects(record.offset):
            return
        item = self._to_item(record, assignment)
        if item is None:
            keys.skipped(held, self._times.now_ms())
        elif item.refused is not None:
            self._refused(item, item.refused, held)
        elif self._bytes >= MAX_BYTES and held.handed:
            HeldKeys.end_run(held)
        else:
            self._hand_over(item, held)
            items.append(item)

    def _hand_over(self, item: Item, held: HeldKey) -> None:
        item.held = True
        if held.handed == 0:
            item.attempts = held.attempts
            item.first_attempt_ms = held.first_attempt_ms or None
            held.published_ms = item.record.timestamp_ms
        held.handed += 1
        self._out.setdefault(held, deque()).append((item.size, item.record.timestamp_ms))
        self._bytes += item.size

    def _refused(self, item: Item, reason: str, held: HeldKey) -> None:
        """The key's turn comes to an event that cannot be delivered: a dead letter, once those before it are done."""
        if held.handed == 0:
            tried = held.first_attempt_ms or None, held.last_attempt_ms or None
            self._burials.add(item, DeadLetter(item.record, reason, None, held.attempts, *tried), held)
        HeldKeys.end_run(held)

    def _missing(self, partition: int, offset: int) -> None:
        """The log has lost a held event: retention is shorter than its retries. Say so, and go on."""
        log.error("held_event_lost", extra={"topic": self._held_topic, "partition": partition, "offset": offset})
        keys = self._keys.get(partition)
        for held in [] if keys is None else keys.expecting(offset):
            keys.skipped(held, self._times.now_ms())  # type: ignore[union-attr]  # there are none without keys

    def _scanned(self, partition: int, by_key: dict[bytes | None, list[int]]) -> None:
        keys = self._keys.get(partition)
        for key, offsets in by_key.items():
            held = None if keys is None else keys.get(key)
            if held is not None and held.scanning:
                HeldKeys.end_scan(held, offsets)
