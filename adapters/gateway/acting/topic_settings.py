"""A topic's attributes as its actions spell them.

Source  cmq.md 3.4, 7
"""

from adapters.gateway.acting.params import Params
from adapters.gateway.acting.queue_settings import SETTINGS

DEFAULT_MSG_SIZE = 65_536
RETENTION_S = 86_400


def max_msg_size(params: Params, default: int | None = None) -> int:
    """`maxMsgSize`, within a queue's range."""
    return params.number("maxMsgSize", SETTINGS["maxMsgSize"].least, SETTINGS["maxMsgSize"].most, default)
