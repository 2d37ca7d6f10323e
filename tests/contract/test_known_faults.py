"""What other emulators of queues got wrong, each as a claim on ours."""

import asyncio

from adapters.gateway.errors import Row
from tests.contract.gateway_stage import (
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
async def test_a_hidden_first_message_is_not_given_with_those_that_came_with_it(scene: Scene) -> None:
    name = await made_queue(scene, visibility_timeout_s=60)
    await send(scene, name, "hidden", "b", "c")
    hidden = await receive_one(scene, name)
    others = await receive(scene, name, 2)
    assert hidden.msg_id not in {message.msg_id for message in others}
    await assert_empty(scene, name)
    await send(scene, name, "late", delay_s=60)
    await send(scene, name, "d")
    assert (await receive_one(scene, name)).body == b"d"
    await assert_empty(scene, name)


@on_gateway_stage
async def test_no_two_callers_are_given_one_message(scene: Scene) -> None:
    name = await made_queue(scene, visibility_timeout_s=60)
    callers = [asyncio.create_task(scene.queues.receive(name, 3, SOON_S)) for _ in range(IN_FLIGHT // 3)]
    ids = [msg_id for number in range(5) for msg_id in await send(scene, name, *[f"{number}"] * 4)]
    given = [message.msg_id for messages in await asyncio.gather(*callers) for message in messages]
    left = len(ids) - len(given)
    given += [message.msg_id for message in (await receive(scene, name, left) if left else ())]
    assert sorted(given) == sorted(ids)


@on_gateway_stage
async def test_sending_does_not_unlock_what_is_held(scene: Scene) -> None:
    name = await made_queue(scene, visibility_timeout_s=60)
    await send(scene, name, "held")
    held = await receive_one(scene, name)
    await send(scene, name, "other")
    assert (await receive_one(scene, name)).body == b"other"
    await assert_empty(scene, name)
    assert await scene.queues.delete_messages(name, [held.receipt_handle]) == [None]


@on_gateway_stage
async def test_a_delete_after_the_handle_has_expired_is_refused_even_if_nobody_received_since(scene: Scene) -> None:
    name = await made_queue(scene)
    await send(scene, name, "x")
    message = await receive_one(scene, name)
    await scene.pass_time(VISIBILITY_S + 0.5)
    assert await scene.queues.delete_messages(name, [message.receipt_handle]) == [Row.BAD_HANDLE]
    assert (await receive_one(scene, name)).msg_id == message.msg_id


@on_gateway_stage
async def test_each_receive_gives_another_message_though_none_is_deleted(scene: Scene) -> None:
    name = await made_queue(scene, visibility_timeout_s=60)
    ids = [(await send(scene, name, f"{number}"))[0] for number in range(8)]
    assert sorted([(await receive_one(scene, name)).msg_id for _ in ids]) == sorted(ids)
    with refused(Row.NO_MESSAGE):
        await scene.queues.receive(name, 1, 0)
