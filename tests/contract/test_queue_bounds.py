"""What ends a message's stay in its queue or brings it back, and how many a queue takes, in memory and on Kafka."""

from adapters.gateway.errors import Row
from pipeline.cmq_registry import DeadLetterPolicy
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
    await assert_empty(scene, name)  # on Kafka it is a receive that finds it due
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
    await assert_empty(scene, name)  # on Kafka it is a receive that finds it due
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
    for _ in range(scene.senders):
        await send(scene, name, *"x" * DELAYED, delay_s=60)
    for _ in range(scene.senders):
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
