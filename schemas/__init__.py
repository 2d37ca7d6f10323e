"""What a Batch lifecycle event is, on every wire: Avro, CMQ message, CMQ push. No I/O; imports nothing of ours."""

from schemas.avro import AvroEncoder, decode_avro
from schemas.cmq_message import message_body, message_text, parse_body, parse_text
from schemas.errors import (
    AvroDecodeError,
    AvroEncodeError,
    CmqMessageError,
    Fault,
    NotificationsError,
    ResourceError,
    SchemaError,
)
from schemas.events import EVENT_NAMES, BatchEvent, EventVar, Family
from schemas.notifications import EventConfig, Notification, parse_notifications
from schemas.resources import ComputeEnv, ComputeNode, Job, Resource, Task, TaskInstance

__all__ = [
    "EVENT_NAMES",
    "AvroDecodeError",
    "AvroEncodeError",
    "AvroEncoder",
    "BatchEvent",
    "CmqMessageError",
    "ComputeEnv",
    "ComputeNode",
    "EventConfig",
    "EventVar",
    "Family",
    "Fault",
    "Job",
    "Notification",
    "NotificationsError",
    "Resource",
    "ResourceError",
    "SchemaError",
    "Task",
    "TaskInstance",
    "decode_avro",
    "message_body",
    "message_text",
    "parse_body",
    "parse_notifications",
    "parse_text",
]
