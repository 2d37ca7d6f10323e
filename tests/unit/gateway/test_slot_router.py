"""Whoever is asked, the owner answers: one hop, tried again while slots move, and no lease left behind."""

import asyncio
import logging
import time

import pytest

from adapters.gateway.errors import Row
from adapters.gateway.peers import slot_router
from adapters.gateway.peers.peer_messages import CreateQueueRequest, Messages, ReceiveRequest
from adapters.gateway.slot_ports import SlotLostError
from pipeline.cmq_registry import QueueAttributes
from tests.unit.gateway.replicas import MESSAGE, Replicas, on_replicas, row_of, until


@pytest.mark.parametrize("owner", [0, 1])
def test_a_call_is_answered_by_the_owner_whichever_replica_is_asked(owner: int) -> None:
    async def play(replicas: Replicas) -> None:
        entry = await replicas.make_queue("q")
        replicas.move(entry.slot, owner)
        queues, slot = replicas[0].queues, replicas[owner].slot(entry.slot)
        assert await queues.receive("q", 3, 0) == [MESSAGE]
        assert await queues.delete_messages("Q", ["h1", "x"]) == [None, Row.BAD_HANDLE]
        await queues.rewind("q", 7)
        assert [asked[:2] for asked in slot.asked] == [("receive", "q"), ("delete", "q"), ("rewind", "q")]

    on_replicas(play)


def test_the_owner_that_has_moved_is_found_by_asking_the_directory_again() -> None:
    async def play(replicas: Replicas) -> None:
        entry = await replicas.make_queue("q")
        replicas.move(entry.slot, 2, known=False)
        replicas.directory[entry.slot] = 1
        assert await replicas[0].queues.delete_messages("q", ["h"]) == [None]
        assert replicas[0].not_mine_told == [(entry.slot, replicas[1].address)]

    on_replicas(play, 3)


def test_a_slot_that_nobody_owns_yet_is_waited_for() -> None:
    async def play(replicas: Replicas) -> None:
        entry = await replicas.make_queue("q")
        replicas.owner.pop(entry.slot)
        replicas.directory.pop(entry.slot)
        asked = asyncio.create_task(replicas[0].queues.delete_messages("q", ["h"]))
        await asyncio.sleep(0.1)
        assert not asked.done()
        replicas.move(entry.slot, 1)
        assert await asked == [None]

    on_replicas(play)


@pytest.mark.parametrize("owner", [0, 1])
def test_a_delete_whose_slot_was_lost_is_asked_of_whoever_owns_it_then(owner: int) -> None:
    async def play(replicas: Replicas) -> None:
        entry = await replicas.make_queue("q")
        replicas.move(entry.slot, owner)
        slot = replicas[owner].slot(entry.slot)
        slot.error = SlotLostError()
        assert await replicas[0].queues.delete_messages("q", ["h"]) == [None]
        assert slot.asked == [("delete", "q", ("h",))] * 2

    on_replicas(play)


@pytest.mark.parametrize("owner", [0, 1])
def test_a_handle_that_only_a_later_try_refuses_may_have_been_good_for_the_first(owner: int) -> None:
    async def play(replicas: Replicas) -> None:
        entry = await replicas.make_queue("q")
        replicas.move(entry.slot, owner)
        replicas[owner].slot(entry.slot).error = SlotLostError()
        assert await replicas[0].queues.delete_messages("q", ["h", "x"]) == [None, Row.INTERNAL]
        assert await replicas[0].queues.delete_messages("q", ["h", "x"]) == [None, Row.BAD_HANDLE]

    on_replicas(play)


def test_a_receive_ends_with_its_poll_when_nobody_can_be_asked() -> None:
    async def play(replicas: Replicas) -> None:
        entry = await replicas.make_queue("q")
        replicas.owner.pop(entry.slot)
        replicas.directory.pop(entry.slot)
        began_s = time.monotonic()
        assert await row_of(replicas[0].queues.receive("q", 1, 1)) is Row.NO_MESSAGE
        assert 0.5 < time.monotonic() - began_s < 1.5
        assert await row_of(replicas[0].queues.receive("q", 1, 0)) is Row.NO_MESSAGE
        assert time.monotonic() - began_s < 2.0

    on_replicas(play)


def test_a_poll_goes_on_at_the_next_owner_for_what_is_left_of_it() -> None:
    async def play(replicas: Replicas) -> None:
        entry = await replicas.make_queue("q", polling_wait_s=5)
        replicas.move(entry.slot, 1)
        before, after = replicas[1].slot(entry.slot), replicas[2].slot(entry.slot)
        before.gate = asyncio.Event()
        poll = asyncio.create_task(replicas[0].queues.receive("q", 1, None))
        await asyncio.sleep(0.3)
        replicas.move(entry.slot, 2)
        before.error = SlotLostError()
        before.gate.set()
        assert await poll == [MESSAGE]
        wait_s = after.asked[0][3]
        assert isinstance(wait_s, float)
        assert 3.0 < wait_s < 4.8

    on_replicas(play, 3)


def test_anything_else_gives_up_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slot_router, "ANSWER_S", 0.3)

    async def play(replicas: Replicas) -> None:
        entry = await replicas.make_queue("q")
        slot = replicas[1].slot(entry.slot)
        replicas.move(entry.slot, 1)
        slot.gate = asyncio.Event()
        assert await row_of(replicas[0].queues.delete_messages("q", ["h"])) is Row.INTERNAL
        replicas.owner.pop(entry.slot)
        assert await row_of(replicas[0].queues.rewind("q", 1)) is Row.INTERNAL
        replicas.owner.pop(0, None)
        assert await row_of(replicas[0].queues.create("r", QueueAttributes())) is Row.INTERNAL

    on_replicas(play)


@pytest.mark.parametrize("owner", [0, 1])
def test_a_poll_whose_client_goes_away_is_cancelled_at_the_owner(owner: int) -> None:
    async def play(replicas: Replicas) -> None:
        entry = await replicas.make_queue("q")
        replicas.move(entry.slot, owner)
        slot = replicas[owner].slot(entry.slot)
        slot.gate = asyncio.Event()
        poll = asyncio.create_task(replicas[0].queues.receive("q", 1, 10))
        await until(lambda: slot.asked)
        poll.cancel()
        await until(lambda: slot.cancelled)

    on_replicas(play)


def test_messages_that_nobody_waits_for_are_given_back_to_their_owner() -> None:
    async def play(replicas: Replicas) -> None:
        entry = await replicas.make_queue("q")
        replicas.move(entry.slot, 1)
        slot = replicas[1].slot(entry.slot)
        request = ReceiveRequest("q", entry.topic_id, 1, 0.0)
        replicas[0].router.give_back(replicas[1].address, request, Messages([MESSAGE]))
        await until(lambda: slot.asked)
        assert slot.asked == [("give back", "q", ("handle",))]

    on_replicas(play)


def test_messages_of_an_owner_that_cannot_be_reached_are_left_to_time(caplog: pytest.LogCaptureFixture) -> None:
    async def play(replicas: Replicas) -> None:
        entry = await replicas.make_queue("q")
        await replicas[1].server.close()
        request = ReceiveRequest("q", entry.topic_id, 1, 0.0)
        with caplog.at_level(logging.INFO):
            replicas[0].router.give_back(replicas[1].address, request, Messages([MESSAGE]))
            await until(lambda: not replicas[0].router._chores)
        assert "lease_left_to_time" in [record.message for record in caplog.records]

    on_replicas(play)


@pytest.mark.parametrize("owner", [0, 1])
def test_a_queue_whose_making_was_heeded_but_not_answered_is_made_once(owner: int) -> None:
    async def play(replicas: Replicas) -> None:
        replicas.move(0, owner)
        replicas[owner].writer.lost = SlotLostError()
        queue_id = await replicas[0].queues.create("q", QueueAttributes())
        asked = replicas[owner].writer.asked
        assert len(asked) == 2
        assert asked[0] == asked[1] == CreateQueueRequest("q", queue_id, QueueAttributes())
        assert await row_of(replicas[0].queues.create("q", QueueAttributes())) is Row.QUEUE_EXISTS

    on_replicas(play)


@pytest.mark.parametrize("owner", [0, 1])
def test_a_queue_whose_deletion_was_heeded_but_not_answered_is_deleted(owner: int) -> None:
    async def play(replicas: Replicas) -> None:
        await replicas.make_queue("q")
        replicas.move(0, owner)
        replicas[owner].writer.lost = SlotLostError()
        await replicas[0].queues.delete("q")
        assert await row_of(replicas[0].queues.delete("q")) is Row.NO_QUEUE

    on_replicas(play)


def test_spreading_has_every_other_replica_catch_up_and_waits_for_no_dead_one() -> None:
    async def play(replicas: Replicas) -> None:
        replicas.move(1, 1)
        replicas.move(2, 2)
        await replicas[2].server.close()
        began_s = time.monotonic()
        await replicas[0].router.spread()
        assert replicas[1].view.caught_up == 1
        assert replicas[0].view.caught_up == 0
        assert time.monotonic() - began_s < 1.5

    on_replicas(play, 3)
