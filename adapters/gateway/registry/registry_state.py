"""What the registry says: its records folded into entries, and the lists that are asked of them. Does no I/O.

Shape   RegistryState(configured): apply(key, value) for each record in order of the log; get(key), queues(), topics(),
        subscriptions(topic)
Names   as the keys say, unique regardless of case
Cost    the sorted lists are made when they are asked for, and kept until a name comes or goes
"""

from collections.abc import Iterable, Sequence
from typing import TypeVar

import msgspec

from pipeline.cmq_registry import (
    Entry,
    Gone,
    QueueEntry,
    SubscriptionEntry,
    TopicEntry,
    decode,
    key_of,
    queue_key,
    subscription_key,
    topic_key,
)

Kind = TypeVar("Kind", QueueEntry, TopicEntry, SubscriptionEntry)


class Change(msgspec.Struct, frozen=True):
    """What a record changed; None: there was no entry, or there is none any more."""

    key: str
    before: Entry | None
    after: Entry | None


class RegistryState:
    """The entries of one reader of the log."""

    def __init__(self, configured: Iterable[SubscriptionEntry] = ()) -> None:
        """Begin empty, but for the subscriptions of the configuration file, which no record replaces."""
        self._configured = {key_of(entry): entry for entry in configured}
        self._entries: dict[str, Entry] = {}
        self._by_topic: dict[str, dict[str, SubscriptionEntry]] = {}
        self._sorted: dict[type, Sequence[QueueEntry | TopicEntry]] = {}
        for entry in self._configured.values():
            self._put(key_of(entry), entry)

    def clear(self) -> None:
        """Forget every record: the log begins anew."""
        for key in [key for key in self._entries if key not in self._configured]:
            self._put(key, None)

    def apply(self, key: bytes | None, value: bytes | None) -> Change | None:
        """Take up a record; gives what it changed, if anything.

        Raises:
            ValueError: it is none of ours (msgspec's errors are ValueErrors).
        """
        if key is None:
            raise ValueError("a record without a key")
        name = key.decode()
        entry = None if value is None else decode(value)
        if entry is not None and key_of(entry) != name:
            raise ValueError(f"an entry of {key_of(entry)!r}")
        if name in self._configured:
            return None
        return self._put(name, entry)

    def get(self, key: str) -> Entry | None:
        """The entry of a key; a Gone while the name is being released."""
        return self._entries.get(key)

    def queue(self, name: str) -> QueueEntry | None:
        """The queue of that name."""
        return self._of(queue_key(name), QueueEntry)

    def topic(self, name: str) -> TopicEntry | None:
        """The topic of that name."""
        return self._of(topic_key(name), TopicEntry)

    def subscription(self, topic: str, name: str) -> SubscriptionEntry | None:
        """The subscription of that name."""
        return self._of(subscription_key(topic, name), SubscriptionEntry)

    def queues(self) -> Sequence[QueueEntry]:
        """All queues, in order of their names."""
        return self._all(QueueEntry)

    def topics(self) -> Sequence[TopicEntry]:
        """All topics, in order of their names."""
        return self._all(TopicEntry)

    def subscriptions(self, topic: str) -> list[SubscriptionEntry]:
        """A topic's subscriptions, in order of their names, those of the configuration file among them."""
        found = self._by_topic.get(topic.lower(), {})
        return sorted(found.values(), key=lambda entry: entry.name)

    def subscribers(self, topic: str) -> Iterable[SubscriptionEntry]:
        """As subscriptions(), in any order."""
        return self._by_topic.get(topic.lower(), {}).values()

    def gone(self) -> list[Gone]:
        """All names that are being released."""
        return [entry for entry in self._entries.values() if isinstance(entry, Gone)]

    def _of(self, key: str, kind: type[Kind]) -> Kind | None:
        entry = self._entries.get(key)
        return entry if isinstance(entry, kind) else None

    def _all(self, kind: type[Kind]) -> Sequence[Kind]:
        found = self._sorted.get(kind)
        if found is None:
            entries = (entry for entry in self._entries.values() if isinstance(entry, kind))
            found = self._sorted[kind] = sorted(entries, key=lambda entry: entry.name)  # type: ignore[arg-type]
        return found  # type: ignore[return-value]  # the list of a kind holds that kind

    def _put(self, key: str, entry: Entry | None) -> Change | None:
        before = self._entries.pop(key, None)
        if entry is not None:
            self._entries[key] = entry
        for one in (before, entry):
            if one is not None:
                self._sorted.pop(type(one), None)
        if isinstance(before, SubscriptionEntry):
            self._by_topic[before.topic_name.lower()].pop(key, None)
        if isinstance(entry, SubscriptionEntry):
            self._by_topic.setdefault(entry.topic_name.lower(), {})[key] = entry
        return None if before == entry else Change(key, before, entry)
