"""CreateTopic."""

from adapters.gateway.acting.action import Backend
from adapters.gateway.acting.declaring import Fields, action
from adapters.gateway.acting.names import topic_name
from adapters.gateway.acting.params import Params
from adapters.gateway.acting.subscription_settings import BINDING_KEYS, TAGS
from adapters.gateway.acting.topic_settings import DEFAULT_MSG_SIZE, max_msg_size
from adapters.gateway.errors import Row

RESERVED = "queue"
"""Its subscriptions' Kafka topics would be named as those of queues."""


@action("CreateTopic", changes=True)
async def create_topic(params: Params, backend: Backend) -> Fields:
    """A topic that goes by tags, or by binding keys: for ever."""
    name = topic_name(params)
    if name.lower() == RESERVED:
        raise Row.BAD_TOPIC_NAME.error("topicName queue is reserved")
    filter_type = params.number("filterType", TAGS, BINDING_KEYS, default=TAGS)
    return {"topicId": await backend.topics.create(name, max_msg_size(params, DEFAULT_MSG_SIZE), filter_type)}
