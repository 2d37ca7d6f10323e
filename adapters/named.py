"""The subscriptions that a command is told to deal with: those of the file, and those made at run time.

Shape   named(settings, labels) -> subscriptions in that order; of_file(settings), made(settings) -> all of either kind
Cost    the registry is read, once, only where the file does not have a name
Errors  SettingsError: neither has it
"""

from collections.abc import Sequence

import msgspec

from adapters.run_time_entries import EntryError, subscription_of
from adapters.settings import Settings
from adapters.settings_faults import SettingsError
from adapters.topic_reader import read_topic
from pipeline.cluster import Cluster
from pipeline.cmq_registry import REGISTRY_TOPIC, SubscriptionEntry, decode
from pipeline.errors import PipelineError, TopicMissingError
from pipeline.subscription import Subscription


def named(settings: Settings, labels: Sequence[str]) -> list[Subscription]:
    """The subscriptions of these names, each once.

    Raises:
        SettingsError: one that nobody knows.
    """
    known = of_file(settings)
    missing = [label for label in dict.fromkeys(labels) if label not in known]
    reason = ""
    if any(label.count("/") == 1 for label in missing):
        try:
            known = known | made(settings)
        except PipelineError as error:
            reason = f"; those made at run time are not known: {error}"
    unknown = [label for label in missing if label not in known]
    if unknown:
        allowed = ", ".join(known) or "none"
        raise SettingsError(
            [f"--subscription: {label!r} is not configured; there are: {allowed}{reason}" for label in unknown]
        )
    return [known[label] for label in dict.fromkeys(labels)]


def of_file(settings: Settings) -> dict[str, Subscription]:
    """Those of the configuration file, by label."""
    return {one.label: one for one in (entry.subscription() for entry in settings.subscriptions)}


def made(settings: Settings) -> dict[str, Subscription]:
    """Those made at run time, by label; what no subscription can be made of is left out, as `run` does.

    Raises:
        PipelineError: the registry cannot be read.
    """
    entries: dict[bytes | None, bytes | None] = {}
    try:
        for message in read_topic(Cluster(settings.kafka), REGISTRY_TOPIC):
            entries[message.key()] = message.value()
    except TopicMissingError:
        return {}
    found = (_one(value, settings) for value in entries.values() if value is not None)
    taken = {label.lower() for label in of_file(settings)}
    return {one.label: one for one in found if one is not None and one.label.lower() not in taken}


def _one(value: bytes, settings: Settings) -> Subscription | None:
    try:
        entry = decode(value)
        return subscription_of(entry, settings) if isinstance(entry, SubscriptionEntry) else None
    except (msgspec.DecodeError, EntryError):
        return None
