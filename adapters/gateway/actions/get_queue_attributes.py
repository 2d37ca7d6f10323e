"""GetQueueAttributes."""

from adapters.gateway.acting.action import Backend
from adapters.gateway.acting.declaring import Fields, action
from adapters.gateway.acting.names import queue_name
from adapters.gateway.acting.params import Params
from adapters.gateway.acting.queue_settings import told


@action("GetQueueAttributes")
async def get_queue_attributes(params: Params, backend: Backend) -> Fields:
    """Settings, times and counts; what can be rewound in both spellings that clients look for."""
    info = await backend.queues.info(queue_name(params))
    counts = info.counts
    return {
        "queueName": info.name,
        "queueId": info.queue_id,
        **told(info.attributes),
        "createTime": info.created_s,
        "lastModifyTime": info.modified_s,
        "activeMsgNum": counts.active,
        "inactiveMsgNum": counts.inactive,
        "delayMsgNum": counts.delayed,
        "rewindmsgNum": counts.rewindable,
        "rewindMsgNum": counts.rewindable,
        "minMsgTime": counts.min_msg_time_s,
    }
