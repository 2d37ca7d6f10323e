"""A record of an event topic -> what a subscriber gets: the hot path of both adapters.

Shape   Transform(subscription, …).push(record) -> Push | Refusal | Unwanted, .queue_message(record) likewise
Cost    one Avro decode, one JSON encode, one Base64; nothing is validated again
Errors  none: what cannot be decoded is a Refusal, and goes to the dead letters
"""

import msgspec

from pipeline.headers import EVENT_ID, TRACEPARENT, Headers, find_header
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

MESSAGE_ID = "cmq_msg_id"
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
        self._text = message_body
        self._form: PushForm | None = None
        if subscription.http is not None:
            http = subscription.http
            self._form = PushForm(topic_owner, subscription.topic_name, subscription.name, http.content_format)
            self._text = message_text if http.body_encoding is BodyEncoding.PLAIN else message_body

    def ahead(self, record: Record) -> str | None:
        """Have the registry tell a schema that is not known yet, on a thread that may wait; why a record is refused."""
        value = record.value
        if value is None or value[:1] != REGISTRY_MARKER or len(value) < 5:
            return None
        try:
            self._resolve(int.from_bytes(value[1:5], "big"))
        except AvroDecodeError as error:
            return f"undecodable: {error}"
        return None

    def push(self, record: Record) -> Push | Refusal | Unwanted:
        """For an HTTP subscriber."""
        event = self._event(record)
        if not isinstance(event, BatchEvent):
            return event
        assert self._form is not None  # noqa: S101  wiring gives HTTP subscriptions only
        try:
            msg_id = message_id(event_id_of(record, event), self._topic_name)
        except ResourceError as error:
            return Refusal(f"no identity: {error}")
        body = self._form.body(msg_id, self._text(event), record.timestamp_ms // 1000)
        traceparent = find_header(record.headers, TRACEPARENT)
        return Push(msg_id, body, traceparent if traceparent and valid(traceparent) else b"")

    def queue_message(self, record: Record) -> QueueMessage | Refusal | Unwanted:
        """For a queue subscriber."""
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

    def _event(self, record: Record) -> BatchEvent | Refusal | Unwanted:
        if record.value is None:
            return Refusal("undecodable: a record without a value")
        try:
            event = decode_avro(record.value, self._resolve)
        except AvroDecodeError as error:
            return Refusal(f"undecodable: {error}")
        return event if self._all or self._subscription.wants(event.name) else _UNWANTED


def event_id_of(record: Record, event: BatchEvent) -> str:
    """From the header; a producer that sent none gets the id that ours would have given."""
    header = find_header(record.headers, EVENT_ID)
    if header:
        return header.decode("utf-8", "replace")
    return event_id(event, RESOURCES[event.family].parse(event.batch).path())
