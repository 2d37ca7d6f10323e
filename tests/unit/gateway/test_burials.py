"""Dead letters where something is in their way: many at a time, a target that is gone, a policy that changes."""

import asyncio

import pytest

from adapters.gateway.errors import Row
from adapters.gateway.leases.burials import AT_HAND, Burials
from adapters.gateway.leases.entries import Burying, Taken
from adapters.gateway.leases.limits import Limits
from adapters.gateway.leases.queue_state import QueueState
from pipeline.cmq_registry import DeadLetterPolicy, QueueEntry
from pipeline.errors import DeliveryFailedError
from tests.unit.gateway.slot_rig import Rig, on_loop, queue_entry, refused

OLD = queue_entry(dead_letter=DeadLetterPolicy("dead", 0, 300), visibility_timeout_s=200)
TWICE = queue_entry(dead_letter=DeadLetterPolicy("dead", 2), visibility_timeout_s=10)
MANY = 400


async def polled(rig: Rig, queue: QueueEntry, seconds: float = 1.1) -> Row:
    poll = asyncio.ensure_future(rig.owner.receive(queue, 1, 1))
    await rig.advance(seconds)
    return await refused(poll)


def burials(rig: Rig) -> Burials:
    return rig.owner._runs[OLD.topic_id]._burials


def dead(rig: Rig, name: str = "dead") -> list[bytes]:
    return [one.value for one in rig.queues.log(name) if one is not None]


@on_loop
async def test_of_many_dead_letters_only_a_few_bodies_are_kept(rig: Rig) -> None:
    rig.queues.log("dead")
    rig.queues.send("orders", *(b"%d" % number for number in range(MANY)))
    await rig.advance(300)
    poll = asyncio.ensure_future(rig.owner.receive(OLD, 1, 1))
    most = 0
    while len(dead(rig)) < MANY:
        await rig.turn(1)
        most = max(most, sum(letter.body is not None for letter in burials(rig)._known.values()))
    assert 0 < most <= AT_HAND + 1
    await rig.advance(1.1)
    assert await refused(poll) is Row.NO_MESSAGE
    assert sorted(dead(rig)) == sorted(b"%d" % number for number in range(MANY))
    assert (await rig.owner.counts(OLD)).inactive == 0


def test_dead_letters_that_wait_are_bounded_and_what_is_behind_them_comes_when_there_is_room() -> None:
    async def play() -> None:
        rig = Rig(Limits(delayed=10))
        rig.queues.log("dead")
        rig.queues.send("orders", *[b"old"] * 50)
        await rig.advance(300)
        rig.queues.send("orders", b"new")
        rig.queues.fail_bury = DeliveryFailedError(1, [])
        poll = asyncio.ensure_future(rig.owner.receive(OLD, 1, 60))
        await rig.advance(1)
        state = rig.owner._runs[OLD.topic_id].state.partition(0)
        assert state.frontier == 10
        assert len(burials(rig)._known) == 10
        rig.queues.fail_bury = None
        await rig.advance(5)
        await rig.turn(2_000)
        (message,) = await poll
        assert message.body == b"new"
        await polled(rig, OLD)
        assert dead(rig) == [b"old"] * 50

    asyncio.run(play())


@on_loop
async def test_one_that_cannot_be_buried_holds_up_no_other(rig: Rig) -> None:
    rig.queues.log("dead")
    rig.queues.send("orders", b"refused", b"fine")
    rig.queues.refused = b"refused"
    await rig.advance(300)
    await polled(rig, OLD)
    await rig.advance(5)
    assert dead(rig) == [b"fine"]


@on_loop
async def test_where_the_target_is_gone_the_policys_new_one_is_taken(rig: Rig) -> None:
    rig.queues.log("dead")
    rig.queues.fail_bury = DeliveryFailedError(1, [])
    rig.queues.send("orders", b"old")
    await rig.advance(300)
    await polled(rig, OLD)
    rig.queues.fail_bury = None
    del rig.queues.logs["cmq.queue.dead", 0]
    rig.queues.log("other")
    other = queue_entry(dead_letter=DeadLetterPolicy("other", 0, 300))
    await polled(rig, other)
    await rig.advance(5)
    assert dead(rig, "other") == [b"old"]


@on_loop
async def test_one_that_was_written_is_not_shown_when_the_policy_goes(rig: Rig) -> None:
    rig.queues.log("dead")
    rig.queues.fail_bury, rig.queues.bury_unsure = DeliveryFailedError(1, []), True
    rig.queues.send("orders", b"old")
    await rig.advance(300)
    await polled(rig, OLD)
    assert dead(rig) == [b"old"]
    rig.queues.fail_bury = None
    await polled(rig, queue_entry())
    await rig.advance(5)
    counts = await rig.owner.counts(queue_entry())
    assert (counts.active, counts.inactive) == (0, 0)


def test_what_is_about_to_be_buried_is_not_put_off_any_more_for_who_reads_the_journal() -> None:
    """Who wrote it had let the delay end, which is no entry."""
    queue = QueueState(1, "k")
    queue.apply(Taken(1, 0, 0, 0, 0, (), 1, (0,), (1_000,)))
    queue.apply(Burying(1, 0, 0, "dead", (0,)))
    state = queue.partition(0)
    state.advance(2_000)
    assert list(state.visible) == []
    assert list(state.burying) == [0]


@pytest.mark.parametrize("snapshot", [True, False])
def test_an_old_message_is_given_to_nobody_while_it_is_being_buried_whoever_owns_the_slot(*, snapshot: bool) -> None:
    @on_loop
    async def claim(rig: Rig) -> None:
        rig.queues.log("dead")
        rig.queues.fail_bury = DeliveryFailedError(1, [])
        rig.queues.send("orders", b"old")
        await rig.advance(300)
        await polled(rig, OLD)
        rig.take_over(snapshot=snapshot)
        patient = queue_entry(dead_letter=DeadLetterPolicy("dead", 0, 9_000))
        assert await polled(rig, patient) is Row.NO_MESSAGE

    claim()


@on_loop
async def test_what_a_rewind_gives_to_a_client_is_not_buried_under_its_hands(rig: Rig) -> None:
    rig.queues.send("orders", b"old")
    await rig.advance(300)
    await polled(rig, OLD)  # there is no such target yet, so it has not begun
    patient = queue_entry(dead_letter=DeadLetterPolicy("dead", 0, 9_000), rewind_s=1_000)
    await rig.owner.rewind(patient, rig.clock.now_ms() // 1_000 - 400)
    (message,) = await rig.owner.receive(patient, 1, 1)
    rig.queues.log("dead")
    await rig.advance(5)
    assert dead(rig) == []
    assert await rig.owner.delete_messages(patient, [message.receipt_handle]) == [None]


@on_loop
async def test_what_a_rewind_gives_to_a_client_is_not_shown_to_another_when_the_policy_goes(rig: Rig) -> None:
    rig.queues.send("orders", b"old")
    await rig.advance(300)
    await polled(rig, OLD)
    plain = queue_entry(rewind_s=1_000)
    await rig.owner.rewind(plain, rig.clock.now_ms() // 1_000 - 400)
    (message,) = await rig.owner.receive(plain, 1, 1)
    await rig.advance(5)
    assert await polled(rig, plain) is Row.NO_MESSAGE, "held by two"
    assert await rig.owner.delete_messages(plain, [message.receipt_handle]) == [None]
