"""SetSubscriptionAttributes."""

from adapters.gateway.acting.action import Backend
from adapters.gateway.acting.declaring import Fields, action
from adapters.gateway.acting.names import subscription_name, topic_name
from adapters.gateway.acting.params import Params
from adapters.gateway.acting.subscription_settings import content_format, filters, notify_strategy


@action("SetSubscriptionAttributes", changes=True)
async def set_subscription_attributes(params: Params, backend: Backend) -> Fields:
    """Strategy, format and filters; protocol and endpoint stay, also where an SDK sends them."""
    topic, name = topic_name(params), subscription_name(params)
    topic_entry, _ = await backend.topics.info(topic)
    entry, _ = await backend.topics.subscription(topic, name)
    asked: dict[str, object] = {
        "notify_strategy": notify_strategy(params),
        "notify_content_format": content_format(params, entry.protocol),
        **filters(params, topic_entry.filter_type),
    }
    changes = {field: value for field, value in asked.items() if value}
    if changes:
        await backend.topics.set_subscription(topic, name, changes)
    return {}
