"""The event's way into and through Kafka: lifecycle rules, producer, and the delivery's decisions.

Knows schemas and confluent-kafka. Applications need LifecycleProducer and the errors; adapters build on the modules.
"""

from pipeline.errors import (
    AccessRefusedError,
    BrokerUnreachableError,
    ChangeError,
    DeliveryFailedError,
    PipelineError,
    TopicMissingError,
)
from pipeline.lifecycle import Change, event_of, utc_time
from pipeline.producer import LifecycleProducer, ProducerSettings

__all__ = [
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
]
