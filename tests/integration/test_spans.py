"""One event through OpenTelemetry: published, attempted twice, and each of the three told where it belongs."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from os import environ
from pathlib import Path

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from adapters.settings_file import load_settings
from adapters.wiring import Delivering
from pipeline import Change, LifecycleProducer, ProducerSettings
from pipeline.stop import StopRequest
from pipeline.traceparent import parsed, written
from schemas import Job
from tests.brokers.broker import Broker
from tests.harness.command import invoke, wait_until
from tests.harness.kafka import read_all
from tests.harness.sink import Sink
from tests.integration.changes import TIME, job_line, text_of
from tests.integration.setting import Setting

pytestmark = pytest.mark.real_broker

CALLERS = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    """The SDK, for this test alone: a provider that is set as usual is there for ever."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", provider)
    yield exporter
    provider.shutdown()


def publish(setting: Setting, traceparent: str | None) -> None:
    change = Change(
        "ap-guangzhou", TIME, "RUNNING", Job(JobId="job-1", JobName="test job"), "STARTING", traceparent=traceparent
    )
    wanted = [{"TopicName": setting.topic, "EventConfigs": [{"EventName": "JOB_RUNNING"}]}]
    with LifecycleProducer(ProducerSettings({"bootstrap.servers": setting.servers})) as producer:
        assert producer.publish(change, wanted) == 1


@contextmanager
def delivering(setting: Setting) -> Iterator[None]:
    """`run`, in this process."""
    settings, stop = load_settings(setting.file, environ), StopRequest(10)
    process = Delivering(settings, [one.subscription() for one in settings.subscriptions], stop, None)
    thread = threading.Thread(target=process.run)
    thread.start()
    yield
    stop.request()
    thread.join(30)
    assert not thread.is_alive()


def attributes(span: ReadableSpan) -> dict[str, object]:
    return dict(span.attributes or {})


def fails_once(_path: str, _msg_id: str, attempt: int) -> int:
    return 503 if attempt == 1 else 200


def test_an_event_is_published_in_a_span_and_each_attempt_is_linked_to_it_and_tells_the_endpoint(
    broker: Broker, unique: Callable[[str], str], tmp_path: Path, spans: InMemorySpanExporter
) -> None:
    with Sink(fails_once) as sink:
        setting = Setting(tmp_path, broker.bootstrap_servers, unique("job-message"))
        setting.http("billing", sink.url("/"), retry_schedule_s=[0.05])
        setting.create_topics()
        publish(setting, CALLERS)
        with delivering(setting):
            wait_until(lambda: sink.accepted("/") == 1, "the second attempt")
        requests = sink.of("/")
    (record,) = read_all(setting.servers, setting.event_topic)

    (send,) = (span for span in spans.get_finished_spans() if span.kind is SpanKind.PRODUCER)
    first, second = (span for span in spans.get_finished_spans() if span.kind is SpanKind.CLIENT)
    assert send.context is not None
    assert send.parent == parsed(CALLERS.encode()), "the change's own span is the parent"
    assert attributes(send)["messaging.destination.name"] == setting.event_topic
    assert record.headers["traceparent"] == written(send.context)

    for number, span, request in ((1, first, requests[0]), (2, second, requests[1])):
        assert [link.context for link in span.links] == [parsed(record.headers["traceparent"])]
        assert span.parent is None
        assert span.context is not None
        assert request.headers["traceparent"] == written(span.context).decode()
        told = attributes(span)
        assert (told["batch_events.attempt"], told["http.request.resend_count"]) == (number, number - 1)
        assert (told["messaging.message.id"], told["messaging.kafka.offset"]) == (request.msg_id, record.offset)
    outcomes = [(attributes(one)["batch_events.outcome"], one.status.status_code) for one in (first, second)]
    assert outcomes == [("failed", StatusCode.ERROR), ("delivered", StatusCode.UNSET)]
    assert [attributes(one)["http.response.status_code"] for one in (first, second)] == [503, 200]


@pytest.mark.parametrize("traceparent", [CALLERS, None, "00-not-one", f"{CALLERS}\r\nX-Smuggled: 1"])
def test_where_nobody_records_the_records_traceparent_is_passed_on_if_it_is_one(
    broker: Broker, unique: Callable[[str], str], tmp_path: Path, traceparent: str | None
) -> None:
    with Sink() as sink:
        setting = Setting(tmp_path, broker.bootstrap_servers, unique("job-message"))
        setting.http("billing", sink.url("/"))
        setting.create_topics()
        publish(setting, traceparent)
        with delivering(setting):
            wait_until(lambda: sink.accepted("/") == 1, "the delivery")
        (request,) = sink.of("/")
    assert request.headers.get("traceparent") == (CALLERS if traceparent == CALLERS else None)
    assert "x-smuggled" not in request.headers


def test_publish_and_run_export_to_the_collector_that_the_environment_names(
    broker: Broker, unique: Callable[[str], str], tmp_path: Path
) -> None:
    with Sink() as sink, Sink() as collector:
        env = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url(""), "OTEL_BSP_SCHEDULE_DELAY": "100"}
        setting = Setting(tmp_path, broker.bootstrap_servers, unique("job-message"))
        setting.http("billing", sink.url("/"))
        setting.create_topics()
        told = ("--config", setting.file, "--notifications", setting.notifications())
        assert invoke("publish", *told, stdin=text_of(job_line("job-1")), env=env).status == 0
        with setting.run(env=env) as running:
            wait_until(lambda: sink.accepted("/") == 1, "the delivery", alive=[running])
            assert running.terminate() == 0
        exported = b"".join(request.body for request in collector.of("/v1/traces"))
    assert f"send {setting.event_topic}".encode() in exported
    assert f"deliver {setting.topic}/billing".encode() in exported
    assert b"batch-events" in exported


def test_a_collector_that_does_not_answer_holds_no_stop_up(
    broker: Broker, unique: Callable[[str], str], tmp_path: Path
) -> None:
    with Sink() as sink:
        setting = Setting(tmp_path, broker.bootstrap_servers, unique("job-message"), stop_grace_s=5)
        setting.http("billing", sink.url("/"))
        setting.create_topics()
        assert setting.publish(text_of(job_line("job-1"))).status == 0
        with setting.run(env={"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}) as running:
            wait_until(lambda: sink.accepted("/") == 1, "the delivery", alive=[running])
            assert running.terminate(timeout_s=15) == 0
