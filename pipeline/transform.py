"""A record of an event topic -> what a subscriber gets: the hot path of both adapters.

Shape   Transform(subscription, …).push(record) -> Push | Refusal | Unwanted, .queue_message(record) likewise
Text    what is free text (free_text.py) goes through as it is, whatever `events` and `body_encoding` say: the queue
        gets its very bytes, an endpoint the text as msgBody
Filters CMQ's own (message_filter.py) come first; a subscription that has none pays nothing for them
Cost    one Avro decode, one JSON encode, one Base64; nothing is validated again
Errors  none: what cannot be decoded is a Refusal, and goes to the dead letters
"""

import msgspec

from pipeline.free_text import (
    MESSAGE_ID,
    TAGS,
    TEXT,
    TextError,
    checked_text,
    is_text,
    routing_key_of,
    tags_line,
    tags_of,
    text_message_id_of,
)
from pipeline.headers import EVENT_ID, TRACEPARENT, Headers, find_header
from pipeline.message_filter import matches
from pipeline.ports import Push, Record
from pipeline.subscription import BodyEncoding, Subscription
from pipeline.traceparent import valid
from schemas.avro import REGISTRY_MARKER, ResolveId, decode_avro, no_registry
from schemas.cmq_message import message_body, message_text
from schemas.cmq_push import PushForm
from schemas.errors import AvroDecodeError, ResourceError
from schemas.events import BatchEvent
from schemas.identity import event_id, message_id
from schemas.resources import RESOURCES

PUBLISH_TIME = "cmq_publish_time"


class Refusal(msgspec.Struct, frozen=True):
    """A record that is no event, and why."""

    reason: str


class Unwanted(msgspec.Struct, frozen=True):
    """An event that the subscription did not ask for."""


class QueueMessage(msgspec.Struct, frozen=True):
    """The record of a queue topic."""

    value: bytes
    headers: Headers


_UNWANTED = Unwanted()


class Transform:
    """What one subscription makes of a record."""

    def __init__(self, subscription: Subscription, topic_owner: int = 0, resolve: ResolveId = no_registry) -> None:
        self._subscription = subscription
        self._topic_name = subscription.topic_name
        self._resolve = resolve
        self._all = subscription.events is None
        self._filters = bool(subscription.filter_tags or subscription.binding_keys)
        self._text = message_body
        self._form: PushForm | None = None
        if subscription.http is not None:
            http = subscription.http
            self._form = PushForm(topic_owner, subscription.topic_name, subscription.name, http.content_format)
            self._text = message_text if http.body_encoding is BodyEncoding.PLAIN else message_body

    def ahead(self, record: Record) -> str | None:
        """Have the registry tell a schema that is not known yet, on a thread that may wait; why a record is refused."""
        value = record.value
        if value is None or value[:1] != REGISTRY_MARKER or len(value) < 5 or TEXT in record.headers:
            return None
        try:
            self._resolve(int.from_bytes(value[1:5], "big"))
        except AvroDecodeError as error:
            return f"undecodable: {error}"
        return None

    def push(self, record: Record) -> Push | Refusal | Unwanted:
        """For an HTTP subscriber."""
        if self._filters and not passes_filters(self._subscription, record):
            return _UNWANTED
        if is_text(record):
            return self._text_push(record)
        event = self._event(record)
        if not isinstance(event, BatchEvent):
            return event
        assert self._form is not None  # noqa: S101  wiring gives HTTP subscriptions only
        try:
            msg_id = message_id(event_id_of(record, event), self._topic_name)
        except ResourceError as error:
            return Refusal(f"no identity: {error}")
        body = self._form.body(msg_id, self._text(event), record.timestamp_ms // 1000)
        return Push(msg_id, body, _traceparent(record))

    def _text_push(self, record: Record) -> Push | Refusal:
        assert self._form is not None  # noqa: S101  as in push
        msg_id = text_message_id_of(record, self._topic_name)
        try:
            body = self._form.body(msg_id, checked_text(record), record.timestamp_ms // 1000)
            tags = tags_line(record.headers)
        except TextError as error:
            return Refusal(f"undecodable: {error}")
        return Push(msg_id, body, _traceparent(record), tags)

    def queue_message(self, record: Record) -> QueueMessage | Refusal | Unwanted:
        """For a queue subscriber."""
        if self._filters and not passes_filters(self._subscription, record):
            return _UNWANTED
        if is_text(record):
            return self._queue_text(record)
        event = self._event(record)
        if not isinstance(event, BatchEvent):
            return event
        try:
            an_id = event_id_of(record, event)
        except ResourceError as error:
            return Refusal(f"no identity: {error}")
        headers: Headers = [
            (MESSAGE_ID, message_id(an_id, self._topic_name).encode()),
            (PUBLISH_TIME, b"%d" % (record.timestamp_ms // 1000)),
            (EVENT_ID, an_id.encode()),
        ]
        if (traceparent := find_header(record.headers, TRACEPARENT)) is not None:
            headers.append((TRACEPARENT, traceparent))
        return QueueMessage(message_body(event), headers)

    def _queue_text(self, record: Record) -> QueueMessage | Refusal:
        try:
            text = checked_text(record)
        except TextError as error:
            return Refusal(f"undecodable: {error}")
        headers: Headers = [
            (MESSAGE_ID, text_message_id_of(record, self._topic_name).encode()),
            (PUBLISH_TIME, b"%d" % (record.timestamp_ms // 1000)),
        ]
        headers += [(name, value) for name in (TAGS, TRACEPARENT) if (value := find_header(record.headers, name))]
        return QueueMessage(text, headers)

    def _event(self, record: Record) -> BatchEvent | Refusal | Unwanted:
        if record.value is None:
            return Refusal("undecodable: a record without a value")
        try:
            event = decode_avro(record.value, self._resolve)
        except AvroDecodeError as error:
            return Refusal(f"undecodable: {error}")
        return event if self._all or self._subscription.wants(event.name) else _UNWANTED


def passes_filters(one: Subscription, record: Record) -> bool:
    """Whether a record passes the subscription's filter tags and binding keys."""
    return matches(one.filter_tags, one.binding_keys, tags_of(record.headers), routing_key_of(record.headers))


def _traceparent(record: Record) -> bytes:
    """Of the record's publish; empty where there is none that can be sent along."""
    found = find_header(record.headers, TRACEPARENT)
    return found if found and valid(found) else b""


def event_id_of(record: Record, event: BatchEvent) -> str:
    """From the header; a producer that sent none gets the id that ours would have given."""
    header = find_header(record.headers, EVENT_ID)
    if header:
        return header.decode("utf-8", "replace")
    return event_id(event, RESOURCES[event.family].parse(event.batch).path())
