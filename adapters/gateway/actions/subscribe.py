"""Subscribe."""

import msgspec

from adapters.gateway.acting.action import Backend
from adapters.gateway.acting.declaring import Fields, action
from adapters.gateway.acting.names import subscription_name, topic_name
from adapters.gateway.acting.params import Params
from adapters.gateway.acting.subscription_settings import (
    BINDING_KEYS,
    content_format,
    endpoint,
    filters,
    notify_strategy,
    protocol,
)
from adapters.gateway.errors import Row
from pipeline.cmq_registry import SubscriptionEntry


@action("Subscribe", changes=True)
async def subscribe(params: Params, backend: Backend) -> Fields:
    """A subscription of an endpoint or a queue; its id is part of the answer, since an SDK needs it."""
    topic, name, word = topic_name(params), subscription_name(params), protocol(params)
    entry = SubscriptionEntry(topic, name, subscription_id="", protocol=word, endpoint=endpoint(params, word))
    asked: dict[str, object] = {
        "notify_strategy": notify_strategy(params),
        "notify_content_format": content_format(params, word),
        **await _filters(params, backend, topic),
    }
    entry = msgspec.structs.replace(entry, **{field: value for field, value in asked.items() if value})
    return {"subscriptionId": await backend.topics.subscribe(entry)}


async def _filters(params: Params, backend: Backend, topic: str) -> dict[str, tuple[str, ...]]:
    entry, _ = await backend.topics.info(topic)
    found = filters(params, entry.filter_type)
    if entry.filter_type == BINDING_KEYS and not found:
        raise Row.BINDING_KEY_MISSING.error()
    return found
