"""GetSubscriptionAttributes."""

from adapters.gateway.acting.action import Backend
from adapters.gateway.acting.declaring import Fields, action
from adapters.gateway.acting.names import subscription_name, topic_name
from adapters.gateway.acting.params import Params
from adapters.gateway.acting.subscription_settings import told


@action("GetSubscriptionAttributes")
async def get_subscription_attributes(params: Params, backend: Backend) -> Fields:
    """What it is, and how many messages it has still to deliver."""
    entry, msg_count = await backend.topics.subscription(topic_name(params), subscription_name(params))
    return {"topicOwner": str(backend.topic_owner), "msgCount": msg_count, **told(entry)}
