"""A span for each record that LifecycleProducer publishes, and its context in the record's `traceparent`.

Shape   PublishSpans(tracer).begin(topic, key, event id, traceparent) -> span; headers_of(span, …); ended(span, why)
Parent  the change's own traceparent, else whatever span is current where publish is called
End     with the delivery report: a record that was not acknowledged is an error
Source  OpenTelemetry's conventions for messaging, Kafka
"""

from opentelemetry import trace
from opentelemetry.trace import NonRecordingSpan, Span, SpanKind, StatusCode, Tracer

from pipeline.headers import TRACEPARENT, Headers
from pipeline.traceparent import parsed, written


class PublishSpans:
    """Of one producer."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer

    def begin(self, topic: str, key: bytes, event_id: str, traceparent: str | None) -> Span:
        """A record is about to be queued."""
        parent = None if traceparent is None else parsed(traceparent.encode())
        return self._tracer.start_span(
            f"send {topic}",
            None if parent is None else trace.set_span_in_context(NonRecordingSpan(parent)),
            SpanKind.PRODUCER,
            {
                "messaging.system": "kafka",
                "messaging.operation.name": "send",
                "messaging.operation.type": "send",
                "messaging.destination.name": topic,
                "messaging.kafka.message.key": key.decode("utf-8", "replace"),
                "messaging.message.id": event_id,
            },
        )

    @staticmethod
    def headers_of(span: Span, headers: Headers) -> Headers:
        """The record's headers, with this span's context; one that is not sampled leaves an own traceparent alone."""
        context = span.get_span_context()
        others = [one for one in headers if one[0] != TRACEPARENT]
        if not context.is_valid or (not span.is_recording() and len(others) < len(headers)):
            return headers
        return [*others, (TRACEPARENT, written(context))]

    @staticmethod
    def ended(span: Span, failure: str | None) -> None:
        """The record is acknowledged, or this is why it is not."""
        if failure is not None:
            span.set_status(StatusCode.ERROR, failure)
        span.end()
