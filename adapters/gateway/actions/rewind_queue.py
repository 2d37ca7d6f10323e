"""RewindQueue."""

from adapters.gateway.acting.action import Backend
from adapters.gateway.acting.declaring import Fields, action
from adapters.gateway.acting.names import queue_name
from adapters.gateway.acting.params import Params
from adapters.gateway.errors import Row

LATEST_S = 2**53


@action("RewindQueue", changes=True)
async def rewind_queue(params: Params, backend: Backend) -> Fields:
    """Deleted messages that were enqueued from a time on are visible again."""
    start_s = params.number("startConsumeTime", 0, LATEST_S, out_of_range=Row.BAD_REWIND_TIME)
    await backend.queues.rewind(queue_name(params), start_s)
    return {}
