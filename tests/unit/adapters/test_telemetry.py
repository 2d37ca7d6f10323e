"""Whether the environment asks for spans, and what is said where it asks for what is not there."""

import logging
import sys

import pytest
from opentelemetry import trace

from adapters import telemetry
from adapters.telemetry import wanted


@pytest.mark.parametrize(
    ("environ", "exporter"),
    [
        ({}, None),
        ({"OTEL_TRACES_EXPORTER": "none"}, None),
        ({"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318"}, None),
        ({"OTEL_SERVICE_NAME": "x"}, None),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, "otlp"),
        ({"OTEL_TRACES_EXPORTER": "console"}, "console"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318"}, "otlp"),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://c:4318/v1/traces"}, "otlp"),
        ({"OTEL_TRACES_EXPORTER": "otlp", "OTEL_SDK_DISABLED": "true"}, None),
    ],
)
def test_the_environment_says_whether_spans_are_wanted(environ: dict[str, str], exporter: str | None) -> None:
    assert wanted(environ) == exporter


@pytest.mark.parametrize(
    ("exporter", "missing", "reason"),
    [
        ("zipkin", None, "OTEL_TRACES_EXPORTER=zipkin: allowed: none, otlp, console"),
        ("otlp", "opentelemetry.sdk.trace", "needs the extra `otel` of batch-events, which is not installed"),
    ],
)
def test_what_cannot_be_set_up_is_said_and_stops_nothing(
    exporter: str,
    missing: str | None,
    reason: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", exporter)
    if missing is not None:
        monkeypatch.setitem(sys.modules, missing, None)
    before = trace.get_tracer_provider()
    telemetry.set_up()(0.0)
    (said,) = (record for record in caplog.records if record.name == "adapters.telemetry")
    assert said.getMessage() == "traces_not_exported"
    assert vars(said)["reason"].startswith(reason)
    assert trace.get_tracer_provider() is before
