"""ReceiveMessage, BatchReceiveMessage: visible messages, which are then hidden for the queue's visibility timeout."""

from adapters.gateway.acting.action import Backend
from adapters.gateway.acting.declaring import Fields, action
from adapters.gateway.acting.messages import told
from adapters.gateway.acting.names import queue_name
from adapters.gateway.acting.params import BATCH, Params

MOST_WAIT_S = 30


def _wait_s(params: Params) -> int | None:
    return params.optional_number("pollingWaitSeconds", 0, MOST_WAIT_S)


@action("ReceiveMessage", changes=True, long_poll=True)
async def receive_message(params: Params, backend: Backend) -> Fields:
    """One message."""
    [message] = await backend.queues.receive(queue_name(params), 1, _wait_s(params))
    return told(message)


@action("BatchReceiveMessage", changes=True, long_poll=True)
async def batch_receive_message(params: Params, backend: Backend) -> Fields:
    """What is there, up to the number asked for."""
    count = params.number("numOfMsg", 1, BATCH)
    messages = await backend.queues.receive(queue_name(params), count, _wait_s(params))
    return {"msgInfoList": [told(message) for message in messages]}
