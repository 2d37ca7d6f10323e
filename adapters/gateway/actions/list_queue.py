"""ListQueue."""

from adapters.gateway.acting.action import Backend
from adapters.gateway.acting.declaring import Fields, action
from adapters.gateway.acting.names import page
from adapters.gateway.acting.params import Params


@action("ListQueue")
async def list_queue(params: Params, backend: Backend) -> Fields:
    """Queues whose name has the search word, a page of them, and how many there are in all."""
    found = await backend.queues.page(*page(params))
    entries = [{"queueId": queue_id, "queueName": name} for queue_id, name in found.entries]
    return {"totalCount": found.total, "queueList": entries}
