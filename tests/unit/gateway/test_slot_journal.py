"""The owner's side of a slot's journal: who is told what, and when."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
import uvloop

from adapters.gateway.journal.journal_record import RECORD_MAX_BYTES, SENDABLE_BYTES, Claim, Entries, encode
from adapters.gateway.journal.journal_record import decode as decoded
from adapters.gateway.journal.slot_journal import IN_FLIGHT, KafkaSlotJournal, NotSentError
from adapters.gateway.slot_ports import SlotLostError
from tests.unit.gateway.journal_lab import Fate, Log, Road

EPOCH = b"e" * 8


class Desk:
    """A journal, its road and its log, which begins with the claim."""

    def __init__(self, room: int = 1 << 30) -> None:
        self.log = Log()
        self.log.append(encode(Claim(EPOCH, "us")))
        self.road = Road(self.log, room)
        self.lost: list[str] = []
        self.journal = KafkaSlotJournal(7, EPOCH, 0, self.road, self.lost.append)


def on_loop(claim: Callable[[], Awaitable[None]]) -> None:
    async def run() -> None:
        await claim()

    uvloop.run(run())


async def turns(count: int = 3) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


def test_what_is_appended_in_one_turn_shares_a_record_and_is_told_when_it_is_durable() -> None:
    async def claim() -> None:
        desk = Desk()
        futures = [desk.journal.append([b"%d" % number]) for number in range(5)]
        await turns()
        assert len(desk.road.queue) == 1
        assert not any(future.done() for future in futures)
        desk.road.all()
        await asyncio.gather(*futures)
        assert desk.log.state().entries == [b"0", b"1", b"2", b"3", b"4"]

    on_loop(claim)


def test_while_several_records_are_out_the_next_one_collects() -> None:
    async def claim() -> None:
        desk = Desk()
        for number in range(IN_FLIGHT + 5):
            desk.journal.append([b"%d" % number])
            await turns()
        assert len(desk.road.queue) == IN_FLIGHT
        desk.road.all()
        assert len(desk.log.values) == 1 + IN_FLIGHT + 1
        assert desk.log.state().entries == [b"%d" % number for number in range(IN_FLIGHT + 5)]

    on_loop(claim)


@pytest.mark.parametrize("fate", [fate for fate in Fate if fate is not Fate.ARRIVES])
def test_what_is_not_told_to_be_where_it_must_be_loses_the_slot(fate: Fate) -> None:
    async def claim() -> None:
        desk = Desk()
        first = desk.journal.append([b"1"])
        await turns()
        second = desk.journal.append([b"2"])
        await turns()
        desk.road.deliver(fate)
        desk.road.all()
        third = desk.journal.append([b"3"])
        for future in (first, second, third):
            with pytest.raises(SlotLostError, match="slot 7"):
                await future
        await turns()
        assert not desk.journal.alive
        assert len(desk.lost) == 1
        assert not desk.road.queue

    on_loop(claim)


def test_another_claim_in_between_loses_the_slot_from_there_on() -> None:
    async def claim() -> None:
        desk = Desk()
        first = desk.journal.append([b"1"])
        await turns()
        desk.road.deliver()
        desk.log.append(encode(Claim(b"f" * 8, "somebody else")))
        second = desk.journal.append([b"2"])
        await turns()
        desk.road.all()
        await first
        with pytest.raises(SlotLostError, match="at offset 3 in place of 2"):
            await second
        assert desk.log.state().entries == [b"1"]

    on_loop(claim)


def test_an_append_without_entries_asks_whether_the_slot_is_still_ours() -> None:
    async def claim() -> None:
        desk = Desk()
        desk.log.append(encode(Claim(b"f" * 8, "somebody else")))
        asked = desk.journal.append([])
        await turns()
        desk.road.all()
        with pytest.raises(SlotLostError):
            await asked

    on_loop(claim)


def test_who_is_cancelled_takes_nobody_else_along() -> None:
    async def claim() -> None:
        desk = Desk()
        gone, there = desk.journal.append([b"1"]), desk.journal.append([b"2"])
        await turns()
        gone.cancel()
        desk.road.all()
        await there

    on_loop(claim)


def test_closed_it_sends_what_was_appended_tells_it_and_takes_nothing_more() -> None:
    async def claim() -> None:
        desk = Desk()
        before = desk.journal.append([b"1"])
        desk.journal.close()
        after = desk.journal.append([b"2"])
        assert not desk.journal.alive
        desk.road.all()
        await before
        with pytest.raises(SlotLostError, match="given away"):
            await after
        assert desk.lost == []

    on_loop(claim)


def test_a_record_that_finds_no_room_loses_the_slot() -> None:
    async def claim() -> None:
        desk = Desk(room=0)
        with pytest.raises(SlotLostError, match="no room"):
            await desk.journal.append([b"1"])
        await turns()
        assert len(desk.lost) == 1

    on_loop(claim)


def test_a_process_that_stood_still_sends_nothing_more_for_its_slots() -> None:
    async def claim() -> None:
        desk = Desk()
        desk.road.lapses += 1
        with pytest.raises(SlotLostError, match="stood still"):
            await desk.journal.append([b"1"])
        assert not desk.road.queue
        assert not desk.journal.alive

    on_loop(claim)


def test_a_snapshot_that_finds_no_room_means_nothing_and_the_slot_stays_ours() -> None:
    async def claim() -> None:
        desk = Desk(room=1)
        with pytest.raises(NotSentError):
            await desk.journal.append_snapshot([b"x,y", b"z"])
        desk.road.all()
        entry = desk.journal.append([b"1"])
        await turns()
        desk.road.all()
        await entry
        assert desk.log.state().entries == [b"1"]

    on_loop(claim)


def test_a_snapshot_stands_behind_what_was_appended_before_it_and_tells_where_it_begins() -> None:
    async def claim() -> None:
        desk = Desk()
        before = desk.journal.append([b"1"])
        snapshot = desk.journal.append_snapshot([b"1", b"2"])
        after = desk.journal.append([b"3"])
        await turns()
        desk.road.all()
        await asyncio.gather(before, after)
        assert await snapshot == 2
        desk.log.trim(2)
        assert desk.log.state().entries == [b"1", b"2", b"3"]

    on_loop(claim)


def test_records_stay_below_their_size_and_an_append_is_never_split() -> None:
    async def claim() -> None:
        desk = Desk()
        for _ in range(3):
            desk.journal.append([b"x" * (RECORD_MAX_BYTES // 2)])
        large = desk.journal.append([b"y" * (RECORD_MAX_BYTES // 4)] * 3)
        await turns()
        while desk.road.queue:
            desk.road.all()
            await turns()
        await large
        records = [decoded(value) for value in desk.log.values[1:]]
        assert [len(one.entries) for one in records if isinstance(one, Entries)] == [1, 1, 1, 3]
        with pytest.raises(ValueError, match="at most"):
            desk.journal.append([b"z" * SENDABLE_BYTES])

    on_loop(claim)
