"""OpenTelemetry's SDK, set up from its own environment, where it is installed and somebody asks for it.

Shape   set_up() before anything that makes spans; end(budget_s) exports what is left
Asked   by OTEL_TRACES_EXPORTER (otlp, console; none for nothing) or by an endpoint, OTEL_EXPORTER_OTLP_ENDPOINT or
        OTEL_EXPORTER_OTLP_TRACES_ENDPOINT; OTEL_SDK_DISABLED=true turns it off. Sampler, batches, headers and resource
        are the SDK's own variables; the service is `batch-events` where none is named
Errors  none: what cannot be set up or exported is said in the log, and stops nothing
"""

import logging
import os
import threading
from collections.abc import Callable, Mapping

from opentelemetry import trace

log = logging.getLogger(__name__)

EXPORTER = "OTEL_TRACES_EXPORTER"
ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
EXPORTERS = ("otlp", "console")


def wanted(environ: Mapping[str, str]) -> str | None:
    """The exporter that the environment asks for."""
    if environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return None
    named = environ.get(EXPORTER) or ("otlp" if any(environ.get(name) for name in ENDPOINTS) else "none")
    return None if named == "none" else named


def set_up() -> Callable[[float], None]:
    """Set a provider up, if one is asked for; returns what ends it within so many seconds."""
    exporter = wanted(os.environ)
    if exporter is None:
        return lambda _budget_s: None
    if exporter not in EXPORTERS:
        log.warning(
            "traces_not_exported", extra={"reason": f"{EXPORTER}={exporter}: allowed: none, {', '.join(EXPORTERS)}"}
        )
        return lambda _budget_s: None
    try:
        shutdown = _set_up(exporter)
    except ImportError as error:
        reason = f"needs the extra `otel` of batch-events, which is not installed ({error.name} is missing)"
        log.warning("traces_not_exported", extra={"reason": reason})
        return lambda _budget_s: None
    log.info("traces_exported", extra={"exporter": exporter})
    return lambda budget_s: _end(shutdown, budget_s)


def _set_up(exporter: str) -> Callable[[], None]:
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415  comes with an extra
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter, SpanExporter  # noqa: PLC0415

    to: SpanExporter
    if exporter == "console":
        to = ConsoleSpanExporter()
    else:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415

        to = OTLPSpanExporter()
    named = "OTEL_SERVICE_NAME" in os.environ or "service.name" in os.environ.get("OTEL_RESOURCE_ATTRIBUTES", "")
    resource = Resource.create({} if named else {"service.name": "batch-events"})
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)  # an exit must not wait for a collector
    provider.add_span_processor(BatchSpanProcessor(to))
    trace.set_tracer_provider(provider)
    return provider.shutdown


def _end(shutdown: Callable[[], None], budget_s: float) -> None:
    """A collector that does not answer holds a shutdown up for long: leave it behind then."""
    thread = threading.Thread(target=shutdown, name="telemetry", daemon=True)
    thread.start()
    thread.join(budget_s)
    if thread.is_alive():
        log.warning("traces_not_exported", extra={"reason": f"no answer within {budget_s:g} s"})
