"""ListTopic."""

from adapters.gateway.action import Backend
from adapters.gateway.declaring import Fields, action
from adapters.gateway.names import page
from adapters.gateway.params import Params


@action("ListTopic")
async def list_topic(params: Params, backend: Backend) -> Fields:
    """As ListQueue."""
    found = await backend.topics.page(*page(params))
    entries = [{"topicId": topic_id, "topicName": name} for topic_id, name in found.entries]
    return {"totalCount": found.total, "topicList": entries}
