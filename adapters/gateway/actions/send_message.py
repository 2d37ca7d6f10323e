"""SendMessage, BatchSendMessage: messages into a queue, at once or after a delay."""

from adapters.gateway.acting.action import Backend
from adapters.gateway.acting.declaring import Fields, action
from adapters.gateway.acting.messages import check_total, msg_list
from adapters.gateway.acting.names import queue_name
from adapters.gateway.acting.params import Params
from adapters.gateway.errors import Row

MOST_DELAY_S = 3_600


def _delay_s(params: Params) -> int:
    return params.number("delaySeconds", 0, MOST_DELAY_S, default=0, out_of_range=Row.BAD_DELAY)


@action("SendMessage", changes=True)
async def send_message(params: Params, backend: Backend) -> Fields:
    """One message."""
    bodies = [params.body()]
    check_total(bodies)
    [msg_id] = await backend.queues.send(queue_name(params), bodies, _delay_s(params))
    return {"msgId": msg_id}


@action("BatchSendMessage", changes=True)
async def batch_send_message(params: Params, backend: Backend) -> Fields:
    """Up to 16 messages, all or none, one delay for all."""
    bodies = params.bodies()
    check_total(bodies)
    return {"msgList": msg_list(await backend.queues.send(queue_name(params), bodies, _delay_s(params)))}
