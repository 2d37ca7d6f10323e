"""CreateQueue."""

from adapters.gateway.acting.action import Backend
from adapters.gateway.acting.declaring import Fields, action
from adapters.gateway.acting.names import queue_name
from adapters.gateway.acting.params import Params
from adapters.gateway.acting.queue_settings import check_rewind, read, read_dead_letter
from adapters.gateway.errors import Row
from pipeline.cmq_registry import DeadLetterPolicy, QueueAttributes

RESERVED_ENDS = ("-retry", "-dlq")


@action("CreateQueue", changes=True)
async def create_queue(params: Params, backend: Backend) -> Fields:
    """A queue, with CMQ's defaults for what is not said."""
    name = queue_name(params)
    if name.lower().endswith(RESERVED_ENDS):
        raise Row.BAD_QUEUE_NAME.error("queueName must not end with -retry or -dlq")
    policy = read_dead_letter(params)
    attributes = QueueAttributes(**read(params), dead_letter=policy)
    check_rewind(attributes.rewind_s, attributes.retention_s)
    if policy is not None:
        await _check_dead_letter(policy, backend)
    return {"queueId": await backend.queues.create(name, attributes)}


async def _check_dead_letter(policy: DeadLetterPolicy, backend: Backend) -> None:
    """The dead-letter queue is there, and has none itself."""
    target = await backend.queues.info(policy.queue_name)
    if target.attributes.dead_letter is not None:
        raise Row.BAD_PARAMETER.error("deadLetterPolicy: that queue has a dead-letter queue itself")
