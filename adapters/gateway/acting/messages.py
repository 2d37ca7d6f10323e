"""Messages in requests and replies.

Shape   check_total(bodies); msg_list(ids) and told(message) are parts of replies
Source  cmq.md 3.1, 3.2, 4 (4470)
"""

from collections.abc import Sequence

from adapters.gateway.errors import Row
from adapters.gateway.ports import Message

MOST_BYTES = 1 << 20


def check_total(bodies: Sequence[bytes]) -> None:
    """A request's messages are at most 1 MB in all.

    Raises:
        CmqError: TOTAL_TOO_BIG.
    """
    if sum(map(len, bodies)) > MOST_BYTES:
        raise Row.TOTAL_TOO_BIG.error()


def msg_list(ids: Sequence[str]) -> list[dict[str, str]]:
    """What a batch is answered with."""
    return [{"msgId": msg_id} for msg_id in ids]


def told(message: Message) -> dict[str, object]:
    """The seven fields. What others have written into a queue need not be UTF-8; JSON must be."""
    return {
        "msgId": message.msg_id,
        "msgBody": message.body.decode(errors="replace"),
        "receiptHandle": message.receipt_handle,
        "enqueueTime": message.enqueue_time_s,
        "firstDequeueTime": message.first_dequeue_time_s,
        "nextVisibleTime": message.next_visible_time_s,
        "dequeueCount": message.dequeue_count,
    }
