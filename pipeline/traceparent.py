"""W3C trace context: the `traceparent` of records and requests, and whether anybody records spans at all.

Shape   valid(value) before it is passed on; parsed(value) -> SpanContext, written(context) -> value;
        recording_tracer() -> a tracer, or None where no provider is set up
Cost    without a provider no span, link or context is made: who starts asks once, and wires nothing in
Source  W3C Trace Context, version 00; tracestate is not kept
"""

import re

from opentelemetry import trace
from opentelemetry.trace import NoOpTracerProvider, ProxyTracerProvider, SpanContext, TraceFlags, Tracer

_FORM = re.compile(rb"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


def valid(value: bytes) -> bool:
    """Whether it is one: then it is also safe in a line of a request's head."""
    return _FORM.fullmatch(value) is not None


def parsed(value: bytes) -> SpanContext | None:
    """What it says; None if it is none."""
    if not valid(value):
        return None
    _, trace_id, span_id, flags = value.split(b"-")
    return SpanContext(int(trace_id, 16), int(span_id, 16), is_remote=True, trace_flags=TraceFlags(int(flags, 16)))


def written(context: SpanContext) -> bytes:
    """As a header."""
    return b"00-%032x-%016x-%02x" % (context.trace_id, context.span_id, context.trace_flags)


def recording_tracer() -> Tracer | None:
    """The tracer of whoever has set up a provider before."""
    provider = trace.get_tracer_provider()
    if isinstance(provider, NoOpTracerProvider | ProxyTracerProvider):
        return None
    return provider.get_tracer("batch-events")
