"""DeleteTopic."""

from adapters.gateway.acting.action import Backend
from adapters.gateway.acting.declaring import Fields, action
from adapters.gateway.acting.names import topic_name
from adapters.gateway.acting.params import Params


@action("DeleteTopic", changes=True)
async def delete_topic(params: Params, backend: Backend) -> Fields:
    """A topic without subscriptions."""
    await backend.topics.delete(topic_name(params))
    return {}
