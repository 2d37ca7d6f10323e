"""Keys that wait: a failing key must stop neither the commit nor other keys, and its followers are not copied.

    live ──► holding ──► held ──► out (its next events are attempted, one by one) ──► held
                          └──► releasing ──► live

A key moves from live to held and back on an acknowledged transaction only (custody.py): until then what it has read
waits. Then its later events are settled as they are read, because the log has them; only their offsets are remembered.

Shape   HeldKeys, one for each partition; it decides, others read, send and write
Units   offsets as Kafka counts them; times are Unix milliseconds
Bounds  no I/O, no clock. A key remembers MAX_KNOWN offsets; where that does not do, and after a restart, the log
        between is scanned (`begin_scan`, `end_scan`). More than MAX_KEYS held keys are an endpoint's failure: `full`
"""

import enum
from collections import deque
from collections.abc import Iterator
from hashlib import sha256
from itertools import islice

from pipeline.held_record import MAX_KEY, MAX_WRITTEN, HeldState

MAX_KEYS = 10_000
MAX_KNOWN = 1_000
RUN = 64
"""So many next events of a key are read and handed over in one go, to be attempted one after the other."""


class HeldPhase(enum.Enum):
    """Where a key stands that is not live."""

    HOLDING = "holding"
    HELD = "held"
    OUT = "out"
    RELEASING = "releasing"


class HeldKey:
    """One key.

    Attributes:
        frontier: everything of the key before this offset is settled.
        known: offsets of its next events, in order; complete up to `gap_from`, or to the position if that is None.
        gap_from: from here on the log may hold events of the key that are not known.
        through: the log up to here was read before the key's record was written: of what is read again after a restart
            nothing is news up to here.
        restored: the key was held when the partition began.
        scanning: a scan of that part is under way; what arrives meanwhile is in `tail`.
        waiting: offsets read while a tombstone is on its way; not settled.
        run: of an OUT key, so many of `known` are wanted for attempts; the first `handed` are with the delivery.
        published_ms: when its next event was published, or one before that; 0 if nobody knows.
    """

    __slots__ = (
        "attempts",
        "due_ms",
        "first_attempt_ms",
        "frontier",
        "gap_from",
        "handed",
        "key",
        "known",
        "last_attempt_ms",
        "phase",
        "published_ms",
        "restored",
        "run",
        "scanning",
        "tail",
        "through",
        "waiting",
    )

    def __init__(self, key: bytes | None, phase: HeldPhase, state: HeldState, position: int) -> None:
        self.key = key
        self.phase = phase
        self.frontier = state.frontier
        self.attempts = state.attempts
        self.first_attempt_ms = state.first_attempt_ms
        self.last_attempt_ms = state.last_attempt_ms
        self.due_ms = state.due_ms
        self.published_ms = state.published_ms or state.first_attempt_ms
        self.known: deque[int] = deque()
        self.through = state.complete_through
        self.restored = False
        self.gap_from = state.complete_through + 1 if state.complete_through + 1 < position else None
        self.scanning = False
        self.tail: list[int] = []
        self.waiting: list[int] = []
        self.run = self.handed = 0
        offset = state.frontier
        for delta in state.known:
            offset += delta
            self.known.append(offset)

    def expects(self, offset: int) -> bool:
        """Whether the event at this offset would be handed over next."""
        return self.phase is HeldPhase.OUT and self.handed < self.run and self.known[self.handed] == offset

    def state(self, position: int, *, past_next: bool = False) -> HeldState:
        """What to write when the partition will read `position` next.

        Args:
            position: the next offset that is read.
            past_next: as if the next event were settled: it goes to the dead letters with this record.
        """
        known = list(islice(self.known, int(past_next), MAX_WRITTEN + 1))
        frontier = self.known[0] + 1 if past_next else self.frontier
        tried = (0, 0, 0) if past_next else (self.attempts, self.first_attempt_ms, self.last_attempt_ms)
        written = known[:MAX_WRITTEN]
        deltas = [offset - before for before, offset in zip([frontier, *written], written, strict=False)]
        if len(written) + past_next < len(self.known):
            complete_through = written[-1]
        elif self.gap_from is None:
            complete_through = max(self.through, position - 1)
        else:
            complete_through = self.gap_from - 1
        long_key = self.key if self.key is not None and len(self.key) > MAX_KEY else None
        return HeldState(frontier, *tried, self.due_ms, tuple(deltas), complete_through, long_key, self.published_ms)


class HeldKeys:
    """The keys of one partition that are not live."""

    def __init__(self, position: int, restored_high: int = -1) -> None:
        """Begin a partition.

        Args:
            position: the next offset that the partition will read; the caller keeps it true.
            restored_high: the highest offset that the restored map has as settled. What the map settled is not
                delivered again, so no key may be released before the partition has read past it.
        """
        self.position = position
        self.dirty: dict[bytes | None, HeldKey] = {}
        self._keys: dict[bytes | None, HeldKey] = {}
        self._restored_high = restored_high

    def __len__(self) -> int:
        return len(self._keys)

    def __iter__(self) -> Iterator[HeldKey]:
        return iter(self._keys.values())

    @property
    def full(self) -> bool:
        """So many keys fail that reading on would only add more."""
        return len(self._keys) >= MAX_KEYS

    def get(self, key: bytes | None) -> HeldKey | None:
        """The key, if it is not live."""
        return self._keys.get(key)

    def oldest_ms(self) -> int | None:
        """When the oldest event that waits here was published, or one before it; None if none waits."""
        waiting = (held for held in self._keys.values() if held.known or held.gap_from is not None)
        return min((held.published_ms for held in waiting if held.published_ms > 0), default=None)

    def restore(self, key: bytes | None, state: HeldState | None) -> None:
        """What a record of the log says: held so, or (None) released."""
        if state is None:
            self._keys.pop(key if key in self._keys else self._hashed(key), None)
        else:
            held = self._keys[key] = HeldKey(key, HeldPhase.HELD, state, self.position)
            held.restored = True

    def _hashed(self, digest: bytes | None) -> bytes | None:
        """The long key that this is the hash of: a tombstone has no value that could hold the key itself."""
        found = (key for key in self._keys if key is not None and len(key) > MAX_KEY and sha256(key).digest() == digest)
        return next(found, digest)

    def hold(self, key: bytes | None, state: HeldState) -> HeldKey:
        """Begin to hold a key; it is held once its record is acknowledged."""
        held = HeldKey(key, HeldPhase.HOLDING, state, self.position)
        self._keys[key] = held
        self.dirty[key] = held
        return held

    def arrived(self, held: HeldKey, offset: int, *, fresh: bool) -> bool:
        """A later event of the key was read; True if it is settled thereby, because the log has it.

        Args:
            held: the key.
            offset: of the event.
            fresh: it was not settled in the map that the partition began with. If it was, it was so as a follower of a
                key that was held then; if the key was not, the event is done.
        """
        if not fresh and not held.restored:
            return True
        if held.phase is HeldPhase.HOLDING:
            held.known.append(offset)  # settled with the record that says so
            return False
        if held.phase is HeldPhase.RELEASING:
            held.waiting.append(offset)
            return False
        self._follow(held, offset)
        return True

    def due(self, now_ms: int, limit: int) -> list[HeldKey]:
        """Keys whose next event may be attempted."""
        ready = (
            held
            for held in self._keys.values()
            if held.phase is HeldPhase.HELD and held.known and self._due_ms(held, now_ms) <= now_ms
        )
        return list(islice(ready, limit))

    def _due_ms(self, held: HeldKey, now_ms: int) -> int:
        """When it is due. An attempt that lies ahead says that the clock was set back: the gap counts, not the date."""
        back_ms = held.last_attempt_ms - now_ms
        if back_ms > 0:
            held.last_attempt_ms -= back_ms
            held.due_ms -= back_ms
            self.dirty[held.key] = held
        return held.due_ms

    @staticmethod
    def begin_run(held: HeldKey) -> list[int]:
        """The key is out from now on; the offsets of the events to read for it."""
        held.phase = HeldPhase.OUT
        held.run, held.handed = min(RUN, len(held.known)), 0
        return list(islice(held.known, held.run))

    @staticmethod
    def end_run(held: HeldKey) -> None:
        """No more of its events than are with the delivery, but the first at least, whatever is still being read."""
        held.run = held.handed = max(1, held.handed)

    @staticmethod
    def alone(held: HeldKey) -> None:
        """Its next event is to be buried; what followed it has come back."""
        held.run = held.handed = 1

    def skipped(self, held: HeldKey, now_ms: int) -> None:
        """The event that would be handed over next is not wanted, or the log has lost it."""
        if held.handed == 0:
            self.settled(held, now_ms)
        else:
            del held.known[held.handed]
            held.run -= 1

    def settled(self, held: HeldKey, now_ms: int) -> None:
        """The next event is done, by delivery or by a dead letter; its follower may go now."""
        held.run, held.handed = max(0, held.run - 1), max(0, held.handed - 1)
        held.phase = HeldPhase.OUT if held.run else HeldPhase.HELD
        held.frontier = held.known.popleft() + 1
        held.attempts = held.first_attempt_ms = held.last_attempt_ms = 0
        held.due_ms = now_ms
        self.dirty[held.key] = held

    def failed(self, held: HeldKey, now_ms: int, due_ms: int) -> None:
        """The attempt failed; the event is due again later, and its followers after it."""
        self.not_attempted(held)
        held.attempts += 1
        held.first_attempt_ms = held.first_attempt_ms or now_ms
        held.last_attempt_ms = now_ms
        held.due_ms = due_ms
        self.dirty[held.key] = held

    @staticmethod
    def not_attempted(held: HeldKey) -> None:
        """The attempt did not take place: as it was."""
        held.phase = HeldPhase.HELD
        held.run = held.handed = 0

    def begin_scan(self) -> tuple[int, int, list[HeldKey]] | None:
        """A part of the log [from, to) to be read for the events of these keys; None if none needs it."""
        needy = [
            held
            for held in self._keys.values()
            if held.phase is HeldPhase.HELD and not held.known and held.gap_from is not None and not held.scanning
        ]
        if not needy:
            return None
        for held in needy:
            held.scanning = True
            held.tail = []
        return min(held.gap_from or 0 for held in needy), self.position, needy

    @staticmethod
    def end_scan(held: HeldKey, found: list[int]) -> None:
        """What the scan found of the key, in order; it may have stopped at MAX_KNOWN for it."""
        offsets = [offset for offset in found if offset >= (held.gap_from or 0)]
        held.known.extend(offsets[:MAX_KNOWN])
        held.scanning = False
        if len(offsets) >= MAX_KNOWN:
            held.gap_from = held.known[-1] + 1
        else:
            held.known.extend(held.tail)
            held.gap_from = held.tail[-1] + 1 if len(held.tail) >= MAX_KNOWN else None
        held.tail = []

    def cut(self, end: int) -> None:
        """The log ends there: what is remembered of offsets beyond is void, they will be given to other events."""
        for held in self._keys.values():
            if held.frontier > end or held.through >= end:
                known = [offset for offset in held.known if offset < end]
                if len(known) < len(held.known) and not known:
                    held.attempts = held.first_attempt_ms = held.last_attempt_ms = held.due_ms = 0
                held.known = deque(known)
                held.frontier, held.through = min(held.frontier, end), min(held.through, end - 1)
                held.gap_from = None if held.gap_from is None or held.gap_from >= end else held.gap_from
                self.dirty[held.key] = held

    def release_all(self) -> None:
        """What the log held was of a topic that is no more: void, with a tombstone for each key."""
        for held in self._keys.values():
            held.phase = HeldPhase.RELEASING
            self.dirty[held.key] = held

    def caught_up(self) -> list[HeldKey]:
        """Begin to release the keys that have nothing left before the position."""
        if self.position <= self._restored_high:
            return []
        ready = [
            held
            for held in self._keys.values()
            if held.phase is HeldPhase.HELD
            and not held.known
            and held.gap_from is None
            and held.through < self.position
        ]
        for held in ready:
            held.phase = HeldPhase.RELEASING
            self.dirty[held.key] = held
        return ready

    def acknowledged(self, held: HeldKey) -> list[int]:
        """The transaction with the key's record or tombstone is acknowledged; of a released key, what waited for it."""
        waiting, held.waiting = held.waiting, []
        if held.phase is HeldPhase.HOLDING:
            held.phase = HeldPhase.HELD
        elif held.phase is HeldPhase.RELEASING:
            del self._keys[held.key]
        return waiting

    def expecting(self, offset: int) -> list[HeldKey]:
        """Keys for which the event at this offset would be handed over next."""
        return [held for held in self._keys.values() if held.expects(offset)]

    def release_failed(self, held: HeldKey) -> list[int]:
        """The tombstone was not acknowledged: held as before; what waited are followers, settled by this."""
        waiting, held.waiting = held.waiting, []
        held.phase = HeldPhase.HELD
        for offset in waiting:
            self._follow(held, offset)
        return waiting

    @staticmethod
    def _follow(held: HeldKey, offset: int) -> None:
        """Remember an event, unless there is a gap before it or the list is long enough."""
        if offset < held.frontier or offset <= held.through:
            return  # it is settled, or listed, or in the gap
        if held.gap_from is None and len(held.known) < MAX_KNOWN:
            held.known.append(offset)
        elif held.gap_from is None:
            held.gap_from = offset
        elif held.scanning and len(held.tail) < MAX_KNOWN:
            held.tail.append(offset)
