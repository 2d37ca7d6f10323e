"""Any sequence of receives, deletes, time, rewinds, burials and crashes, against a slow model."""

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from adapters.gateway.leases import entries
from adapters.gateway.leases.entries import Burying, Entry, Released, Rewound, Settled, Shown, Taken, Trimmed
from adapters.gateway.leases.handle import Place
from adapters.gateway.leases.queue_state import QueueState
from adapters.gateway.leases.slot_state import QueueStates

TOPIC = "topic-id"
PARTITIONS = (0, 1)
START_MS = 1_000


class _Known(msgspec.Struct):
    """What the model knows of a message."""

    deleted: bool = False
    count: int = 0
    first_ms: int = 0
    number: int = 0
    until_ms: int = 0
    """Of a lease, or of a delay; it is visible from then on."""
    buried: bool = False


class _Partition:
    """The log, and what was made of it."""

    def __init__(self) -> None:
        self.messages: dict[int, _Known] = {}
        self.delays: dict[int, int] = {}
        self.end = 0
        self.read = 0
        self.low = 0

    def undeleted(self) -> set[int]:
        return {offset for offset, known in self.messages.items() if not known.deleted}


class QueueMachine(RuleBasedStateMachine):
    """One queue of two partitions."""

    def __init__(self) -> None:
        super().__init__()
        self.now_ms = START_MS
        self.model = {number: _Partition() for number in PARTITIONS}
        self.states = QueueStates()
        _, opened = self.states.open(TOPIC)
        self.journal = [opened]
        self.parts: list[bytes] = []
        self.since = 0
        self.handles: list[Place] = []

    @property
    def queue(self) -> QueueState:
        state = self.states.queue(TOPIC)
        assert state is not None
        return state

    def change(self, entry: Entry) -> None:
        self.journal.append(self.states.change(entry))

    @rule(number=st.sampled_from(PARTITIONS), skipped=st.sampled_from([0, 0, 1, 9]), count=st.integers(1, 12))
    def send(self, number: int, skipped: int, count: int) -> None:
        part = self.model[number]
        part.end += skipped
        for _ in range(count):
            part.messages[part.end] = _Known()
            part.end += 1

    @rule(number=st.sampled_from(PARTITIONS), delay_ms=st.integers(1, 60))
    def send_delayed(self, number: int, delay_ms: int) -> None:
        part = self.model[number]
        part.messages[part.end] = _Known()
        part.delays[part.end] = self.now_ms + delay_ms
        part.end += 1

    @rule(number=st.sampled_from(PARTITIONS), count=st.integers(1, 16), visibility_ms=st.integers(1, 60))
    def receive(self, number: int, count: int, visibility_ms: int) -> None:
        part = self.model[number]
        taken = self._pick(number, count, visibility_ms)
        self.change(taken)
        state = self.queue.partition(number)
        for offset in taken.offsets:
            known = part.messages[offset]
            assert not known.deleted
            assert not known.buried
            assert known.until_ms <= self.now_ms, "held by two"
            known.count += 1
            known.first_ms = known.first_ms or self.now_ms
            known.number, known.until_ms = taken.number, taken.until_ms
            lease = state.leases[offset]
            assert (lease.count, lease.first_ms) == (known.count, known.first_ms)
            self.handles.append(Place(number, offset, taken.number, taken.until_ms))

    def _pick(self, number: int, count: int, visibility_ms: int) -> Taken:
        part, state = self.model[number], self.queue.partition(number)
        state.advance(self.now_ms)
        state.open_up(count)
        offsets, delayed = [], []
        for offset in list(state.visible)[:count]:
            if offset in part.messages and not part.messages[offset].deleted:
                offsets.append(offset)
            else:
                self.change(Settled(self.queue.number, number, (offset,)))  # a rewind opened what is no message
        upto = state.frontier
        for offset in [one for one in part.messages if one >= state.frontier and not part.messages[one].deleted]:
            if len(offsets) == count:
                break
            if part.delays.get(offset, 0) > self.now_ms:
                delayed.append(offset)
                part.messages[offset].until_ms = part.delays[offset]
            else:
                offsets.append(offset)
            upto = offset + 1
        dues = tuple(part.delays[offset] for offset in delayed)
        lease = self.queue.next_lease if offsets else 0
        until_ms = self.now_ms + visibility_ms
        return Taken(
            self.queue.number, number, lease, until_ms, self.now_ms, tuple(offsets), upto, tuple(delayed), dues
        )

    @precondition(lambda self: self.handles)
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        places = data.draw(st.lists(st.sampled_from(self.handles), min_size=1, max_size=16, unique=True))
        for place in places:
            known = self.model[place.partition].messages.get(place.offset)
            good = self.queue.holds(place)
            if known is not None and known.number == place.number and self.now_ms < place.until_ms:
                assert good == (not known.deleted), "a valid handle refused, or one of a deleted message taken"
            if good and self.now_ms < place.until_ms:
                assert known is not None
                assert known.number == place.number
                self.change(Settled(self.queue.number, place.partition, (place.offset,)))
                known.deleted = True

    @precondition(lambda self: self.handles)
    @rule(data=st.data())
    def undo(self, data: st.DataObject) -> None:
        place = data.draw(st.sampled_from(self.handles))
        known = self.model[place.partition].messages[place.offset]
        self.queue.partition(place.partition).advance(self.now_ms)
        held = self.queue.holds(place)
        assert held == (not known.deleted and known.number == place.number and known.until_ms > self.now_ms)
        if held:
            self.change(Released(self.queue.number, place.partition, place.number, (place.offset,)))
            known.count -= 1
            known.first_ms = known.first_ms if known.count else 0
            known.number = known.until_ms = 0
        self.handles.remove(place)

    @rule(passed_ms=st.integers(0, 50))
    def time_passes(self, passed_ms: int) -> None:
        self.now_ms += passed_ms

    @rule(number=st.sampled_from(PARTITIONS), back=st.integers(0, 40))
    def rewind(self, number: int, back: int) -> None:
        part, state = self.model[number], self.queue.partition(number)
        offset = max(part.low, state.frontier - back)
        before = set(part.undeleted())
        self.change(Rewound(self.queue.number, number, offset))
        for one, known in part.messages.items():
            if offset <= one < state.frontier and known.deleted:
                part.messages[one] = _Known()
        assert before <= part.undeleted()

    @rule(number=st.sampled_from(PARTITIONS), by=st.integers(1, 10))
    def expire_at_the_log_start(self, number: int, by: int) -> None:
        part = self.model[number]
        part.low = min(part.end, part.low + by)
        self.change(Trimmed(self.queue.number, number, part.low))
        for offset, known in part.messages.items():
            if offset < part.low:
                known.deleted = True

    @rule(number=st.sampled_from(PARTITIONS), how=st.sampled_from(["intent", "done", "not after all"]))
    def dead_letter(self, number: int, how: str) -> None:
        part, state = self.model[number], self.queue.partition(number)
        state.advance(self.now_ms)
        if how == "intent":
            once = [offset for offset in state.visible if offset in state.leases]
            for offset in once[:1]:
                self.change(Burying(self.queue.number, number, offset, "dead", (7,)))
                part.messages[offset].buried = True
        for offset in list(state.burying)[:1]:
            if how == "done":
                self.change(Settled(self.queue.number, number, (offset,)))
                part.messages[offset].deleted = True
                part.messages[offset].buried = False
            elif how == "not after all":
                self.change(Shown(self.queue.number, number, offset))
                part.messages[offset].buried = False

    @rule()
    def snapshot(self) -> None:
        self.parts, self.since = list(self.states.snapshot()), len(self.journal)

    @rule()
    def crash(self) -> None:
        live, restored = self.states, QueueStates()
        if self.parts:
            restored.restore(self.parts)
        for entry in self.journal[self.since :]:
            restored.apply(entry)
        self.states = live
        before = self._told()
        self.states = restored
        assert self._told() == before

    def _told(self) -> object:
        told = []
        for number in PARTITIONS:
            state = self.queue.partition(number)
            state.advance(self.now_ms)
            leases = {offset: msgspec.to_builtins(lease) for offset, lease in state.leases.items()}
            settled = state.settled.count(0, state.frontier), list(state.settled.missing(0, state.frontier))
            told.append((state.frontier, settled, leases, state.delays, state.burying, state.held))
        return told, self.queue.next_lease

    @invariant()
    def what_is_settled_and_what_is_not_is_told_apart(self) -> None:
        for number in PARTITIONS:
            part, state = self.model[number], self.queue.partition(number)
            open_ones = set(state.settled.missing(0, state.frontier))
            known = {offset for offset in part.undeleted() if offset < state.frontier}
            assert known <= open_ones, "an undeleted message is lost"
            deleted = {offset for offset, one in part.messages.items() if one.deleted}
            assert not open_ones & deleted, "a deleted message is back"

    @invariant()
    def what_is_counted_is_there(self) -> None:
        for number in PARTITIONS:
            part, state = self.model[number], self.queue.partition(number)
            state.advance(self.now_ms)
            held = [
                one
                for one in part.messages.values()
                if one.number and one.until_ms > self.now_ms and not one.deleted and not one.buried
            ]
            assert state.held == len(held)
            assert not set(state.visible) & (state.delays.keys() | state.burying.keys())
            assert all(not state.leases[one].number for one in state.visible if one in state.leases)
            assert state.unsettled() == len(list(state.settled.missing(0, state.frontier)))

    def teardown(self) -> None:
        """In the end, everything that nobody deleted is received once more, by the restored state too."""
        self.crash()
        for number in PARTITIONS:
            for offset in list(self.queue.partition(number).burying):
                self.change(Shown(self.queue.number, number, offset))
                self.model[number].messages[offset].buried = False
        self.now_ms += 1_000
        for number in PARTITIONS:
            part = self.model[number]
            received: set[int] = set()
            while True:
                taken = self._pick(number, 16, 100_000)
                self.change(taken)
                received |= set(taken.offsets)
                if not taken.offsets and not self.queue.partition(number).visible:
                    break
            assert received == part.undeleted()


QueueMachine.TestCase.settings = settings(max_examples=200, stateful_step_count=50, deadline=None)
TestAnyInterleaving = QueueMachine.TestCase


def test_a_snapshot_is_in_parts_of_at_most_half_a_megabyte() -> None:
    states = QueueStates()
    queue, _ = states.open(TOPIC)
    odd = tuple(range(1, 60_000, 2))
    for at in range(0, len(odd), 1_000):
        some = odd[at : at + 1_000]
        states.change(Taken(0, 0, queue.next_lease, 2**42, 2**41, some, some[-1] + 1))
    states.change(Taken(0, 1, 0, 0, 0, (), 20_000_000, (3,), (2**42,)))
    parts = list(states.snapshot())
    assert len(parts) > 2
    assert max(map(len, parts)) <= 512_000
    restored = QueueStates()
    restored.restore(parts)
    again = restored.queue(TOPIC)
    assert again is not None
    assert again.partition(0).leases == queue.partition(0).leases
    assert again.partition(1).settled == queue.partition(1).settled
    assert list(again.partition(1).settled.missing(0, 20_000_000)) == [3]
    assert list(restored.snapshot()) == parts


def test_many_small_queues_share_a_part() -> None:
    states = QueueStates()
    for number in range(1_000):
        states.open(f"topic-{number}")
        states.change(Taken(number, 0, 1, 5, 1, (0,), 1))
    assert len(list(states.snapshot())) == 1


def test_a_dropped_queue_does_not_come_back() -> None:
    states = QueueStates()
    queue, opened = states.open(TOPIC)
    journal = [
        opened,
        states.change(Taken(queue.number, 0, 1, 5, 1, (0,), 1)),
        states.change(entries.Dropped(queue.number)),
        states.change(Released(queue.number, 0, 1, (0,))),
    ]
    restored = QueueStates()
    for entry in journal:
        restored.apply(entry)
    again = QueueStates()
    again.restore(list(restored.snapshot()))
    for one in (states, restored, again):
        assert one.queue(TOPIC) is None
        assert one.is_gone(TOPIC)
        assert one.open("another")[0].number == 1
