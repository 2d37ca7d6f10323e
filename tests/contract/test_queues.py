"""Queues, in memory and on Kafka: what a client of CMQ may rely on."""

import asyncio

from adapters.gateway.errors import Row
from pipeline.cmq_registry import DeadLetterPolicy, QueueAttributes
from tests.contract.gateway_stage import (
    DELAYED,
    IN_FLIGHT,
    SOON_S,
    VISIBILITY_S,
    Scene,
    assert_empty,
    made_queue,
    on_gateway_stage,
    receive,
    receive_one,
    refused,
    send,
)

RELEASE_S = 30


@on_gateway_stage
async def test_a_queue_is_told_as_it_was_made(scene: Scene) -> None:
    name = scene.unique("Queue")
    attributes = QueueAttributes(visibility_timeout_s=7, rewind_s=60, max_msg_size=2048)
    queue_id = await scene.queues.create(name, attributes)
    info = await scene.queues.info(name.lower())
    assert (info.queue_id, info.name, info.attributes) == (queue_id, name, attributes)
    assert abs(info.created_s - scene.now_s()) <= SOON_S
    assert info.modified_s == info.created_s
    assert info.counts.active == info.counts.inactive == info.counts.delayed == info.counts.min_msg_time_s == 0


@on_gateway_stage
async def test_a_name_in_another_case_is_the_same_queue(scene: Scene) -> None:
    name = await made_queue(scene)
    with refused(Row.QUEUE_EXISTS):
        await scene.queues.create(name.upper(), QueueAttributes())
    await send(scene, name.upper(), "x")
    assert (await receive_one(scene, name.title())).body == b"x"


@on_gateway_stage
async def test_every_call_on_a_queue_that_is_not_there_says_so(scene: Scene) -> None:
    name, queues = scene.unique("nobody"), scene.queues
    for call in (
        queues.info(name),
        queues.set_attributes(name, {"polling_wait_s": 1}),
        queues.delete(name),
        queues.rewind(name, 0),
        queues.send(name, [b"x"], 0),
        queues.receive(name, 1, 0),
        queues.delete_messages(name, ["handle"]),
    ):
        with refused(Row.NO_QUEUE):
            await call


@on_gateway_stage
async def test_some_attributes_are_changed_and_the_others_stay(scene: Scene) -> None:
    name = await made_queue(scene, max_msg_size=2048)
    created_s = (await scene.queues.info(name)).created_s
    await scene.pass_time(1.5)
    await scene.queues.set_attributes(name, {"polling_wait_s": 3, "retention_s": 90})
    info = await scene.queues.info(name)
    assert info.attributes == QueueAttributes(
        visibility_timeout_s=VISIBILITY_S, max_msg_size=2048, polling_wait_s=3, retention_s=90
    )
    assert info.created_s == created_s < info.modified_s


@on_gateway_stage
async def test_queues_are_listed_by_a_word_of_their_names_in_pages(scene: Scene) -> None:
    word = scene.unique("word")
    names = [f"{letter}-{word}-x" for letter in "cabd"]
    ids = {name: await scene.queues.create(name, QueueAttributes()) for name in names}
    page = await scene.queues.page(word, 1, 2)
    assert (page.total, page.entries) == (4, [(ids[name], name) for name in sorted(names)[1:3]])
    assert (await scene.queues.page(word, 4, 20)).entries == []
    assert (await scene.queues.page(f"{word}-nothing", 0, 20)).total == 0


@on_gateway_stage
async def test_a_deleted_queues_name_is_being_released_for_half_a_minute_in_any_case(scene: Scene) -> None:
    name = await made_queue(scene)
    await scene.queues.delete(name)
    with refused(Row.NO_QUEUE):
        await scene.queues.send(name, [b"x"], 0)
    with refused(Row.NAME_BEING_RELEASED):
        await scene.queues.create(name.upper(), QueueAttributes())


@on_gateway_stage
async def test_a_queue_of_a_former_ones_name_has_nothing_of_it(scene: Scene) -> None:
    scene.may_pass(RELEASE_S)
    name = await made_queue(scene)
    await send(scene, name, "old 1", "old 2")
    handle = (await receive_one(scene, name)).receipt_handle
    await scene.queues.delete(name)
    await scene.pass_time(RELEASE_S)
    await scene.queues.create(name, QueueAttributes())
    await assert_empty(scene, name)
    await send(scene, name, "new")
    assert (await receive_one(scene, name)).body == b"new"
    assert await scene.queues.delete_messages(name, [handle]) == [Row.BAD_HANDLE]


@on_gateway_stage
async def test_a_message_comes_as_it_was_sent_with_the_seven_fields(scene: Scene) -> None:
    name = await made_queue(scene)
    text = 'a+b & "c"\n\u4e2d\u6587 \U0001f600 =?%41'
    before_s = scene.now_s()
    [msg_id] = await send(scene, name, text)
    message = await receive_one(scene, name)
    assert (message.msg_id, message.body, message.dequeue_count) == (msg_id, text.encode(), 1)
    assert message.receipt_handle
    times = before_s, message.enqueue_time_s, message.first_dequeue_time_s, message.next_visible_time_s
    assert list(times) == sorted(times)
    assert message.next_visible_time_s - message.first_dequeue_time_s == VISIBILITY_S


@on_gateway_stage
async def test_a_batch_is_sent_in_order_and_received_up_to_the_number_asked_for(scene: Scene) -> None:
    name = await made_queue(scene)
    bodies = [f"{number}" for number in range(7)]
    ids = await send(scene, name, *bodies)
    messages = await receive(scene, name, 3) + await receive(scene, name, 4)
    assert {message.msg_id: message.body.decode() for message in messages} == dict(zip(ids, bodies, strict=True))


@on_gateway_stage
async def test_a_batch_receive_gives_what_is_there_without_waiting_for_more(scene: Scene) -> None:
    name = await made_queue(scene)
    await send(scene, name, "only")
    messages = await asyncio.wait_for(scene.queues.receive(name, 16, 30), SOON_S)
    assert [message.body for message in messages] == [b"only"]


@on_gateway_stage
async def test_a_deleted_message_does_not_come_back(scene: Scene) -> None:
    name = await made_queue(scene)
    await send(scene, name, "x")
    message = await receive_one(scene, name)
    assert await scene.queues.delete_messages(name, [message.receipt_handle]) == [None]
    await scene.pass_time(VISIBILITY_S + 0.5)
    await assert_empty(scene, name)


@on_gateway_stage
async def test_a_message_that_nobody_deletes_comes_again_and_counts_its_receives(scene: Scene) -> None:
    name = await made_queue(scene)
    await send(scene, name, "x")
    first = await receive_one(scene, name)
    await assert_empty(scene, name)
    await scene.pass_time(VISIBILITY_S)
    second = await receive_one(scene, name)
    assert (second.msg_id, second.dequeue_count) == (first.msg_id, 2)
    assert second.enqueue_time_s == first.enqueue_time_s
    assert second.first_dequeue_time_s == first.first_dequeue_time_s
    assert second.next_visible_time_s > first.next_visible_time_s


@on_gateway_stage
async def test_only_the_last_receives_handle_deletes(scene: Scene) -> None:
    name = await made_queue(scene)
    await send(scene, name, "x")
    first = await receive_one(scene, name)
    await scene.pass_time(VISIBILITY_S)
    second = await receive_one(scene, name)
    assert first.receipt_handle != second.receipt_handle
    assert await scene.queues.delete_messages(name, [first.receipt_handle]) == [Row.BAD_HANDLE]
    assert await scene.queues.delete_messages(name, [second.receipt_handle]) == [None]


@on_gateway_stage
async def test_each_handle_of_a_batch_has_its_own_verdict(scene: Scene) -> None:
    name, other = await made_queue(scene), await made_queue(scene)
    await send(scene, name, "a", "b")
    await send(scene, other, "c")
    (first, second), foreign = await receive(scene, name, 2), await receive_one(scene, other)
    handles = [
        first.receipt_handle,
        foreign.receipt_handle,
        "nonsense",
        second.receipt_handle,
        second.receipt_handle[:-1],
    ]
    verdicts = await scene.queues.delete_messages(name, handles)
    assert verdicts == [None, Row.BAD_HANDLE, Row.BAD_HANDLE, None, Row.BAD_HANDLE]
    assert await scene.queues.delete_messages(other, [foreign.receipt_handle]) == [None]


@on_gateway_stage
async def test_another_visibility_timeout_holds_for_later_receives(scene: Scene) -> None:
    name = await made_queue(scene)
    await send(scene, name, "x")
    await scene.queues.set_attributes(name, {"visibility_timeout_s": 4})
    message = await receive_one(scene, name)
    assert message.next_visible_time_s - message.first_dequeue_time_s == 4
    await scene.pass_time(2.5)
    await assert_empty(scene, name)
    await scene.pass_time(1.5)
    assert (await receive_one(scene, name)).dequeue_count == 2


@on_gateway_stage
async def test_a_delayed_message_is_not_visible_before_its_time(scene: Scene) -> None:
    name = await made_queue(scene)
    await send(scene, name, "late", delay_s=3)
    await send(scene, name, "now")
    assert (await receive_one(scene, name)).body == b"now"
    await assert_empty(scene, name)
    assert (await scene.queues.info(name)).counts.delayed == 1
    await scene.pass_time(3)
    message = await receive_one(scene, name)
    assert (message.body, message.dequeue_count) == (b"late", 1)


@on_gateway_stage
async def test_a_poll_ends_without_a_message_when_its_time_is_over(scene: Scene) -> None:
    name = await made_queue(scene, polling_wait_s=1)
    for wait_s in (1, None):
        poll = asyncio.create_task(scene.queues.receive(name, 1, wait_s))
        await scene.polls_are_waiting()
        assert not poll.done()
        await scene.pass_time(1.5)
        with refused(Row.NO_MESSAGE):
            await asyncio.wait_for(poll, SOON_S)


@on_gateway_stage
async def test_a_message_wakes_exactly_one_poll(scene: Scene) -> None:
    name = await made_queue(scene)
    polls = [asyncio.create_task(scene.queues.receive(name, 16, 30)) for _ in range(3)]
    await scene.polls_are_waiting()
    await send(scene, name, "x")
    done, waiting = await asyncio.wait(polls, timeout=SOON_S, return_when=asyncio.FIRST_COMPLETED)
    assert [message.body for poll in done for message in poll.result()] == [b"x"]
    assert len(waiting) == 2
    await send(scene, name, "y")
    await send(scene, name, "z")
    others = await asyncio.wait_for(asyncio.gather(*waiting), SOON_S)
    assert sorted(message.body for messages in others for message in messages) == [b"y", b"z"]


@on_gateway_stage
async def test_a_message_that_becomes_visible_again_wakes_a_poll(scene: Scene) -> None:
    name = await made_queue(scene)
    await send(scene, name, "x")
    await receive_one(scene, name)
    await send(scene, name, "y", delay_s=2 * VISIBILITY_S)
    polls = [asyncio.create_task(scene.queues.receive(name, 1, 30)) for _ in range(2)]
    await scene.polls_are_waiting()
    await scene.pass_time(VISIBILITY_S)
    done, waiting = await asyncio.wait(polls, timeout=SOON_S, return_when=asyncio.FIRST_COMPLETED)
    assert [(message.body, message.dequeue_count) for poll in done for message in poll.result()] == [(b"x", 2)]
    for message in next(iter(done)).result():
        await scene.queues.delete_messages(name, [message.receipt_handle])
    await scene.pass_time(VISIBILITY_S)
    [message] = await asyncio.wait_for(waiting.pop(), SOON_S)
    assert message.body == b"y"


@on_gateway_stage
async def test_a_poll_whose_client_has_gone_takes_nothing(scene: Scene) -> None:
    name = await made_queue(scene)
    poll = asyncio.create_task(scene.queues.receive(name, 1, 30))
    await scene.polls_are_waiting()
    poll.cancel()
    await asyncio.wait([poll])
    await send(scene, name, "x")
    assert (await receive_one(scene, name)).dequeue_count == 1


@on_gateway_stage
async def test_what_a_poll_was_given_while_its_client_went_is_given_to_the_next(scene: Scene) -> None:
    name = await made_queue(scene, visibility_timeout_s=60)
    poll = asyncio.create_task(scene.queues.receive(name, 1, 30))
    await scene.polls_are_waiting()
    other = asyncio.create_task(scene.queues.receive(name, 1, 30))
    await scene.polls_are_waiting()
    await send(scene, name, "x")
    poll.cancel()
    await asyncio.wait([poll])
    if poll.cancelled():
        [message] = await asyncio.wait_for(other, SOON_S)
        assert (message.body, message.dequeue_count) == (b"x", 1)
    else:
        assert [message.body for message in poll.result()] == [b"x"]
        other.cancel()


@on_gateway_stage
async def test_deleting_a_queue_ends_its_polls(scene: Scene) -> None:
    name = await made_queue(scene)
    poll = asyncio.create_task(scene.queues.receive(name, 1, 30))
    await scene.polls_are_waiting()
    await scene.queues.delete(name)
    with refused(Row.NO_QUEUE):
        await asyncio.wait_for(poll, SOON_S)


@on_gateway_stage
async def test_a_rewind_brings_deleted_messages_back_and_takes_none_away(scene: Scene) -> None:
    name = await made_queue(scene, rewind_s=600)
    await send(scene, name, "before")
    await scene.pass_time(2)
    start_s = scene.now_s()
    await send(scene, name, "after", "undeleted")
    for message in await receive(scene, name, 3):
        if message.body != b"undeleted":
            await scene.queues.delete_messages(name, [message.receipt_handle])
    assert (await scene.queues.info(name)).counts.rewindable == 2
    await scene.queues.rewind(name, start_s)
    await scene.pass_time(VISIBILITY_S)
    assert sorted(message.body for message in await receive(scene, name, 2)) == [b"after", b"undeleted"]
    await assert_empty(scene, name)


@on_gateway_stage
async def test_a_rewind_wakes_a_poll(scene: Scene) -> None:
    name = await made_queue(scene, rewind_s=600)
    start_s = scene.now_s()
    await send(scene, name, "x")
    await scene.queues.delete_messages(name, [(await receive_one(scene, name)).receipt_handle])
    poll = asyncio.create_task(scene.queues.receive(name, 1, 30))
    await scene.polls_are_waiting()
    await scene.queues.rewind(name, start_s - 1)
    assert [message.body for message in await asyncio.wait_for(poll, SOON_S)] == [b"x"]


@on_gateway_stage
async def test_a_rewind_is_refused_beyond_what_the_queue_allows(scene: Scene) -> None:
    still, rewinding = await made_queue(scene), await made_queue(scene, rewind_s=600)
    with refused(Row.CANNOT_REWIND):
        await scene.queues.rewind(still, scene.now_s() - 1)
    for start_s in (scene.now_s() - 700, scene.now_s() + 60):
        with refused(Row.BAD_REWIND_TIME):
            await scene.queues.rewind(rewinding, start_s)


@on_gateway_stage
async def test_a_message_expires_with_the_retention(scene: Scene) -> None:
    scene.may_pass(60)
    name = await made_queue(scene, retention_s=60)
    await send(scene, name, "old")
    await scene.pass_time(40)
    await send(scene, name, "new")
    await scene.pass_time(21)
    assert (await receive_one(scene, name)).body == b"new"
    await assert_empty(scene, name)
    await scene.pass_time(40)
    counts = (await scene.queues.info(name)).counts
    assert (counts.active, counts.inactive, counts.min_msg_time_s) == (0, 0, 0)


@on_gateway_stage
async def test_messages_are_counted_by_their_states(scene: Scene) -> None:
    name = await made_queue(scene, visibility_timeout_s=60)
    before_s = scene.now_s()
    await send(scene, name, *"abcdef")
    await send(scene, name, "late", delay_s=60)
    taken = await receive(scene, name, 3)
    await scene.queues.delete_messages(name, [taken[0].receipt_handle])
    counts = (await scene.queues.info(name)).counts
    assert (counts.active, counts.inactive, counts.delayed, counts.rewindable) == (3, 2, 1, 0)
    assert 0 <= counts.min_msg_time_s - before_s <= SOON_S


@on_gateway_stage
async def test_a_message_received_too_often_goes_to_the_dead_letter_queue(scene: Scene) -> None:
    dead = await made_queue(scene)
    name = await made_queue(scene, visibility_timeout_s=1, dead_letter=DeadLetterPolicy(dead, max_receive_count=2))
    await send(scene, name, "poison")
    for _ in range(2):
        assert (await receive_one(scene, name)).body == b"poison"
        await assert_empty(scene, dead)
        await scene.pass_time(1)
    message = await receive_one(scene, dead)
    assert (message.body, message.dequeue_count) == (b"poison", 1)
    await assert_empty(scene, name)


@on_gateway_stage
async def test_a_message_deleted_at_its_last_receive_is_no_dead_letter(scene: Scene) -> None:
    dead = await made_queue(scene)
    name = await made_queue(scene, visibility_timeout_s=1, dead_letter=DeadLetterPolicy(dead, max_receive_count=1))
    await send(scene, name, "x")
    await scene.queues.delete_messages(name, [(await receive_one(scene, name)).receipt_handle])
    await scene.pass_time(1.5)
    await assert_empty(scene, dead)


@on_gateway_stage
async def test_a_message_unconsumed_for_too_long_goes_to_the_dead_letter_queue(scene: Scene) -> None:
    scene.may_pass(300)
    dead = await made_queue(scene)
    name = await made_queue(scene, dead_letter=DeadLetterPolicy(dead, max_time_to_live_s=300))
    await send(scene, name, "old")
    await scene.pass_time(299)
    await assert_empty(scene, dead)
    await scene.pass_time(1)
    assert (await receive_one(scene, dead)).body == b"old"
    await assert_empty(scene, name)


@on_gateway_stage
async def test_a_full_queue_takes_none_of_a_batch(scene: Scene) -> None:
    name = await made_queue(scene, max_msg_heap_num=3)
    await send(scene, name, "a", "b")
    with refused(Row.QUEUE_FULL):
        await send(scene, name, "c", "d")
    await send(scene, name, "c")
    await scene.queues.delete_messages(name, [(await receive_one(scene, name)).receipt_handle])
    await send(scene, name, "d")


@on_gateway_stage
async def test_a_message_larger_than_the_queue_allows_is_refused_with_its_batch(scene: Scene) -> None:
    name = await made_queue(scene, max_msg_size=1024)
    with refused(Row.MESSAGE_TOO_BIG):
        await send(scene, name, "x", "y" * 1025)
    await assert_empty(scene, name)
    await send(scene, name, "y" * 1024)


@on_gateway_stage
async def test_too_many_delayed_messages_are_refused(scene: Scene) -> None:
    name = await made_queue(scene)
    await send(scene, name, *"x" * DELAYED, delay_s=60)
    with refused(Row.TOO_MANY_IN_FLIGHT):
        await send(scene, name, "y", delay_s=60)
    await send(scene, name, "y")


@on_gateway_stage
async def test_no_more_messages_are_given_while_too_many_are_neither_deleted_nor_visible(scene: Scene) -> None:
    name = await made_queue(scene, visibility_timeout_s=60)
    await send(scene, name, *(f"{number}" for number in range(IN_FLIGHT + 1)))
    taken = await receive(scene, name, IN_FLIGHT)
    with refused(Row.TOO_MANY_IN_FLIGHT):
        await scene.queues.receive(name, 1, 0)
    await scene.queues.delete_messages(name, [taken[0].receipt_handle])
    assert len(await receive(scene, name, 1)) == 1
