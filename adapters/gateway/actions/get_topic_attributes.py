"""GetTopicAttributes."""

from adapters.gateway.acting.action import Backend
from adapters.gateway.acting.declaring import Fields, action
from adapters.gateway.acting.names import topic_name
from adapters.gateway.acting.params import Params
from adapters.gateway.acting.topic_settings import RETENTION_S


@action("GetTopicAttributes")
async def get_topic_attributes(params: Params, backend: Backend) -> Fields:
    """Settings, times, and how many messages there are. The C++ SDK looks for LoggingEnabled, too."""
    entry, msg_count = await backend.topics.info(topic_name(params))
    return {
        "msgCount": msg_count,
        "maxMsgSize": entry.max_msg_size,
        "msgRetentionSeconds": RETENTION_S,
        "createTime": entry.created_s,
        "lastModifyTime": entry.modified_s,
        "filterType": entry.filter_type,
        "LoggingEnabled": False,
    }
