"""SetTopicAttributes."""

from adapters.gateway.acting.action import Backend
from adapters.gateway.acting.declaring import Fields, action
from adapters.gateway.acting.names import topic_name
from adapters.gateway.acting.params import Params
from adapters.gateway.acting.topic_settings import max_msg_size


@action("SetTopicAttributes", changes=True)
async def set_topic_attributes(params: Params, backend: Backend) -> Fields:
    """How large a message may be; nothing else of a topic can be changed."""
    name = topic_name(params)
    entry, _ = await backend.topics.info(name)
    await backend.topics.set_attributes(name, max_msg_size(params, entry.max_msg_size))
    return {}
