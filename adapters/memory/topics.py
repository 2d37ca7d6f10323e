"""CMQ's topics and subscriptions in memory: what is published is in the queues of its subscribers at once.

Shape   MemoryTopics(clock, queues) keeps the Topics port. What an HTTP subscription would be sent is in pushed()
Names   unique regardless of case, called as they were made; a deleted topic's is free again after 30 s
Bounds  the event loop's thread; nothing is retried: a subscription whose queue is gone gets nothing
"""

from collections.abc import Sequence
from itertools import count

import msgspec

from adapters.gateway.errors import Row
from adapters.gateway.ports import Page
from adapters.memory.queues import RELEASE_MS, MemoryQueues, page_of
from pipeline.clock import Clock
from pipeline.cmq_registry import SubscriptionEntry, TopicEntry
from pipeline.message_filter import matches

RETENTION_S = 86_400
BINDING_KEYS = 2
"""The filter type of a topic that goes by routing keys."""


class _Topic(msgspec.Struct):
    """A topic, its subscriptions by name, and when its messages were published."""

    entry: TopicEntry
    subscriptions: dict[str, SubscriptionEntry] = msgspec.field(default_factory=dict)
    pushed: dict[str, list[bytes]] = msgspec.field(default_factory=dict)
    published_s: list[int] = msgspec.field(default_factory=list)


class MemoryTopics:
    """All topics of one account."""

    def __init__(
        self, clock: Clock, queues: MemoryQueues, *, max_topics: int = 1_000, max_subscriptions: int = 500
    ) -> None:
        self._clock = clock
        self._queues = queues
        self._max_topics = max_topics
        self._max_subscriptions = max_subscriptions
        self._topics: dict[str, _Topic] = {}
        self._released_ms: dict[str, int] = {}
        self._ids = count(1)

    async def create(self, name: str, max_msg_size: int, filter_type: int) -> str:
        """Make a topic."""
        key = name.lower()
        if key in self._topics:
            raise Row.TOPIC_EXISTS.error()
        if self._released_ms.get(key, 0) > self._clock.now_ms():
            raise Row.NAME_BEING_RELEASED.error()
        if len(self._topics) >= self._max_topics:
            raise Row.TOPIC_LIMIT.error()
        topic_id = f"topic-{next(self._ids):08d}"
        now_s = self._now_s()
        self._topics[key] = _Topic(TopicEntry(name, topic_id, max_msg_size, filter_type, now_s, now_s))
        return topic_id

    async def set_attributes(self, name: str, max_msg_size: int) -> None:
        """Change how large a message may be."""
        topic = self._topic(name)
        topic.entry = msgspec.structs.replace(topic.entry, max_msg_size=max_msg_size, modified_s=self._now_s())

    async def info(self, name: str) -> tuple[TopicEntry, int]:
        """The topic, and how many messages of the last day it has."""
        topic = self._topic(name)
        since_s = self._now_s() - RETENTION_S
        return topic.entry, sum(1 for one in topic.published_s if one > since_s)

    async def page(self, search_word: str, offset: int, limit: int) -> Page:
        """Some of the topics."""
        entries = [topic.entry for topic in self._topics.values()]
        return page_of([(one.topic_id, one.name) for one in entries], search_word, offset, limit)

    async def delete(self, name: str) -> None:
        """Only one without subscriptions."""
        if self._topic(name).subscriptions:
            raise Row.TOPIC_HAS_SUBSCRIPTIONS.error()
        del self._topics[name.lower()]
        self._released_ms[name.lower()] = self._clock.now_ms() + RELEASE_MS

    async def publish(self, name: str, bodies: Sequence[bytes], tags: Sequence[str], routing_key: str) -> list[str]:
        """Give messages to all whose filter lets them through."""
        topic = self._topic(name)
        if max(map(len, bodies)) > topic.entry.max_msg_size:
            raise Row.MESSAGE_TOO_BIG.error()
        if not topic.subscriptions:
            raise Row.TOPIC_WITHOUT_SUBSCRIPTION.error()
        if topic.entry.filter_type == BINDING_KEYS and not routing_key:
            raise Row.ROUTING_KEY_MISSING.error()
        subscribers = topic.subscriptions.values()
        wanting = [one for one in subscribers if matches(one.filter_tags, one.binding_keys, tags, routing_key)]
        if not wanting:
            raise Row.NO_MATCH.error()
        topic.published_s += [self._now_s()] * len(bodies)
        for one in wanting:
            if one.protocol == "queue":
                self._queues.append(one.endpoint, bodies)
            else:
                topic.pushed.setdefault(one.name, []).extend(bodies)
        return [f"{topic.entry.topic_id}-m{next(self._ids)}" for _ in bodies]

    async def subscribe(self, entry: SubscriptionEntry) -> str:
        """Make a subscription, with an id and times of its own."""
        topic = self._topic(entry.topic_name)
        if entry.name in topic.subscriptions:
            raise Row.SUBSCRIPTION_EXISTS.error()
        if len(topic.subscriptions) >= self._max_subscriptions:
            raise Row.SUBSCRIPTION_LIMIT.error()
        if entry.protocol == "queue":
            await self._queues.info(entry.endpoint)
        subscription_id = f"subsc-{next(self._ids):08d}"
        now_s = self._now_s()
        topic.subscriptions[entry.name] = msgspec.structs.replace(
            entry, subscription_id=subscription_id, created_s=now_s, modified_s=now_s
        )
        return subscription_id

    async def set_subscription(self, topic: str, name: str, changes: dict[str, object]) -> None:
        """Change some fields."""
        entry = self._changeable(topic, name)
        self._topic(topic).subscriptions[name] = msgspec.structs.replace(entry, **changes, modified_s=self._now_s())

    async def subscription(self, topic: str, name: str) -> tuple[SubscriptionEntry, int]:
        """A subscription; what it is to push, it never gets rid of."""
        return self._subscription(topic, name), len(self.pushed(topic, name))

    async def subscriptions(
        self, topic: str, search_word: str, offset: int, limit: int
    ) -> tuple[int, list[SubscriptionEntry]]:
        """Some of a topic's subscriptions."""
        by_name = self._topic(topic).subscriptions
        page = page_of([(one.subscription_id, one.name) for one in by_name.values()], search_word, offset, limit)
        return page.total, [by_name[name] for _, name in page.entries]

    async def unsubscribe(self, topic: str, name: str) -> None:
        """End a subscription."""
        self._changeable(topic, name)
        del self._topic(topic).subscriptions[name]

    def pushed(self, topic: str, name: str) -> list[bytes]:
        """What an HTTP subscription would have been sent."""
        return self._topic(topic).pushed.get(name, [])

    def _topic(self, name: str) -> _Topic:
        topic = self._topics.get(name.lower())
        if topic is None or topic.entry.name != name:
            raise Row.NO_TOPIC.error()
        return topic

    def _subscription(self, topic: str, name: str) -> SubscriptionEntry:
        entry = self._topic(topic).subscriptions.get(name)
        if entry is None:
            raise Row.NO_SUBSCRIPTION.error()
        return entry

    def _changeable(self, topic: str, name: str) -> SubscriptionEntry:
        entry = self._subscription(topic, name)
        if entry.configured:
            raise Row.NOT_PERMITTED.error("the subscription is of the configuration file")
        return entry

    def _now_s(self) -> int:
        return self._clock.now_ms() // 1000
