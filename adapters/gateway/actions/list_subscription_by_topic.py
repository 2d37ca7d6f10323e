"""ListSubscriptionByTopic."""

from adapters.gateway.acting.action import Backend
from adapters.gateway.acting.declaring import Fields, action
from adapters.gateway.acting.names import page, topic_name
from adapters.gateway.acting.params import Params

MOST_LISTED = 100


@action("ListSubscriptionByTopic")
async def list_subscription_by_topic(params: Params, backend: Backend) -> Fields:
    """As ListQueue, of one topic."""
    total, entries = await backend.topics.subscriptions(topic_name(params), *page(params, MOST_LISTED))
    told = [
        {
            "subscriptionId": entry.subscription_id,
            "subscriptionName": entry.name,
            "protocol": entry.protocol,
            "endpoint": entry.endpoint,
        }
        for entry in entries
    ]
    return {"totalCount": total, "subscriptionList": told}
