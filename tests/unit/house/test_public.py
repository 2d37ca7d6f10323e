"""What others may use is a list, and these are the lists."""

import importlib

import pytest

PUBLIC = {
    "schemas": [
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
    ],
    "pipeline": [
        "AccessRefusedError",
        "BrokerUnreachableError",
        "Change",
        "ChangeError",
        "DeliveryFailedError",
        "LifecycleProducer",
        "PipelineError",
        "ProducerSettings",
        "TopicMissingError",
        "event_of",
        "utc_time",
    ],
    "adapters": [],
    "adapters.memory": [
        "Fate",
        "ManualClock",
        "Membership",
        "MemoryAttempt",
        "MemoryEndpoint",
        "MemoryHeldReader",
        "MemoryLog",
        "MemoryLogReader",
        "MemoryQueues",
        "MemorySource",
        "MemoryTopic",
        "MemoryTopics",
        "MemoryTransactions",
        "ProcessDiedError",
        "QueueLimits",
        "in_turn",
    ],
}


@pytest.mark.parametrize("package", PUBLIC)
def test_the_public_list_is_this_one(package: str) -> None:
    assert importlib.import_module(package).__all__ == PUBLIC[package]


@pytest.mark.parametrize(("package", "name"), [(package, name) for package, names in PUBLIC.items() for name in names])
def test_every_public_name_is_there_and_documented(package: str, name: str) -> None:
    public = getattr(importlib.import_module(package), name)
    assert public.__doc__
