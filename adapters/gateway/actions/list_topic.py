"""ListTopic."""

from adapters.gateway.acting.action import Backend
from adapters.gateway.acting.declaring import Fields, action
from adapters.gateway.acting.names import page
from adapters.gateway.acting.params import Params


@action("ListTopic")
async def list_topic(params: Params, backend: Backend) -> Fields:
    """As ListQueue."""
    found = await backend.topics.page(*page(params))
    entries = [{"topicId": topic_id, "topicName": name} for topic_id, name in found.entries]
    return {"totalCount": found.total, "topicList": entries}
