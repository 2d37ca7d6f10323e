"""What a management call makes of the registry: decided on what is known, without any I/O.

Shape   each decision takes the state, the request and the time, and gives the entry to write, or raises CmqError
Again   a call may be asked twice, for an answer may be lost: what was made has the id that its asker chose, and is then
        found to be made. If only its Kafka topic was made, that may have been adopted meanwhile: for FRESH_S whoever
        makes a queue or topic of that name gets what was adopted, with the attributes that are asked for
Names   unique regardless of case; the CMQ topic `queue` is reserved: the Kafka topics of its subscriptions would look
        like queues
"""

from hashlib import blake2b
from typing import TypeVar

import msgspec

from adapters.gateway.errors import Row
from adapters.gateway.peers.peer_messages import (
    CreateQueueRequest,
    CreateTopicRequest,
    SetQueueRequest,
    SetSubscriptionRequest,
    SetTopicRequest,
)
from adapters.gateway.registry.registry_state import RegistryState
from pipeline.cmq_registry import (
    Gone,
    QueueAttributes,
    QueueEntry,
    SubscriptionEntry,
    TopicEntry,
    queue_key,
    topic_key,
)
from schemas.names import name_fault

Changed = TypeVar("Changed", QueueAttributes, SubscriptionEntry)

SLOTS = 64
QUARANTINE_S = 30
RESERVED_TOPIC = "queue"
FRESH_S = 10
"""Longer than a call is tried again."""

_FOUND = "found"


class RegistryLimits(msgspec.Struct, frozen=True):
    """How many there may be: of queues and topics in all, of subscriptions a topic."""

    queues: int = 1_000
    topics: int = 1_000
    subscriptions: int = 500


def slot_of(name: str, topic_id: str) -> int:
    """Which slot a queue belongs to, for good: its entry says so."""
    return int.from_bytes(blake2b(f"{name.lower()} {topic_id}".encode(), digest_size=8).digest(), "big") % SLOTS


def adopted_id(kind: str, topic_id: str) -> str:
    """CMQ's id of what was found as a Kafka topic: the same, whoever finds it."""
    return f"{kind}-{_FOUND}-{blake2b(topic_id.encode(), digest_size=6).hexdigest()}"


def _fresh(an_id: str, created_s: int, now_s: int) -> bool:
    """Whether it was adopted so lately that somebody may still be about to make it."""
    return an_id.split("-")[1] == _FOUND and now_s - created_s <= FRESH_S


def may_create_queue(
    state: RegistryState, request: CreateQueueRequest, limits: RegistryLimits, now_s: int
) -> str | None:
    """None if a queue of that name may be made; its id if this very call has made it.

    Raises:
        CmqError: BAD_QUEUE_NAME, QUEUE_EXISTS, NAME_BEING_RELEASED, QUEUE_LIMIT.
    """
    if name_fault(request.name) is not None:
        raise Row.BAD_QUEUE_NAME.error()
    match state.get(queue_key(request.name)):
        case QueueEntry(queue_id=queue_id) if queue_id == request.queue_id:
            return queue_id
        case QueueEntry(queue_id=queue_id, created_s=created_s) if _fresh(queue_id, created_s, now_s):
            return None
        case QueueEntry():
            raise Row.QUEUE_EXISTS.error()
        case Gone():
            raise Row.NAME_BEING_RELEASED.error()
    if len(state.queues()) >= limits.queues:
        raise Row.QUEUE_LIMIT.error()
    return None


def may_create_topic(
    state: RegistryState, request: CreateTopicRequest, limits: RegistryLimits, now_s: int
) -> str | None:
    """As may_create_queue.

    Raises:
        CmqError: BAD_TOPIC_NAME, TOPIC_EXISTS, NAME_BEING_RELEASED, TOPIC_LIMIT.
    """
    if name_fault(request.name) is not None or request.name.lower() == RESERVED_TOPIC:
        raise Row.BAD_TOPIC_NAME.error()
    match state.get(topic_key(request.name)):
        case TopicEntry(topic_id=topic_id) if topic_id == request.topic_id:
            return topic_id
        case TopicEntry(topic_id=topic_id, created_s=created_s) if _fresh(topic_id, created_s, now_s):
            return None
        case TopicEntry():
            raise Row.TOPIC_EXISTS.error()
        case Gone():
            raise Row.NAME_BEING_RELEASED.error()
    if len(state.topics()) >= limits.topics:
        raise Row.TOPIC_LIMIT.error()
    return None


def queue_entry(name: str, queue_id: str, log: tuple[str, int], attributes: QueueAttributes, now_s: int) -> QueueEntry:
    """A new queue's; log: id and partitions of its Kafka topic."""
    topic_id, partitions = log
    return QueueEntry(name, queue_id, topic_id, partitions, slot_of(name, topic_id), attributes, now_s, now_s)


def changed_queue(state: RegistryState, request: SetQueueRequest, now_s: int) -> QueueEntry:
    """A queue with other attributes.

    Raises:
        CmqError: NO_QUEUE, BAD_PARAMETER.
    """
    entry = known_queue(state, request.name)
    attributes = _with(entry.attributes, request.changes)
    # Never back: the owner of the queue goes by the latest, and ours may not be the clock that wrote the last one.
    return msgspec.structs.replace(entry, attributes=attributes, modified_s=max(now_s, entry.modified_s))


def changed_topic(state: RegistryState, request: SetTopicRequest, now_s: int) -> TopicEntry:
    """A topic with another limit.

    Raises:
        CmqError: NO_TOPIC.
    """
    entry = known_topic(state, request.name)
    return msgspec.structs.replace(entry, max_msg_size=request.max_msg_size, modified_s=now_s)


def gone_queue(state: RegistryState, name: str, now_s: int) -> Gone:
    """What is written when a queue is deleted.

    Raises:
        CmqError: NO_QUEUE.
    """
    return Gone("queue", known_queue(state, name).name, now_s + QUARANTINE_S)


def gone_topic(state: RegistryState, name: str, now_s: int) -> Gone:
    """What is written when a topic is deleted.

    Raises:
        CmqError: NO_TOPIC, TOPIC_HAS_SUBSCRIPTIONS.
    """
    entry = known_topic(state, name)
    if any(state.subscribers(name)):
        raise Row.TOPIC_HAS_SUBSCRIPTIONS.error()
    return Gone("topic", entry.name, now_s + QUARANTINE_S)


def new_subscription(
    state: RegistryState, asked: SubscriptionEntry, limits: RegistryLimits, now_s: int
) -> SubscriptionEntry | None:
    """A subscription, called as its topic is; None if this very call has made it.

    Raises:
        CmqError: NO_TOPIC, NO_QUEUE, SUBSCRIPTION_EXISTS, SUBSCRIPTION_LIMIT.
    """
    topic = known_topic(state, asked.topic_name)
    before = state.subscription(asked.topic_name, asked.name)
    if before is not None:
        if before.subscription_id == asked.subscription_id:
            return None
        raise Row.SUBSCRIPTION_EXISTS.error()
    if asked.protocol == "queue":
        known_queue(state, asked.endpoint)
    if len(state.subscriptions(topic.name)) >= limits.subscriptions:
        raise Row.SUBSCRIPTION_LIMIT.error()
    return msgspec.structs.replace(asked, topic_name=topic.name, created_s=now_s, modified_s=now_s, configured=False)


def changed_subscription(state: RegistryState, request: SetSubscriptionRequest, now_s: int) -> SubscriptionEntry:
    """A subscription with other fields.

    Raises:
        CmqError: NO_TOPIC, NO_SUBSCRIPTION, NOT_PERMITTED, BAD_PARAMETER.
    """
    entry = own_subscription(state, request.topic, request.name)
    return _with(entry, {**request.changes, "modified_s": now_s})


def own_subscription(state: RegistryState, topic: str, name: str) -> SubscriptionEntry:
    """A subscription that may be changed.

    Raises:
        CmqError: NO_TOPIC, NO_SUBSCRIPTION, NOT_PERMITTED (of the configuration file).
    """
    entry = known_subscription(state, topic, name)
    if entry.configured:
        raise Row.NOT_PERMITTED.error("the subscription is of the configuration file")
    return entry


def known_queue(state: RegistryState, name: str) -> QueueEntry:
    """The queue, or CmqError NO_QUEUE."""
    entry = state.queue(name)
    if entry is None:
        raise Row.NO_QUEUE.error()
    return entry


def known_topic(state: RegistryState, name: str) -> TopicEntry:
    """The topic, called as it was made, or CmqError NO_TOPIC."""
    entry = state.topic(name)
    if entry is None or entry.name != name:
        raise Row.NO_TOPIC.error()
    return entry


def known_subscription(state: RegistryState, topic: str, name: str) -> SubscriptionEntry:
    """The subscription, or CmqError NO_TOPIC, NO_SUBSCRIPTION."""
    entry = state.subscription(topic, name)
    if entry is None or (entry.topic_name, entry.name) != (topic, name):
        known_topic(state, topic)
        raise Row.NO_SUBSCRIPTION.error()
    return entry


def _with(entry: Changed, changes: dict[str, object]) -> Changed:
    """With other values of some fields, each of the field's type."""
    try:
        changed = msgspec.convert({**msgspec.structs.asdict(entry), **changes}, type(entry), from_attributes=True)
    except msgspec.ValidationError as error:
        raise Row.BAD_PARAMETER.error(str(error)) from error
    return changed
