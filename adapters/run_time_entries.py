"""An entry of `cmq.registry` -> the subscription that `run` delivers, and the topics that it needs.

Shape   settings_of(entry, settings) -> its settings, as if it stood in the file; subscription_of(entry, settings);
        needed_by(one, settings, partitions) -> specs
Beside  what CMQ has no word for (concurrency, addresses, …) is for all of them alike: `subscribed` in the configuration
Errors  EntryError: no subscription can be made of it
"""

import msgspec
from pydantic import ValidationError

from adapters.provision import needed
from adapters.settings import HttpSubscriptionSettings, QueueSubscriptionSettings, Settings
from pipeline.cmq_registry import SubscriptionEntry
from pipeline.subscription import Protocol, Start, Subscription
from pipeline.topics import TopicSpec, dead_letter_topic, event_topic, held_topic

_MODELS: dict[str, type[QueueSubscriptionSettings | HttpSubscriptionSettings]] = {
    Protocol.QUEUE: QueueSubscriptionSettings,
    Protocol.HTTP: HttpSubscriptionSettings,
}

MAX_TIME_S = 253_402_300_799
"""The end of the year 9999: milliseconds that Kafka takes."""


class EntryError(ValueError):
    """An entry of which no subscription can be made."""


def settings_of(entry: SubscriptionEntry, settings: Settings) -> QueueSubscriptionSettings | HttpSubscriptionSettings:
    """What would stand in the file.

    Raises:
        EntryError: it could not stand there.
    """
    model = _MODELS.get(entry.protocol)
    if model is None:
        raise EntryError("protocol: must be queue or http")
    if entry.created_s > MAX_TIME_S:
        raise EntryError("created_s: is no time")
    start = Start("time", entry.created_s * 1000) if entry.created_s > 0 else Start("latest")
    said = {"topic": entry.topic_name, "name": entry.name, "protocol": entry.protocol, "endpoint": entry.endpoint}
    if entry.protocol == Protocol.HTTP:
        said |= {"notify_strategy": entry.notify_strategy, "notify_content_format": entry.notify_content_format}
        said |= settings.subscribed.model_dump()
    try:
        return model.model_validate(said | {"start": start})
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False)
        told = [f"{one['loc'][0]}: {one['msg'].removeprefix('Value error, ')}" for one in faults]
        raise EntryError("; ".join(told)) from None


def subscription_of(entry: SubscriptionEntry, settings: Settings) -> Subscription:
    """What is delivered.

    Raises:
        EntryError: as settings_of.
    """
    one = settings_of(entry, settings).subscription()
    return msgspec.structs.replace(one, filter_tags=entry.filter_tags, binding_keys=entry.binding_keys)


def needed_by(
    one: QueueSubscriptionSettings | HttpSubscriptionSettings, settings: Settings, partitions: int
) -> list[TopicSpec]:
    """The Kafka topics of one subscription, its CMQ topic excepted: to make that is for whoever has it.

    Args:
        partitions: of the event topic; those for held keys and dead letters have as many.
    """
    specs = needed(settings.model_copy(update={"subscriptions": (one,)}))
    alike = {held_topic(one.topic, one.name), dead_letter_topic(one.topic, one.name)}
    return [
        msgspec.structs.replace(spec, partitions=partitions) if spec.name in alike else spec
        for spec in specs
        if spec.name != event_topic(one.topic, settings.topics.prefix)
    ]
