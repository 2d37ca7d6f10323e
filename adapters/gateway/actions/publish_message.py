"""PublishMessage, BatchPublishMessage: messages to a topic's subscriptions, by tags or routing key."""

from collections.abc import Sequence

from adapters.gateway.acting.action import Backend
from adapters.gateway.acting.declaring import Fields, action
from adapters.gateway.acting.messages import check_total, msg_list
from adapters.gateway.acting.names import topic_name
from adapters.gateway.acting.params import Params
from adapters.gateway.acting.subscription_settings import check_key, read_tags
from adapters.gateway.errors import Row


@action("PublishMessage", changes=True)
async def publish_message(params: Params, backend: Backend) -> Fields:
    """One message."""
    [msg_id] = await _publish(params, backend, [params.body()])
    return {"msgId": msg_id}


@action("BatchPublishMessage", changes=True)
async def batch_publish_message(params: Params, backend: Backend) -> Fields:
    """Up to 16 messages, all or none, with the same tags and routing key."""
    return {"msgList": msg_list(await _publish(params, backend, params.bodies()))}


async def _publish(params: Params, backend: Backend, bodies: Sequence[bytes]) -> list[str]:
    check_total(bodies)
    tags = read_tags(params, "msgTag", Row.TOO_MANY_MSG_TAGS)
    routing_key = params.optional_text("routingKey")
    check_key("routingKey", routing_key)
    return await backend.topics.publish(topic_name(params), bodies, tags, routing_key)
