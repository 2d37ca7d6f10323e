"""DeleteQueue."""

from adapters.gateway.acting.action import Backend
from adapters.gateway.acting.declaring import Fields, action
from adapters.gateway.acting.names import queue_name
from adapters.gateway.acting.params import Params


@action("DeleteQueue", changes=True)
async def delete_queue(params: Params, backend: Backend) -> Fields:
    """The queue with all its messages."""
    await backend.queues.delete(queue_name(params))
    return {}
