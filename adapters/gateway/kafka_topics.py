"""CMQ's topics and subscriptions on Kafka: keeps the port Topics.

Shape   KafkaTopics(view, router, sender, names, counts, prefix, times): every action on topics, on any replica
Text    a published text goes into the topic's Kafka topic as it is, untouched; headers say that it is free text, its
        msgId, tags and routing key. Which subscriptions it passes is decided by whoever delivers it; here only whether
        there is any
Finds   as KafkaQueues. Topics and subscriptions are called exactly as they were made
"""

from collections.abc import Sequence
from secrets import randbits, token_hex
from typing import TYPE_CHECKING, Protocol

import msgspec

from adapters.gateway.errors import CmqError, Row
from adapters.gateway.kafka_queues import Sender, holds, managed
from adapters.gateway.logs.log_names import LogNames
from adapters.gateway.peers.peer_messages import (
    AdoptTopicRequest,
    CreateTopicRequest,
    DeleteTopicRequest,
    ManageRequest,
    SetSubscriptionRequest,
    SetTopicRequest,
    SubscribeRequest,
    UnsubscribeRequest,
)
from adapters.gateway.peers.slot_router import SlotRouter
from adapters.gateway.peers.slot_service import View
from adapters.gateway.ports import Page
from adapters.gateway.registry.registry_decisions import known_subscription
from pipeline.clock import Times
from pipeline.cmq_registry import SubscriptionEntry, TopicEntry, topic_key
from pipeline.free_text import MESSAGE_ID, ROUTING_KEY, TAGS, TEXT
from pipeline.message_filter import matches
from pipeline.ports import ANY_PARTITION
from pipeline.topics import event_topic
from pipeline.transform import PUBLISH_TIME
from schemas.names import name_fault

if TYPE_CHECKING:
    from pipeline.headers import Headers

BY_BINDING_KEY = 2


class Counts(Protocol):
    """What is needed of TopicCounts."""

    async def messages(self, kafka_topic: str) -> int:
        """How many messages a topic has."""
        ...

    async def waiting(self, entry: SubscriptionEntry, kafka_topic: str) -> int:
        """How many a subscription has still to deliver."""
        ...


class KafkaTopics:
    """All topics and their subscriptions, from this replica."""

    def __init__(
        self,
        view: View,
        router: SlotRouter,
        sender: Sender,
        names: LogNames,
        counts: Counts,
        prefix: str,
        times: Times,
    ) -> None:
        self._view = view
        self._router = router
        self._send = sender
        self._names = names
        self._counts = counts
        self._prefix = prefix
        self._times = times

    async def create(self, name: str, max_msg_size: int, filter_type: int) -> str:
        """As Topics.create."""
        topic_id = f"topic-{token_hex(6)}"
        await self._manage(CreateTopicRequest(name, topic_id, max_msg_size, filter_type))
        return topic_id

    async def set_attributes(self, name: str, max_msg_size: int) -> None:
        """As Topics.set_attributes."""
        await self._topic(name)
        await self._manage(SetTopicRequest(name, max_msg_size))

    async def info(self, name: str) -> tuple[TopicEntry, int]:
        """As Topics.info."""
        await self._view.catch_up()
        entry = await self._topic(name)
        return entry, await self._counts.messages(event_topic(name, self._prefix))

    async def page(self, search_word: str, offset: int, limit: int) -> Page:
        """As Topics.page."""
        await self._view.catch_up()
        found = [(one.topic_id, one.name) for one in self._view.state.topics() if holds(one.name, search_word)]
        return Page(len(found), found[offset : offset + limit])

    async def delete(self, name: str) -> None:
        """As Topics.delete."""
        await self._topic(name)
        await self._manage(DeleteTopicRequest(name), Row.NO_TOPIC)

    async def publish(self, name: str, bodies: Sequence[bytes], tags: Sequence[str], routing_key: str) -> list[str]:
        """As Topics.publish."""
        entry = await self._topic(name)
        if any(len(body) > entry.max_msg_size for body in bodies):
            raise Row.MESSAGE_TOO_BIG.error()
        await self._check_wanted(entry, tags, routing_key)
        shared: Headers = [TEXT, (PUBLISH_TIME, b"%d" % (self._times.now_ms() // 1000))]
        if tags:
            shared.append((TAGS, ",".join(tags).encode()))
        if routing_key:
            shared.append((ROUTING_KEY, routing_key.encode()))
        ids = [str(randbits(63)) for _ in bodies]
        headers = [[*shared, (MESSAGE_ID, an_id.encode())] for an_id in ids]
        try:
            await self._send(event_topic(name, self._prefix), ANY_PARTITION, bodies, headers)
        except CmqError as error:
            raise (Row.NO_TOPIC.error() if error.row is Row.NO_QUEUE else error) from error
        return ids

    async def subscribe(self, entry: SubscriptionEntry) -> str:
        """As Topics.subscribe."""
        await self._topic(entry.topic_name)
        subscription_id = f"subscription-{token_hex(6)}"
        await self._manage(SubscribeRequest(msgspec.structs.replace(entry, subscription_id=subscription_id)))
        return subscription_id

    async def set_subscription(self, topic: str, name: str, changes: dict[str, object]) -> None:
        """As Topics.set_subscription."""
        await self._topic(topic)
        await self._manage(SetSubscriptionRequest(topic, name, changes))

    async def subscription(self, topic: str, name: str) -> tuple[SubscriptionEntry, int]:
        """As Topics.subscription."""
        await self._view.catch_up()
        entry = known_subscription(self._view.state, topic, name)
        return entry, await self._counts.waiting(entry, event_topic(topic, self._prefix))

    async def subscriptions(
        self, topic: str, search_word: str, offset: int, limit: int
    ) -> tuple[int, list[SubscriptionEntry]]:
        """As Topics.subscriptions."""
        await self._view.catch_up()
        await self._topic(topic)
        found = [one for one in self._view.state.subscriptions(topic) if holds(one.name, search_word)]
        return len(found), found[offset : offset + limit]

    async def unsubscribe(self, topic: str, name: str) -> None:
        """As Topics.unsubscribe."""
        await self._topic(topic)
        await self._manage(UnsubscribeRequest(topic, name), Row.NO_SUBSCRIPTION)

    async def _check_wanted(self, entry: TopicEntry, tags: Sequence[str], routing_key: str) -> None:
        """Refuse what nobody would get, on all there is to know."""
        wanted = self._wanted(entry, tags, routing_key)
        if wanted is not None:
            await self._view.catch_up()  # a subscription that was just made elsewhere
            wanted = self._wanted(entry, tags, routing_key)
        if wanted is not None:
            raise wanted.error()

    def _wanted(self, entry: TopicEntry, tags: Sequence[str], routing_key: str) -> Row | None:
        subscribers = list(self._view.state.subscribers(entry.name))
        if not subscribers:
            return Row.TOPIC_WITHOUT_SUBSCRIPTION
        if entry.filter_type == BY_BINDING_KEY and not routing_key:
            return Row.ROUTING_KEY_MISSING
        if any(matches(one.filter_tags, one.binding_keys, tags, routing_key) for one in subscribers):
            return None
        return Row.NO_MATCH

    async def _topic(self, name: str) -> TopicEntry:
        entry = self._view.state.topic(name)
        if entry is None:
            entry = await self._missed(name)
        if entry.name != name:
            raise Row.NO_TOPIC.error()
        return entry

    async def _missed(self, name: str) -> TopicEntry:
        """A name that we do not know, or not yet."""
        await self._view.catch_up()
        state = self._view.state
        entry = state.topic(name)
        adoptable = entry is None and state.get(topic_key(name)) is None and name_fault(name) is None
        if adoptable and await self._names.has(event_topic(name, self._prefix)):
            await self._manage(AdoptTopicRequest(name))
            entry = state.topic(name)
        if entry is None:
            raise Row.NO_TOPIC.error()
        return entry

    async def _manage(self, request: ManageRequest, done_if: Row | None = None) -> None:
        await managed(self._view, self._router, request, done_if)
