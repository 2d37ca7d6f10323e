"""Long polls, in memory and on Kafka: what wakes one, and what becomes of one that ends."""

import asyncio

from adapters.gateway.errors import Row
from tests.contract.gateway_stage import (
    SOON_S,
    VISIBILITY_S,
    Scene,
    made_queue,
    on_gateway_stage,
    receive_one,
    refused,
    send,
)


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
    name = await made_queue(scene, visibility_timeout_s=60)
    polls = [asyncio.create_task(scene.queues.receive(name, 16, 30)) for _ in range(3)]
    await scene.polls_are_waiting()
    await send(scene, name, "x")
    done, waiting = await asyncio.wait(polls, timeout=SOON_S, return_when=asyncio.FIRST_COMPLETED)
    assert [message.body for poll in done for message in poll.result()] == [b"x"]
    assert len(waiting) == 2
    for body in ("y", "z"):
        await send(scene, name, body)
        done, waiting = await asyncio.wait(waiting, timeout=SOON_S, return_when=asyncio.FIRST_COMPLETED)
        assert [message.body for poll in done for message in poll.result()] == [body.encode()]
    assert not waiting


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
async def test_a_rewind_wakes_a_poll(scene: Scene) -> None:
    name = await made_queue(scene, rewind_s=600)
    start_s = scene.now_s()
    await send(scene, name, "x")
    await scene.queues.delete_messages(name, [(await receive_one(scene, name)).receipt_handle])
    poll = asyncio.create_task(scene.queues.receive(name, 1, 30))
    await scene.polls_are_waiting()
    await scene.queues.rewind(name, start_s - 1)
    assert [message.body for message in await asyncio.wait_for(poll, SOON_S)] == [b"x"]
