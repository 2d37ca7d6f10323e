"""What the actions ask of the state behind them: queues, and topics with their subscriptions.

Kept by the Kafka parts and by doubles in adapters/memory/; one suite of contract tests holds both. All calls are made
on the event loop's thread; all may raise CmqError with the row that the reply is to have. What was returned is durable,
and known to every replica.
"""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from adapters.gateway.errors import Row
from pipeline.cmq_registry import QueueAttributes, SubscriptionEntry, TopicEntry


class QueueCounts(msgspec.Struct, frozen=True):
    """How many messages a queue has, by state; times in Unix seconds, 0 where there is no message."""

    active: int = 0
    inactive: int = 0
    delayed: int = 0
    rewindable: int = 0
    min_msg_time_s: int = 0


class QueueInfo(msgspec.Struct, frozen=True):
    """A queue as GetQueueAttributes tells it."""

    queue_id: str
    name: str
    attributes: QueueAttributes
    created_s: int
    modified_s: int
    counts: QueueCounts


class Message(msgspec.Struct, frozen=True):
    """What a receive gives: CMQ's seven fields; times in Unix seconds."""

    msg_id: str
    body: bytes
    receipt_handle: str
    enqueue_time_s: int
    first_dequeue_time_s: int
    next_visible_time_s: int
    dequeue_count: int


class Page(msgspec.Struct, frozen=True):
    """One page of a list: (id, name) each, and how many there are in all."""

    total: int
    entries: list[tuple[str, str]]


class Queues(Protocol):
    """All queues. Names are as the client wrote them; they are unique regardless of case."""

    async def create(self, name: str, attributes: QueueAttributes) -> str:
        """Make a queue; gives its id. Rows: QUEUE_EXISTS, NAME_BEING_RELEASED, QUEUE_LIMIT."""
        ...

    async def set_attributes(self, name: str, changes: dict[str, int]) -> None:
        """Change some attributes, by the field names of QueueAttributes. Rows: NO_QUEUE."""
        ...

    async def info(self, name: str) -> QueueInfo:
        """Rows: NO_QUEUE."""
        ...

    async def page(self, search_word: str, offset: int, limit: int) -> Page:
        """Those whose name has the search word, in order of their names."""
        ...

    async def delete(self, name: str) -> None:
        """Rows: NO_QUEUE."""
        ...

    async def rewind(self, name: str, start_s: int) -> None:
        """Make messages visible again that were enqueued from then on.

        Rows: NO_QUEUE, CANNOT_REWIND, BAD_REWIND_TIME.
        """
        ...

    async def send(self, name: str, bodies: Sequence[bytes], delay_s: int) -> list[str]:
        """Append messages; gives their ids in order.

        Rows: NO_QUEUE, MESSAGE_TOO_BIG, QUEUE_FULL, TOO_MANY_IN_FLIGHT.
        """
        ...

    async def receive(self, name: str, count: int, wait_s: int | None) -> list[Message]:
        """Up to so many visible messages, at least one; wait_s None: as the queue's attribute says.

        Cancelled, it gives back what it had leased. Rows: NO_QUEUE, NO_MESSAGE, TOO_MANY_IN_FLIGHT.
        """
        ...

    async def delete_messages(self, name: str, handles: Sequence[str]) -> list[Row | None]:
        """Settle what these receives gave; for each handle None, or why not: BAD_HANDLE, or INTERNAL, if nobody knows.

        Rows: NO_QUEUE, INTERNAL.
        """
        ...


class Topics(Protocol):
    """All topics and their subscriptions. Names are unique regardless of case, and called as they were made."""

    async def create(self, name: str, max_msg_size: int, filter_type: int) -> str:
        """Make a topic; gives its id. Rows: TOPIC_EXISTS, NAME_BEING_RELEASED, TOPIC_LIMIT."""
        ...

    async def set_attributes(self, name: str, max_msg_size: int) -> None:
        """Rows: NO_TOPIC."""
        ...

    async def info(self, name: str) -> tuple[TopicEntry, int]:
        """The topic, and how many messages its log has. Rows: NO_TOPIC."""
        ...

    async def page(self, search_word: str, offset: int, limit: int) -> Page:
        """As Queues.page."""
        ...

    async def delete(self, name: str) -> None:
        """Rows: NO_TOPIC, TOPIC_HAS_SUBSCRIPTIONS."""
        ...

    async def publish(self, name: str, bodies: Sequence[bytes], tags: Sequence[str], routing_key: str) -> list[str]:
        """Append messages as they are; gives their ids.

        Rows: NO_TOPIC, MESSAGE_TOO_BIG, TOPIC_WITHOUT_SUBSCRIPTION, NO_MATCH, ROUTING_KEY_MISSING.
        """
        ...

    async def subscribe(self, entry: SubscriptionEntry) -> str:
        """Make a subscription; gives its id. Rows: NO_TOPIC, NO_QUEUE, SUBSCRIPTION_EXISTS, SUBSCRIPTION_LIMIT."""
        ...

    async def set_subscription(self, topic: str, name: str, changes: dict[str, object]) -> None:
        """Change some fields of a SubscriptionEntry, by name. Rows: NO_TOPIC, NO_SUBSCRIPTION, NOT_PERMITTED."""
        ...

    async def subscription(self, topic: str, name: str) -> tuple[SubscriptionEntry, int]:
        """A subscription, and how many messages it has still to deliver. Rows: NO_TOPIC, NO_SUBSCRIPTION."""
        ...

    async def subscriptions(
        self, topic: str, search_word: str, offset: int, limit: int
    ) -> tuple[int, list[SubscriptionEntry]]:
        """As Queues.page, of one topic. Rows: NO_TOPIC."""
        ...

    async def unsubscribe(self, topic: str, name: str) -> None:
        """Rows: NO_TOPIC, NO_SUBSCRIPTION, NOT_PERMITTED (of the configuration file)."""
        ...
