"""What the owner of a slot answers, and when."""

import asyncio

import pytest

from adapters.gateway.errors import Row
from adapters.gateway.leases import entries
from adapters.gateway.leases.entries import Released
from adapters.gateway.leases.limits import Limits
from adapters.gateway.leases.message_ids import derived_id
from adapters.gateway.leases.queue_logs import SOURCE_OFFSET
from adapters.gateway.ports import Message, QueueCounts
from adapters.gateway.slot_ports import SlotLostError
from pipeline.cmq_registry import DeadLetterPolicy
from pipeline.errors import DeliveryFailedError
from pipeline.headers import find_header
from tests.unit.gateway.slot_rig import START_MS, Rig, on_loop, queue_entry, refused

QUEUE = queue_entry()


def bodies(messages: list[Message]) -> list[bytes]:
    return [message.body for message in messages]


@on_loop
async def test_a_message_is_received_with_all_that_the_clients_read(rig: Rig) -> None:
    rig.queues.send("orders", b"one")
    (message,) = await rig.owner.receive(QUEUE, 1, 0)
    now_s = START_MS // 1_000
    assert message.msg_id == derived_id(QUEUE.topic_id, 0, 0)
    assert (message.body, message.dequeue_count) == (b"one", 1)
    assert (message.enqueue_time_s, message.first_dequeue_time_s, message.next_visible_time_s) == (
        now_s,
        now_s,
        now_s + 30,
    )


@on_loop
async def test_id_and_time_of_the_headers_go_first(rig: Rig) -> None:
    rig.queues.send("orders", b"one", headers=[("cmq_msg_id", b"42"), ("cmq_publish_time", b"17")])
    (message,) = await rig.owner.receive(QUEUE, 1, 0)
    assert (message.msg_id, message.enqueue_time_s) == ("42", 17)


@on_loop
async def test_a_batch_gives_what_is_there_in_order(rig: Rig) -> None:
    rig.queues.send("orders", b"a", b"b")
    rig.queues.gap("orders")
    rig.queues.send("orders", b"c")
    assert bodies(await rig.owner.receive(QUEUE, 16, 0)) == [b"a", b"b", b"c"]


@on_loop
async def test_nothing_is_answered_before_it_is_durable(rig: Rig) -> None:
    rig.journal.held = True
    rig.queues.send("orders", b"one")
    receive = asyncio.ensure_future(rig.owner.receive(QUEUE, 1, 0))
    await rig.turn()
    assert not receive.done()
    rig.journal.flush()
    (message,) = await receive
    deleted = asyncio.ensure_future(rig.owner.delete_messages(QUEUE, [message.receipt_handle]))
    again = asyncio.ensure_future(rig.owner.delete_messages(QUEUE, [message.receipt_handle]))
    await rig.turn()
    assert not deleted.done()
    assert not again.done(), "it rests on the first one's entry"
    rig.journal.flush()
    assert await deleted == await again == [None]


@on_loop
async def test_an_empty_queue_says_so_at_once(rig: Rig) -> None:
    assert await refused(rig.owner.receive(QUEUE, 1, 0)) is Row.NO_MESSAGE
    assert await refused(rig.owner.receive(QUEUE, 1, 0)) is Row.NO_MESSAGE


@on_loop
async def test_a_receive_that_will_not_wait_waits_for_what_a_silent_reader_may_bring(rig: Rig) -> None:
    rig.queues.says_end, rig.queues.slow = False, True
    rig.queues.send("orders", b"one")
    receive, late = (asyncio.ensure_future(rig.owner.receive(QUEUE, 1, 0)) for _ in range(2))
    await rig.advance(0.4)
    rig.queues.feed()
    assert bodies(await receive) == [b"one"]
    await rig.advance(0.2)
    assert await refused(late) is Row.NO_MESSAGE
    assert await refused(rig.owner.receive(QUEUE, 1, 0)) is Row.NO_MESSAGE


@on_loop
async def test_a_message_that_arrives_wakes_the_first_poll_at_once(rig: Rig) -> None:
    polls = [asyncio.ensure_future(rig.owner.receive(QUEUE, 1, 10)) for _ in range(3)]
    await rig.turn()
    rig.queues.send("orders", b"one")
    await rig.turn()
    assert [poll.done() for poll in polls] == [True, False, False]
    rig.queues.send("orders", b"two", b"three")
    assert [bodies(await poll) for poll in polls] == [[b"one"], [b"two"], [b"three"]]


@on_loop
async def test_a_poll_ends_when_its_time_is_over(rig: Rig) -> None:
    poll = asyncio.ensure_future(rig.owner.receive(QUEUE, 1, 10))
    await rig.advance(9.9)
    assert not poll.done()
    await rig.advance(0.2)
    assert await refused(poll) is Row.NO_MESSAGE


@on_loop
async def test_what_nobody_deletes_comes_back_to_a_waiting_poll_when_its_time_is_over(rig: Rig) -> None:
    rig.queues.send("orders", b"one")
    (first,) = await rig.owner.receive(QUEUE, 1, 0)
    poll = asyncio.ensure_future(rig.owner.receive(QUEUE, 1, 100))
    await rig.advance(29.9)
    assert not poll.done()
    await rig.advance(0.2)
    (second,) = await poll
    assert (second.dequeue_count, second.first_dequeue_time_s) == (2, first.first_dequeue_time_s)
    assert second.receipt_handle != first.receipt_handle
    assert await rig.owner.delete_messages(QUEUE, [first.receipt_handle]) == [Row.BAD_HANDLE]
    assert await rig.owner.delete_messages(QUEUE, [second.receipt_handle]) == [None]


@on_loop
async def test_a_lease_made_while_others_wait_wakes_them_when_it_ends(rig: Rig) -> None:
    polls = [asyncio.ensure_future(rig.owner.receive(QUEUE, 1, 100)) for _ in range(2)]
    await rig.turn()
    rig.queues.send("orders", b"one")
    await rig.advance(1)
    assert [poll.done() for poll in polls] == [True, False]
    await rig.advance(30)
    (message,) = await polls[1]
    assert message.dequeue_count == 2


@on_loop
async def test_what_comes_back_goes_before_what_is_new(rig: Rig) -> None:
    rig.queues.send("orders", b"a", b"b", b"c", b"d")
    await rig.owner.receive(queue_entry(visibility_timeout_s=20), 1, 0)
    await rig.owner.receive(queue_entry(visibility_timeout_s=10), 1, 0)
    await rig.advance(21)
    assert bodies(await rig.owner.receive(QUEUE, 1, 1)) == [b"c"], "their bodies are not at hand: nobody waits for that"
    await rig.turn()
    assert bodies(await rig.owner.receive(QUEUE, 16, 0)) == [b"b", b"a", b"d"]


@on_loop
async def test_a_handle_ends_with_its_time_also_if_nobody_received_again(rig: Rig) -> None:
    rig.queues.send("orders", b"one")
    (message,) = await rig.owner.receive(QUEUE, 1, 0)
    await rig.advance(30)
    assert await rig.owner.delete_messages(QUEUE, [message.receipt_handle]) == [Row.BAD_HANDLE]


@on_loop
async def test_deletes_of_a_batch_are_told_apart(rig: Rig) -> None:
    rig.queues.send("orders", b"a", b"b")
    one, two = await rig.owner.receive(QUEUE, 2, 0)
    handles = [one.receipt_handle, "nonsense", two.receipt_handle, one.receipt_handle]
    before = len(rig.journal.durable)
    assert await rig.owner.delete_messages(QUEUE, handles) == [None, Row.BAD_HANDLE, None, None]
    assert len(rig.journal.durable) == before + 1
    other = queue_entry("others")
    assert await rig.owner.delete_messages(other, [one.receipt_handle]) == [Row.BAD_HANDLE]


@on_loop
async def test_a_cancelled_poll_takes_nothing_away(rig: Rig) -> None:
    first = asyncio.ensure_future(rig.owner.receive(QUEUE, 1, 10))
    second = asyncio.ensure_future(rig.owner.receive(QUEUE, 1, 10))
    await rig.turn()
    first.cancel()
    rig.queues.send("orders", b"one")
    (message,) = await second
    assert message.dequeue_count == 1
    assert first.cancelled()


@pytest.mark.parametrize("durable", [True, False])
def test_a_receive_that_is_cancelled_after_its_lease_gives_it_back_at_once(*, durable: bool) -> None:
    @on_loop
    async def claim(rig: Rig) -> None:
        rig.journal.held = not durable
        first = asyncio.ensure_future(rig.owner.receive(QUEUE, 1, 10))
        await rig.turn()
        rig.queues.send("orders", b"one")
        await rig.turn(1 if durable else 5)  # leased, and the answer is on its way
        state = rig.states.queue(QUEUE.topic_id)
        assert state is not None
        assert state.held()
        assert not first.done()
        first.cancel()
        await rig.turn()
        assert first.cancelled()
        rig.journal.held = False
        rig.journal.flush()
        (message,) = await rig.owner.receive(QUEUE, 1, 0)
        assert (message.body, message.dequeue_count) == (b"one", 1)
        assert any(isinstance(entries.decode(entry), Released) for entry in rig.journal.durable)

    claim()


@on_loop
async def test_what_is_given_back_goes_to_the_next_that_waits(rig: Rig) -> None:
    rig.journal.held = True
    first = asyncio.ensure_future(rig.owner.receive(QUEUE, 1, 10))
    second = asyncio.ensure_future(rig.owner.receive(QUEUE, 1, 10))
    await rig.turn()
    rig.queues.send("orders", b"one")
    await rig.turn()
    first.cancel()
    await rig.turn()
    rig.journal.flush()
    assert bodies(await second) == [b"one"]


@on_loop
async def test_a_delayed_message_comes_when_it_is_due_and_holds_nothing_up(rig: Rig) -> None:
    rig.queues.send("orders", b"later", delay_ms=5_000)
    rig.queues.send("orders", b"now")
    assert bodies(await rig.owner.receive(QUEUE, 16, 0)) == [b"now"]
    poll = asyncio.ensure_future(rig.owner.receive(QUEUE, 16, 100))
    await rig.advance(4.9)
    assert not poll.done()
    await rig.advance(0.2)
    (message,) = await poll
    assert (message.body, message.dequeue_count) == (b"later", 1)


@on_loop
async def test_what_is_delayed_is_known_to_the_next_owner(rig: Rig) -> None:
    rig.queues.send("orders", b"later", delay_ms=5_000)
    rig.queues.send("orders", b"now")
    (now,) = await rig.owner.receive(QUEUE, 16, 0)
    await rig.owner.delete_messages(QUEUE, [now.receipt_handle])
    rig.take_over()
    poll = asyncio.ensure_future(rig.owner.receive(QUEUE, 16, 100))
    await rig.advance(4.9)
    assert not poll.done()
    await rig.advance(0.2)
    assert bodies(await poll) == [b"later"]


@on_loop
async def test_an_expired_message_is_never_given(rig: Rig) -> None:
    queue = queue_entry(retention_s=60, visibility_timeout_s=50)
    rig.queues.send("orders", b"leased", b"unread")
    await rig.owner.receive(queue, 1, 0)
    await rig.advance(61)
    rig.queues.send("orders", b"new")
    assert bodies(await rig.owner.receive(queue, 16, 10)) == [b"new"]
    await rig.turn()
    assert await refused(rig.owner.receive(queue, 16, 0)) is Row.NO_MESSAGE
    assert await rig.owner.counts(queue) == QueueCounts(0, 1, 0, 0, START_MS // 1_000 + 61)


@on_loop
async def test_what_the_log_has_lost_is_settled(rig: Rig) -> None:
    rig.queues.send("orders", b"a", b"b", b"c")
    await rig.owner.receive(QUEUE, 2, 0)
    rig.queues.log("orders")[0] = None
    await rig.advance(31)
    assert bodies(await rig.owner.receive(QUEUE, 1, 1)) == [b"c"]
    await rig.turn()
    assert bodies(await rig.owner.receive(QUEUE, 16, 0)) == [b"b"]
    assert (await rig.owner.counts(QUEUE)).active == 0


@on_loop
async def test_a_log_that_begins_later_settles_what_lies_before(rig: Rig) -> None:
    rig.queues.send("orders", b"a", b"b", b"c")
    await rig.owner.receive(QUEUE, 1, 0)
    rig.queues.low["cmq.queue.orders", 0] = 2
    rig.take_over()
    assert bodies(await rig.owner.receive(QUEUE, 16, 0)) == [b"c"]
    assert await rig.owner.counts(QUEUE) == QueueCounts(0, 1, 0, 0, START_MS // 1_000)


@on_loop
async def test_messages_in_flight_are_limited(rig: Rig) -> None:
    rig.limits = Limits(in_flight=2)
    rig.take_over()
    rig.queues.send("orders", b"a", b"b", b"c")
    one, _ = await rig.owner.receive(QUEUE, 16, 0)
    assert await refused(rig.owner.receive(QUEUE, 1, 0)) is Row.TOO_MANY_IN_FLIGHT
    await rig.owner.delete_messages(QUEUE, [one.receipt_handle])
    assert bodies(await rig.owner.receive(QUEUE, 16, 0)) == [b"c"]


@on_loop
async def test_counts_are_of_messages(rig: Rig) -> None:
    rig.queues.send("orders", b"a", b"b", b"c", b"d")
    rig.queues.gap("orders", 5)
    rig.queues.send("orders", b"later", delay_ms=9_000)
    rig.queues.gap("orders", 5)
    queue = queue_entry(rewind_s=1_000)
    one, _ = await rig.owner.receive(queue, 2, 0)
    await rig.owner.delete_messages(queue, [one.receipt_handle])
    assert await rig.owner.counts(queue) == QueueCounts(2, 1, 1, 1, START_MS // 1_000)


@on_loop
async def test_counting_does_not_begin_to_read(rig: Rig) -> None:
    rig.queues.send("orders", b"a", b"b")
    assert (await rig.owner.counts(QUEUE)).active == 2
    assert not rig.queues.tails


@on_loop
async def test_a_rewind_makes_deleted_messages_visible_and_skips_none(rig: Rig) -> None:
    queue = queue_entry(rewind_s=100)
    rig.queues.send("orders", b"a", b"b")
    await rig.advance(10)
    rig.queues.send("orders", b"c", b"d")
    rig.queues.gap("orders", 3)
    rig.queues.send("orders", b"e")
    messages = await rig.owner.receive(queue, 16, 0)
    await rig.owner.delete_messages(queue, [one.receipt_handle for one in messages if one.body != b"b"])
    await rig.owner.rewind(queue, START_MS // 1_000 + 10)
    await rig.turn()
    again = await rig.owner.receive(queue, 16, 0)
    assert bodies(again) == [b"c", b"d", b"e"]
    assert await rig.owner.delete_messages(queue, [messages[2].receipt_handle]) == [Row.BAD_HANDLE]
    await rig.advance(30)
    assert sorted(bodies(await rig.owner.receive(queue, 16, 1))) == [b"b", b"c", b"d", b"e"]


@on_loop
async def test_a_rewind_is_refused_where_it_cannot_be(rig: Rig) -> None:
    now_s = START_MS // 1_000
    assert await refused(rig.owner.rewind(QUEUE, now_s)) is Row.CANNOT_REWIND
    queue = queue_entry(rewind_s=100)
    for start_s in (now_s - 101, now_s + 1):
        assert await refused(rig.owner.rewind(queue, start_s)) is Row.BAD_REWIND_TIME


@on_loop
async def test_a_dropped_queue_ends_its_polls_and_does_not_come_back(rig: Rig) -> None:
    poll = asyncio.ensure_future(rig.owner.receive(QUEUE, 1, 10))
    await rig.turn()
    await rig.owner.drop(QUEUE)
    assert await refused(poll) is Row.NO_QUEUE
    assert not rig.queues.tails
    rig.take_over()
    assert await refused(rig.owner.receive(QUEUE, 1, 10)) is Row.NO_QUEUE


@on_loop
async def test_a_queue_made_anew_takes_the_place_of_its_former_self(rig: Rig) -> None:
    rig.queues.send("orders", b"old")
    (old,) = await rig.owner.receive(QUEUE, 1, 0)
    rig.queues.log("orders").clear()
    rig.queues.send("orders", b"new")
    anew = queue_entry(topic_id="topic-anew")
    (message,) = await rig.owner.receive(anew, 1, 0)
    assert message.body == b"new"
    assert await rig.owner.delete_messages(anew, [old.receipt_handle]) == [Row.BAD_HANDLE]
    assert await refused(rig.owner.receive(QUEUE, 1, 0)) is Row.NO_QUEUE


@on_loop
async def test_a_lost_slot_answers_nothing_more(rig: Rig) -> None:
    rig.queues.send("orders", b"one")
    rig.journal.held = True
    receive = asyncio.ensure_future(rig.owner.receive(QUEUE, 1, 0))
    poll = asyncio.ensure_future(rig.owner.receive(queue_entry("others"), 1, 10))
    await rig.turn()
    rig.journal.lose()
    for call in (receive, poll, rig.owner.receive(QUEUE, 1, 0), rig.owner.delete_messages(QUEUE, ["x"])):
        with pytest.raises(SlotLostError):
            await call
    assert not rig.queues.tails


@on_loop
async def test_an_owner_that_does_not_know_of_its_successor_refuses_none_of_its_handles(rig: Rig) -> None:
    rig.queues.send("orders", b"one")
    former = Rig()  # restored from the same journal, and not told of what comes now
    (message,) = await rig.owner.receive(QUEUE, 1, 0)
    former.journal.held = True
    delete = asyncio.ensure_future(former.owner.delete_messages(QUEUE, [message.receipt_handle]))
    count = asyncio.ensure_future(former.owner.counts(QUEUE))
    former.queues.gap("orders")
    await former.turn()
    assert not delete.done()
    assert not count.done()
    former.journal.lose()
    for call in (delete, count):
        with pytest.raises(SlotLostError):
            await call


@on_loop
async def test_an_owner_that_does_not_know_of_a_rewind_deletes_nothing_twice(rig: Rig) -> None:
    """Its successor may have rewound the queue: the message is not deleted any more."""
    rig.queues.send("orders", b"one")
    (message,) = await rig.owner.receive(QUEUE, 1, 0)
    handle = message.receipt_handle
    assert await rig.owner.delete_messages(QUEUE, [handle]) == [None]
    assert await rig.owner.delete_messages(QUEUE, [handle]) == [None]
    rig.journal.held = True
    delete = asyncio.ensure_future(rig.owner.delete_messages(QUEUE, [handle]))
    await rig.turn()
    assert not delete.done()
    rig.journal.lose()
    with pytest.raises(SlotLostError):
        await delete


@on_loop
async def test_who_waits_already_gets_what_comes_by_the_queues_new_attributes(rig: Rig) -> None:
    poll = asyncio.ensure_future(rig.owner.receive(QUEUE, 1, 10))
    await rig.turn()
    rig.owner.heed(queue_entry("others", visibility_timeout_s=7))  # nobody has asked for it
    rig.owner.heed(queue_entry(visibility_timeout_s=7))
    rig.queues.send("orders", b"one")
    (message,) = await poll
    assert message.next_visible_time_s == START_MS // 1_000 + 7


@on_loop
async def test_partitions_that_were_added_are_read_for_who_waits_already(rig: Rig) -> None:
    poll = asyncio.ensure_future(rig.owner.receive(QUEUE, 1, 10))
    await rig.turn()
    rig.queues.send("orders", b"one", partition=1)
    rig.owner.heed(queue_entry(partitions=2))
    (message,) = await poll
    assert message.body == b"one"


@on_loop
async def test_closing_wakes_every_poll(rig: Rig) -> None:
    polls = [asyncio.ensure_future(rig.owner.receive(QUEUE, 1, 10)) for _ in range(3)]
    await rig.turn()
    rig.owner.close()
    for poll in polls:
        with pytest.raises(SlotLostError):
            await poll
    assert rig.clock.next_due_in_s() is None


@on_loop
async def test_leases_counts_and_times_are_known_to_the_next_owner(rig: Rig) -> None:
    rig.queues.send("orders", b"a", b"b")
    one, two = await rig.owner.receive(QUEUE, 2, 0)
    assert await rig.owner.delete_messages(QUEUE, [one.receipt_handle]) == [None]
    await rig.advance(10)
    rig.take_over()
    receive = asyncio.ensure_future(rig.owner.receive(QUEUE, 16, 0))
    await rig.advance(0.5)
    assert await refused(receive) is Row.NO_MESSAGE
    assert await rig.owner.delete_messages(QUEUE, [one.receipt_handle]) == [None]
    await rig.advance(20)
    (again,) = await rig.owner.receive(QUEUE, 16, 1)
    assert (again.body, again.dequeue_count) == (b"b", 2)
    assert again.first_dequeue_time_s == two.first_dequeue_time_s


@on_loop
async def test_reading_stops_where_enough_is_at_hand_and_goes_on(rig: Rig) -> None:
    rig.limits = Limits(prefetch=50)
    rig.take_over()
    rig.queues.send("orders", *[b"%d" % number for number in range(1_000)])
    got: list[bytes] = []
    while len(got) < 1_000:
        got += bodies(await rig.owner.receive(QUEUE, 16, 1))
        assert rig.budget.used < 200 * 500
    assert got == [b"%d" % number for number in range(1_000)]


@on_loop
async def test_a_full_budget_holds_nobody_up(rig: Rig) -> None:
    others = queue_entry("others")
    rig.limits = Limits(prefetch=10_000)
    rig.take_over()
    rig.budget.used = 1 << 24
    for name in ("orders", "others"):
        rig.queues.send(name, *[b"%d" % number for number in range(300)])
    for queue in (QUEUE, others):
        got = 0
        while got < 300:
            got += len(await rig.owner.receive(queue, 16, 1))
    await rig.advance(31)
    got = 0
    while got < 300:
        got += len(await rig.owner.receive(QUEUE, 16, 1))
    rig.owner.close()
    assert rig.budget.used == 1 << 24


@on_loop
async def test_a_queue_that_nobody_asks_is_not_read_any_more(rig: Rig) -> None:
    rig.queues.send("orders", b"a", b"b")
    await rig.owner.receive(QUEUE, 1, 0)
    assert rig.budget.used
    await rig.advance(120)
    assert not rig.queues.tails
    assert not rig.budget.used
    again = [one for _ in range(2) for one in await rig.owner.receive(QUEUE, 1, 1)]
    assert sorted(bodies(again)) == [b"a", b"b"]


DEAD = queue_entry("dead")
BURYING = queue_entry(dead_letter=DeadLetterPolicy("dead", 2), visibility_timeout_s=10)


async def receive_twice(rig: Rig) -> None:
    rig.queues.log("dead")
    rig.queues.send("orders", b"poison")
    for _ in range(2):
        assert bodies(await rig.owner.receive(BURYING, 1, 1)) == [b"poison"]
        await rig.advance(10)


async def nothing_left(rig: Rig) -> None:
    poll = asyncio.ensure_future(rig.owner.receive(BURYING, 1, 1))
    await rig.advance(1.5)
    assert await refused(poll) is Row.NO_MESSAGE


@on_loop
async def test_a_message_that_was_received_too_often_goes_to_the_dead_letters(rig: Rig) -> None:
    await receive_twice(rig)
    await nothing_left(rig)
    (letter,) = await rig.owner.receive(DEAD, 16, 1)
    assert letter.body == b"poison"
    assert letter.msg_id == derived_id(BURYING.topic_id, 0, 0)
    body = rig.queues.log("dead")[0]
    assert body is not None
    assert find_header(body.headers, SOURCE_OFFSET) == b"0"
    assert (await rig.owner.counts(BURYING)).inactive == 0


@on_loop
async def test_a_dead_letter_that_cannot_be_written_is_kept_and_tried_again(rig: Rig) -> None:
    rig.queues.fail_bury = DeliveryFailedError(1, [])
    await receive_twice(rig)
    await nothing_left(rig)
    assert (await rig.owner.counts(BURYING)).inactive == 1
    rig.queues.fail_bury = None
    await rig.advance(5)
    assert len(rig.queues.log("dead")) == 1
    assert (await rig.owner.counts(BURYING)).inactive == 0


@on_loop
async def test_a_dead_letter_that_may_have_been_written_is_not_written_twice(rig: Rig) -> None:
    rig.queues.fail_bury, rig.queues.bury_unsure = DeliveryFailedError(1, []), True
    await receive_twice(rig)
    await nothing_left(rig)
    rig.queues.fail_bury = None
    await rig.advance(5)
    assert len(rig.queues.log("dead")) == 1
    assert (await rig.owner.counts(BURYING)).inactive == 0


@pytest.mark.parametrize("written", [True, False])
def test_the_next_owner_ends_what_was_begun(*, written: bool) -> None:
    @on_loop
    async def claim(rig: Rig) -> None:
        rig.queues.fail_bury, rig.queues.bury_unsure = DeliveryFailedError(1, []), written
        await receive_twice(rig)
        await nothing_left(rig)
        rig.queues.fail_bury = None
        rig.take_over()
        await nothing_left(rig)
        assert len(rig.queues.log("dead")) == 1
        assert (await rig.owner.counts(BURYING)).inactive == 0

    claim()


@on_loop
async def test_without_a_policy_a_message_that_waits_for_its_burial_is_visible_again(rig: Rig) -> None:
    rig.queues.fail_bury = DeliveryFailedError(1, [])
    await receive_twice(rig)
    await nothing_left(rig)
    plain = queue_entry(visibility_timeout_s=10)
    poll = asyncio.ensure_future(rig.owner.receive(plain, 1, 20))
    await rig.advance(5)
    (message,) = await poll
    assert (message.body, message.dequeue_count) == (b"poison", 3)


@on_loop
async def test_a_message_that_has_been_there_for_too_long_goes_to_the_dead_letters(rig: Rig) -> None:
    rig.queues.log("dead")
    queue = queue_entry(dead_letter=DeadLetterPolicy("dead", 0, 300), visibility_timeout_s=200)
    rig.queues.send("orders", b"received", b"unread")
    assert bodies(await rig.owner.receive(queue, 1, 1)) == [b"received"]
    await rig.advance(300)
    rig.queues.send("orders", b"new")
    poll = asyncio.ensure_future(rig.owner.receive(queue, 16, 1))
    await rig.turn()
    assert bodies(await poll) == [b"new"]
    poll = asyncio.ensure_future(rig.owner.receive(queue, 16, 1))
    await rig.advance(1.1)
    assert await refused(poll) is Row.NO_MESSAGE
    assert sorted(one.value for one in rig.queues.log("dead") if one) == [b"received", b"unread"]
    assert await rig.owner.counts(queue) == QueueCounts(0, 1, 0, 0, START_MS // 1_000 + 300)


@on_loop
async def test_partitions_take_turns(rig: Rig) -> None:
    queue = queue_entry(partitions=3)
    for partition in range(3):
        rig.queues.send("orders", *[b"%d" % partition] * 5, partition=partition)
    received = await rig.owner.receive(queue, 1, 1)
    await rig.turn()
    received += [one for _ in range(14) for one in await rig.owner.receive(queue, 1, 1)]
    assert sorted(bodies(received)[1:4]) == [b"0", b"1", b"2"]
    assert await rig.owner.delete_messages(queue, [one.receipt_handle for one in received]) == [None] * 15
    assert (await rig.owner.counts(queue)).inactive == 0
