"""(event, notifications) -> which CMQ topics it goes to, and with which variables.

Shape   Matcher(notifications).targets(event_name) -> tuple of Target; compiled once, one dict look-up an event
"""

from collections.abc import Iterable

import msgspec

from schemas.events import EventVar
from schemas.notifications import Notification


class Target(msgspec.Struct, frozen=True):
    """One CMQ topic that asked for an event, and the variables to send along."""

    topic_name: str
    event_vars: tuple[EventVar, ...]


class Matcher:
    """What one set of notifications asks for, by event name."""

    def __init__(self, notifications: Iterable[Notification]) -> None:
        by_name: dict[str, tuple[Target, ...]] = {}
        for notification in notifications:
            for config in notification.event_configs:
                target = Target(notification.topic_name, config.event_vars)
                by_name[config.event_name] = (*by_name.get(config.event_name, ()), target)
        self._by_name = by_name

    def targets(self, event_name: str) -> tuple[Target, ...]:
        """The topics that asked for this event; empty if none did, which is no error."""
        return self._by_name.get(event_name, ())
