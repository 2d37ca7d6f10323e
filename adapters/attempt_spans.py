"""A span for each attempt of an HTTP subscription, linked to the span that published the event.

Shape   AttemptSpans keeps the Spans port of the delivery: begin(item) -> the push to send, ended(item, outcome)
Linked  not a child: an event is published once, attempted by several subscriptions, hours later perhaps
Sent    the attempt's own context goes to the endpoint as `traceparent`; of an attempt that is not sampled the record's
Source  OpenTelemetry's conventions for messaging and HTTP. The endpoint's path is not told: it may hold a token
"""

from urllib.parse import urlsplit

import msgspec
from opentelemetry.context import Context
from opentelemetry.trace import Link, Span, SpanKind, StatusCode, Tracer

from pipeline.item import Item
from pipeline.outcome import Outcome, outcome_words
from pipeline.ports import Push
from pipeline.subscription import HttpPolicy, Subscription
from pipeline.topics import subscription_group
from pipeline.trace_record import DELIVERED
from pipeline.traceparent import parsed, written


class AttemptSpans:
    """Of one input of a subscription."""

    def __init__(self, tracer: Tracer, subscription: Subscription, policy: HttpPolicy, topic: str) -> None:
        url = urlsplit(policy.endpoint)
        self._tracer = tracer
        self._name = f"deliver {subscription.label}"
        self._out: dict[int, Span] = {}
        self._shared: dict[str, str | int] = {
            "messaging.system": "kafka",
            "messaging.operation.name": "deliver",
            "messaging.operation.type": "process",
            "messaging.destination.name": topic,
            "messaging.consumer.group.name": subscription_group(subscription.topic_name, subscription.name),
            "http.request.method": "POST",
            "server.address": url.hostname or "",
            "server.port": url.port or (443 if url.scheme == "https" else 80),
        }

    def begin(self, item: Item) -> Push:
        """An attempt begins."""
        record, push = item.record, item.push
        published = parsed(push.traceparent)
        span = self._tracer.start_span(
            self._name,
            Context(),
            SpanKind.CLIENT,
            {
                **self._shared,
                "messaging.destination.partition.id": str(record.partition),
                "messaging.kafka.offset": record.offset,
                "messaging.kafka.message.key": (record.key or b"").decode("utf-8", "replace"),
                "messaging.message.id": push.msg_id,
                "http.request.resend_count": item.attempts - 1,
                "batch_events.attempt": item.attempts,
            },
            [] if published is None else [Link(published)],
        )
        self._out[id(item)] = span
        if not span.is_recording():
            return push
        return msgspec.structs.replace(push, traceparent=written(span.get_span_context()))

    def ended(self, item: Item, outcome: Outcome) -> None:
        """The attempt has ended."""
        span = self._out.pop(id(item))
        word, status, reason = outcome_words(outcome)
        span.set_attribute("batch_events.outcome", word)
        if status is not None:
            span.set_attribute("http.response.status_code", status)
        if word != DELIVERED:
            span.set_attribute("error.type", word if status is None else str(status))
            span.set_status(StatusCode.ERROR, reason or word)
        span.end()
