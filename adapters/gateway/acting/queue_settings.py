"""A queue's attributes as CreateQueue, SetQueueAttributes and GetQueueAttributes spell them.

Shape   read(params) -> what is there, by the field names of QueueAttributes; told(attributes) -> the reply's fields
Errors  CmqError: PARAMETER_OUT_OF_RANGE, PARAMETER_TYPE
Source  cmq.md 3.3 and 7. Of ranges that the editions of the documentation disagree about, the wider one
"""

from typing import NamedTuple

from adapters.gateway.acting.params import Params
from adapters.gateway.errors import Row
from pipeline.cmq_registry import DeadLetterPolicy, QueueAttributes


class _Setting(NamedTuple):
    field: str
    least: int
    most: int


SETTINGS = {
    "maxMsgHeapNum": _Setting("max_msg_heap_num", 1_000_000, 1_000_000_000),
    "pollingWaitSeconds": _Setting("polling_wait_s", 0, 30),
    "visibilityTimeout": _Setting("visibility_timeout_s", 1, 43_200),
    "maxMsgSize": _Setting("max_msg_size", 1_024, 1_048_576),
    "msgRetentionSeconds": _Setting("retention_s", 60, 1_296_000),
    "rewindSeconds": _Setting("rewind_s", 0, 1_296_000),
}


def read(params: Params) -> dict[str, int]:
    """The settings of a request, each within its range."""
    found = {one.field: params.optional_number(name, one.least, one.most) for name, one in SETTINGS.items()}
    return {field: value for field, value in found.items() if value is not None}


def check_rewind(rewind_s: int, retention_s: int) -> None:
    """What has expired cannot come back."""
    if rewind_s > retention_s:
        raise Row.PARAMETER_OUT_OF_RANGE.error("rewindSeconds must not be more than msgRetentionSeconds")


def told(attributes: QueueAttributes) -> dict[str, int]:
    """The settings as a reply has them."""
    return {name: getattr(attributes, one.field) for name, one in SETTINGS.items()}


def read_dead_letter(params: Params) -> DeadLetterPolicy | None:
    """Where a queue's dead letters go.

    CMQ set this through another API; one client is known to send it with CreateQueue, in a form that is not. So these
    names are ours, after that API's, and either of its names for the queue will do.
    """
    queue_name = params.optional_text("deadLetterPolicy.deadLetterQueue") or params.optional_text(
        "deadLetterPolicy.deadLetterQueueName"
    )
    if not queue_name:
        return None
    received = params.number("deadLetterPolicy.maxReceiveCount", 1, 1_000, default=0)
    age_s = params.number("deadLetterPolicy.maxTimeToLive", 300, 43_200, default=0)
    if not received and not age_s:
        raise Row.PARAMETER_MISSING.error("deadLetterPolicy.maxReceiveCount or .maxTimeToLive is missing")
    return DeadLetterPolicy(queue_name, received, age_s)
