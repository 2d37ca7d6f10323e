"""SetQueueAttributes."""

from adapters.gateway.acting.action import Backend
from adapters.gateway.acting.declaring import Fields, action
from adapters.gateway.acting.names import queue_name
from adapters.gateway.acting.params import Params
from adapters.gateway.acting.queue_settings import SETTINGS, check_rewind, read


@action("SetQueueAttributes", changes=True)
async def set_queue_attributes(params: Params, backend: Backend) -> Fields:
    """Changes what is said, and says it again."""
    name, changes = queue_name(params), read(params)
    before = (await backend.queues.info(name)).attributes
    check_rewind(changes.get("rewind_s", before.rewind_s), changes.get("retention_s", before.retention_s))
    if changes:
        await backend.queues.set_attributes(name, changes)
    return {spelt: changes[one.field] for spelt, one in SETTINGS.items() if one.field in changes}
