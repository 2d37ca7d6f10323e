"""Order per key, concurrency across keys."""

import random
from collections import defaultdict
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from pipeline.lanes import Lanes

Lane = tuple[int, bytes | None]

LANES: list[Lane] = [(0, b"a"), (0, b"b"), (0, None), (1, b"a"), (1, b"c")]


class Item:
    """An item that knows its lane and its place in it."""

    def __init__(self, lane: Lane, number: int) -> None:
        self.lane = lane
        self.number = number
        self.queue: Any = ()


def lanes_of(*items: Item) -> Lanes[Item]:
    lanes: Lanes[Item] = Lanes()
    for item in items:
        lanes.add(item)
    return lanes


def take_all(lanes: Lanes[Item]) -> list[Item]:
    found = []
    while lanes.ready:
        found.append(lanes.take())
    return found


def test_one_of_each_key_is_out_and_it_is_the_oldest() -> None:
    a1, a2, b1 = Item((0, b"a"), 1), Item((0, b"a"), 2), Item((0, b"b"), 1)
    lanes = lanes_of(a1, a2, b1)
    assert take_all(lanes) == [a1, b1]
    lanes.done(a1)
    assert take_all(lanes) == [a2]


def test_the_same_key_in_two_partitions_is_two_lanes() -> None:
    lanes = lanes_of(Item((0, b"a"), 1), Item((1, b"a"), 1))
    assert len(take_all(lanes)) == 2


def test_records_without_a_key_are_one_lane_of_their_partition() -> None:
    lanes = lanes_of(Item((0, None), 1), Item((0, None), 2), Item((1, None), 1))
    assert [item.lane for item in take_all(lanes)] == [(0, None), (1, None)]


def test_an_item_that_is_tried_again_stays_before_its_followers() -> None:
    a1, a2 = Item((0, b"a"), 1), Item((0, b"a"), 2)
    lanes = lanes_of(a1, a2)
    lanes.take()
    lanes.again(a1)
    assert take_all(lanes) == [a1]


def test_a_dropped_item_comes_back_by_no_way() -> None:
    a1, a2, c1 = Item((0, b"a"), 1), Item((0, b"a"), 2), Item((1, b"c"), 1)
    lanes = lanes_of(a1, a2, c1)
    lanes.take()
    lanes.drop({0})
    lanes.again(a1)
    lanes.done(a1)
    assert not lanes.holds(a1)
    assert take_all(lanes) == [c1]
    assert len(lanes) == 1


def test_a_dropped_item_does_not_touch_the_lane_that_came_after_it() -> None:
    old, new = Item((0, b"a"), 1), Item((0, b"a"), 1)
    lanes = lanes_of(old)
    lanes.take()
    lanes.drop({0})
    lanes.add(new)
    assert take_all(lanes) == [new]
    lanes.done(old)
    lanes.again(old)
    assert lanes.holds(new)
    assert take_all(lanes) == []


def test_a_lane_that_is_given_up_ends_with_all_its_items_in_order() -> None:
    a1, a2, b1, a3 = Item((0, b"a"), 1), Item((0, b"a"), 2), Item((0, b"b"), 1), Item((0, b"a"), 3)
    lanes = lanes_of(a1, a2, b1, a3)
    take_all(lanes)
    assert lanes.give_up(a1) == [a1, a2, a3]
    assert (len(lanes), lanes.holds(a1), lanes.give_up(a1)) == (1, False, [])
    lanes.add(a3)
    assert take_all(lanes) == [a3]


def test_only_its_head_gives_a_lane_up() -> None:
    a1, a2 = Item((0, b"a"), 1), Item((0, b"a"), 2)
    lanes = lanes_of(a1, a2)
    assert lanes.give_up(a2) == []
    assert lanes.items(a1) == [a1, a2]


def test_a_head_that_has_just_become_ready_may_be_withdrawn_and_comes_again_when_it_is_said() -> None:
    a1, a2, b1 = Item((0, b"a"), 1), Item((0, b"a"), 2), Item((0, b"b"), 1)
    lanes = lanes_of(a1, a2, b1)
    lanes.take()
    lanes.done(a1)
    assert lanes.withdraw(a2)
    assert take_all(lanes) == [b1]
    lanes.again(a2)
    assert take_all(lanes) == [a2]


def test_what_is_out_or_not_the_last_that_became_ready_is_not_withdrawn() -> None:
    a1, b1 = Item((0, b"a"), 1), Item((0, b"b"), 1)
    lanes = lanes_of(a1, b1)
    assert not lanes.withdraw(a1)
    take_all(lanes)
    assert not lanes.withdraw(b1)


@given(st.lists(st.sampled_from(LANES), max_size=30), st.randoms(use_true_random=False))
def test_whatever_ends_first_each_key_is_served_in_order_and_nothing_is_forgotten(
    arriving: list[Lane], chance: random.Random
) -> None:
    counts: dict[Lane, int] = defaultdict(int)
    items = []
    for lane in arriving:
        items.append(Item(lane, counts[lane]))
        counts[lane] += 1
    lanes = lanes_of(*items)
    served: dict[Lane, list[int]] = defaultdict(list)
    out = take_all(lanes)
    while out:
        item = out.pop(chance.randrange(len(out)))
        if chance.random() < 0.3:
            lanes.again(item)
        else:
            served[item.lane].append(item.number)
            lanes.done(item)
        out += take_all(lanes)
    assert served == {lane: list(range(count)) for lane, count in counts.items()}
    assert len(lanes) == 0


class LanesMachine(RuleBasedStateMachine):
    """Any interleaving of adding, taking, ending, trying again and dropping, against plain lists."""

    def __init__(self) -> None:
        super().__init__()
        self.lanes: Lanes[Item] = Lanes()
        self.model: dict[Lane, list[Item]] = {}
        self.out: list[Item] = []
        self.numbers = 0

    @rule(lane=st.sampled_from(LANES))
    def add(self, lane: Lane) -> None:
        self.numbers += 1
        item = Item(lane, self.numbers)
        self.model.setdefault(lane, []).append(item)
        self.lanes.add(item)

    @rule()
    def take(self) -> None:
        waiting = [lane[0] for lane in self.model.values() if lane[0] not in self.out]
        assert bool(self.lanes.ready) == bool(waiting)
        if waiting:
            item = self.lanes.take()
            assert item in waiting
            self.out.append(item)

    @precondition(lambda self: self.out)
    @rule(data=st.data(), settled=st.booleans())
    def end(self, data: st.DataObject, *, settled: bool) -> None:
        item = data.draw(st.sampled_from(self.out))
        self.out.remove(item)
        if not settled:
            self.lanes.again(item)
            return
        self.lanes.done(item)
        del self.model[item.lane][0]
        if not self.model[item.lane]:
            del self.model[item.lane]

    @precondition(lambda self: self.out)
    @rule(data=st.data())
    def give_up(self, data: st.DataObject) -> None:
        item = data.draw(st.sampled_from(self.out))
        self.out.remove(item)
        assert self.lanes.give_up(item) == self.model.pop(item.lane)

    @rule(partition=st.sampled_from([0, 1]))
    def drop(self, partition: int) -> None:
        self.lanes.drop({partition})
        self.model = {lane: items for lane, items in self.model.items() if lane[0] != partition}
        self.out = [item for item in self.out if item.lane[0] != partition]

    @invariant()
    def one_a_key_is_out_and_it_is_the_head(self) -> None:
        assert len({item.lane for item in self.out}) == len(self.out)
        assert all(self.lanes.holds(item) for item in self.out)

    @invariant()
    def it_knows_how_many_there_are(self) -> None:
        assert len(self.lanes) == sum(map(len, self.model.values()))


LanesMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestAnyInterleaving = LanesMachine.TestCase
