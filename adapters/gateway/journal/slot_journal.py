"""The journal of one slot, in the hands of its owner: what was appended is told durable only in an unbroken chain.

Shape   KafkaSlotJournal keeps the SlotJournal port; append_snapshot(parts) for snapshots.py; close() for an orderly
        end. Records go to an Appender, which tells each one's offset on the event loop's thread, in order
Fence   a report must tell exactly the offset that was expected of its record, the claim's plus 1, 2, 3, …; anything
        else means that somebody else has claimed the slot, or that nobody knows: everything outstanding fails, and all
        that comes later (journal_record.py says why that is enough)
Lapses  a process that was stopped and goes on would break the new owner's chain with its first record, if do no worse;
        so it sends nothing for a slot that it took over before it stood still
Batches what is appended while the loop makes one turn shares one record; while IN_FLIGHT records are out, the next one
        collects until one of them has come back. An append is never split: it applies whole or not at all
Errors  SlotLostError by the futures; ValueError for an append that no record can hold
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Protocol

import msgspec

from adapters.gateway.journal.journal_record import RECORD_MAX_BYTES, SENDABLE_BYTES, Entries, Part, encode
from adapters.gateway.slot_ports import SlotLostError

log = logging.getLogger(__name__)

IN_FLIGHT = 4

Report = Callable[[int, str], None]
"""Hears a record's offset, and why it was not acknowledged, if it was not."""


class NotSentError(Exception):
    """A record could not even be queued."""


class Appender(Protocol):
    """Sends records."""

    @property
    def lapses(self) -> int:
        """How often this process stood still for so long that its slots may have been given to others."""
        ...

    def send(self, slot: int, record: bytes, report: Report) -> None:
        """Send a record; its report comes later, on the event loop's thread, and those of one slot in order.

        Raises:
            NotSentError: it was not sent, and there will be no report.
        """


class _Sent(msgspec.Struct, eq=False):
    """A record that is out, and who waits for it."""

    place: int
    waiting: list["asyncio.Future[None]"]


class KafkaSlotJournal:
    """Appends to a slot that we have claimed."""

    def __init__(
        self, slot: int, epoch: bytes, claimed_at: int, appender: Appender, on_lost: Callable[[str], None]
    ) -> None:
        """Append behind a claim.

        Args:
            claimed_at: the offset of our claim, of which epoch is.
            on_lost: hears once why it was lost; not after close().
        """
        self.slot = slot
        self.entry_bytes = 0
        """Of the entries that were appended so far."""

        self._epoch = epoch
        self._next = claimed_at + 1
        self._appender = appender
        self._on_lost = on_lost
        self._lapses = appender.lapses
        self._loop = asyncio.get_running_loop()
        self._open = True
        self._lost = ""
        self._entries: list[bytes] = []
        self._size = 0
        self._waiting: list[asyncio.Future[None]] = []
        self._due = False
        self._out: deque[_Sent] = deque()

    @property
    def alive(self) -> bool:
        """Whether we own it, as far as we know."""
        return self._open

    def append(self, entries: Sequence[bytes]) -> "asyncio.Future[None]":
        """Append entries in order; done when they are durable and still ours. Without entries: just ask that.

        Raises:
            ValueError: more than a record can hold.
        """
        size = sum(map(len, entries)) + 8 * len(entries)
        if size > SENDABLE_BYTES:
            raise ValueError(f"{size} bytes appended at once; at most {SENDABLE_BYTES} fit into a record")
        if self._size and self._size + size > RECORD_MAX_BYTES:
            self._flush()
        future: asyncio.Future[None] = self._loop.create_future()
        if not self._open:
            _fail(future, self._reason())
            return future
        self._entries += entries
        self._size += size
        self._waiting.append(future)
        if not self._due:
            self._due = True
            self._loop.call_soon(self._turn)
        return future

    def append_snapshot(self, parts: Iterable[bytes]) -> "asyncio.Future[int]":
        """Append a snapshot of the state as it is with all that was appended before; done with its first offset.

        Raises (the future):
            SlotLostError: as append.
            NotSentError: there was no room for all of it; what was sent means nothing.
        """
        self._flush()
        first = self._next
        done: asyncio.Future[int] = self._loop.create_future()
        if not self._open:
            _fail(done, self._reason())
            return done
        durable: asyncio.Future[None] = self._loop.create_future()
        pieces = list(parts)
        if any(len(data) > SENDABLE_BYTES for data in pieces):
            raise ValueError(f"a part of a snapshot has more than {SENDABLE_BYTES} bytes")
        try:
            for index, data in enumerate(pieces or [b""]):
                waiting = [durable] if index >= len(pieces) - 1 else []
                record = Part(self._epoch, self._next, index, len(pieces), data)
                self._send(encode(record), _Sent(self._next, waiting))
        except NotSentError as error:
            done.set_exception(error)
            return done
        durable.add_done_callback(partial(_with_result, done, first))
        return done

    def close(self) -> None:
        """Send what was appended, and take nothing more; what is out is still told."""
        self._flush()
        self._open = False

    @property
    def outstanding(self) -> bool:
        """Whether anything that was appended is not told yet."""
        return bool(self._out)

    def _turn(self) -> None:
        self._due = False
        if len(self._out) < IN_FLIGHT:
            self._flush()

    def _flush(self) -> None:
        if not self._waiting or not self._open:
            return
        sent = _Sent(self._next, self._waiting)
        record = encode(Entries(self._epoch, self._next, self._entries))
        self.entry_bytes += self._size
        self._entries, self._waiting, self._size = [], [], 0
        try:
            self._send(record, sent)
        except NotSentError as error:
            self._out.append(sent)
            self._lose(str(error))

    def _send(self, record: bytes, sent: _Sent) -> None:
        if self._appender.lapses != self._lapses:
            raise NotSentError("this process stood still for too long")
        self._appender.send(self.slot, record, partial(self._reported, sent))
        self._next += 1
        self._out.append(sent)

    def _reported(self, sent: _Sent, offset: int, error: str) -> None:
        if self._lost:
            return
        if error or offset != sent.place or self._out[0] is not sent:
            self._lose(error or f"at offset {offset} in place of {sent.place}")
            return
        self._out.popleft()
        for future in sent.waiting:
            if not future.done():  # else whoever waited was cancelled
                future.set_result(None)
        if self._waiting and not self._due:
            self._flush()

    def _lose(self, reason: str) -> None:
        was_open, self._open = self._open, False
        self._lost = reason
        log.warning("slot_lost", extra={"slot": self.slot, "reason": reason})
        out, self._out = self._out, deque()
        for sent in out:
            for future in sent.waiting:
                _fail(future, self._reason())
        for future in self._waiting:
            _fail(future, self._reason())
        self._entries, self._waiting = [], []
        if was_open:
            self._loop.call_soon(self._on_lost, reason)  # not from within append: its caller is changing the state

    def _reason(self) -> str:
        return f"slot {self.slot}: {self._lost or 'given away'}"


def _fail(future: "asyncio.Future[None] | asyncio.Future[int]", reason: str) -> None:
    if not future.done():
        future.set_exception(SlotLostError(reason))
        future.exception()  # heard: the loss is told to the owner too, so nobody need wait for every single append


def _with_result(done: "asyncio.Future[int]", first: int, durable: "asyncio.Future[None]") -> None:
    if done.done():
        return
    error = durable.exception()
    if error is None:
        done.set_result(first)
    else:
        _fail(done, str(error))
