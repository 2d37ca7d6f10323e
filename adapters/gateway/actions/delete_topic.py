"""DeleteTopic."""

from adapters.gateway.action import Backend
from adapters.gateway.declaring import Fields, action
from adapters.gateway.names import topic_name
from adapters.gateway.params import Params


@action("DeleteTopic", changes=True)
async def delete_topic(params: Params, backend: Backend) -> Fields:
    """A topic without subscriptions."""
    await backend.topics.delete(topic_name(params))
    return {}
