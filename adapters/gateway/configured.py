"""The configuration file's subscriptions, as the CMQ API tells them: read-only.

Shape   configured_entries(settings) -> entries, never records of the registry
"""

from hashlib import blake2b

from adapters.settings import HttpSubscriptionSettings, Settings
from pipeline.cmq_registry import SubscriptionEntry
from pipeline.subscription import Protocol


def configured_entries(settings: Settings) -> list[SubscriptionEntry]:
    """One for each subscription of the file; its id is the same on every replica."""
    return [
        SubscriptionEntry(
            one.topic,
            one.name,
            f"subscription-{blake2b(f'{one.topic}/{one.name}'.encode(), digest_size=6).hexdigest()}",
            Protocol(one.protocol).value,
            one.endpoint,
            notify_strategy=one.notify_strategy.value if isinstance(one, HttpSubscriptionSettings) else "",
            notify_content_format=one.notify_content_format.value
            if isinstance(one, HttpSubscriptionSettings)
            else "SIMPLIFIED",
            configured=True,
        )
        for one in settings.subscriptions
    ]
