"""DeleteQueue."""

from adapters.gateway.action import Backend
from adapters.gateway.declaring import Fields, action
from adapters.gateway.names import queue_name
from adapters.gateway.params import Params


@action("DeleteQueue", changes=True)
async def delete_queue(params: Params, backend: Backend) -> Fields:
    """The queue with all its messages."""
    await backend.queues.delete(queue_name(params))
    return {}
