"""What is a traceparent, and whether anybody records spans."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import NoOpTracerProvider, SpanContext, TraceFlags

from pipeline.traceparent import parsed, recording_tracer, valid, written

ONE = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@given(st.integers(1, 2**128 - 1), st.integers(1, 2**64 - 1), st.sampled_from([0, 1]))
def test_what_is_written_is_read_back(trace_id: int, span_id: int, flags: int) -> None:
    context = SpanContext(trace_id, span_id, is_remote=True, trace_flags=TraceFlags(flags))
    assert parsed(written(context)) == context


@pytest.mark.parametrize(
    "value",
    [
        b"",
        ONE[:-1],
        ONE + b"\r\n",
        ONE + b"\n",
        ONE + b"-more",
        ONE.upper(),
        b"ff" + ONE[2:],
        b"00-" + b"0" * 32 + ONE[35:],
        ONE[:36] + b"0" * 16 + b"-01",
        ONE.replace(b"-", b" "),
    ],
)
def test_anything_else_is_none_and_not_passed_on(value: bytes) -> None:
    assert valid(ONE)
    assert not valid(value)
    assert parsed(value) is None


def test_a_provider_records_and_without_one_nobody_does(monkeypatch: pytest.MonkeyPatch) -> None:
    assert recording_tracer() is None
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", NoOpTracerProvider())
    assert recording_tracer() is None
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", TracerProvider(shutdown_on_exit=False))
    assert recording_tracer() is not None
