"""Unsubscribe."""

from adapters.gateway.acting.action import Backend
from adapters.gateway.acting.declaring import Fields, action
from adapters.gateway.acting.names import subscription_name, topic_name
from adapters.gateway.acting.params import Params


@action("Unsubscribe", changes=True)
async def unsubscribe(params: Params, backend: Backend) -> Fields:
    """The subscription, with what it has not delivered."""
    await backend.topics.unsubscribe(topic_name(params), subscription_name(params))
    return {}
