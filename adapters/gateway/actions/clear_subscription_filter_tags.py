"""ClearSubscriptionFilterTags."""

from adapters.gateway.acting.action import Backend
from adapters.gateway.acting.declaring import Fields, action
from adapters.gateway.acting.names import subscription_name, topic_name
from adapters.gateway.acting.params import Params


@action("ClearSubscriptionFilterTags", changes=True)
async def clear_subscription_filter_tags(params: Params, backend: Backend) -> Fields:
    """From now on it gets everything."""
    await backend.topics.set_subscription(topic_name(params), subscription_name(params), {"filter_tags": ()})
    return {}
