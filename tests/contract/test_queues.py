"""Queues, in memory and on Kafka: their names and attributes, and what becomes of a message."""

import asyncio

from adapters.gateway.errors import Row
from pipeline.cmq_registry import QueueAttributes
from tests.contract.gateway_stage import (
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
    now = await receive_one(scene, name)
    assert now.body == b"now"
    await scene.queues.delete_messages(name, [now.receipt_handle])
    await assert_empty(scene, name)
    assert (await scene.queues.info(name)).counts.delayed == 1
    await scene.pass_time(3)
    message = await receive_one(scene, name)
    assert (message.body, message.dequeue_count) == (b"late", 1)
