"""The subscriptions of the configuration file, as the CMQ API shows them.

Shape   configured_entries(settings) -> entries marked `configured`; sizes_of(settings) -> what Plan needs
Filter  by tags and keys they let everything through: what the file filters by is the name of a Batch event
"""

from hashlib import blake2b

from adapters.gateway.registry.registry_plan import Sizes
from adapters.settings import HttpSubscriptionSettings, QueueSubscriptionSettings, Settings
from pipeline.cmq_registry import SubscriptionEntry


def configured_entries(settings: Settings) -> tuple[SubscriptionEntry, ...]:
    """One entry for each subscription of the file."""
    return tuple(map(_entry, settings.subscriptions))


def sizes_of(settings: Settings) -> Sizes:
    """What the file says of Kafka topics."""
    return Sizes(
        prefix=settings.topics.prefix,
        event_partitions=settings.topics.partitions,
        event_retention_s=settings.topics.retention_s,
        queue_partitions=settings.queues.partitions,
        queue_retention_s=settings.queues.retention_s,
        replication_factor=settings.topics.replication_factor,
    )


def _entry(one: QueueSubscriptionSettings | HttpSubscriptionSettings) -> SubscriptionEntry:
    label = f"{one.topic}/{one.name}"
    subscription_id = f"subscription-{blake2b(label.encode(), digest_size=6).hexdigest()}"
    if isinstance(one, QueueSubscriptionSettings):
        return SubscriptionEntry(
            one.topic,
            one.name,
            subscription_id,
            "queue",
            one.endpoint,
            notify_content_format="SIMPLIFIED",
            configured=True,
        )
    return SubscriptionEntry(
        one.topic,
        one.name,
        subscription_id,
        "http",
        one.endpoint,
        notify_strategy=one.notify_strategy.value,
        notify_content_format=one.notify_content_format.value,
        configured=True,
    )
