"""LifecycleProducer: state changes into Kafka.

Shape   with LifecycleProducer(settings) as producer:
            producer.publish(change, notifications)              queued; acknowledged by flush() or the end of `with`
            await producer.publish_async(change, notifications)  returns when every record is acknowledged
Kafka   idempotent, acks=all; every delivery report is seen. Memory is bounded by queue.buffering.max.*: a full queue
        makes publish wait, never raise BufferError
Errors  ChangeError, NotificationsError, AvroEncodeError, TopicMissingError, DeliveryFailedError before or instead of a
        record; flush and close raise DeliveryFailedError if anything was published and not acknowledged
Time    a flush that gave up and the close behind it share one deadline: what was waited for is not waited for again
Spans   one a record, where an OpenTelemetry provider was set up before the producer was made (publish_spans.py)
Threads publish may be called from any thread; reports arrive on the thread that polls
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from types import TracebackType
from typing import Any, Self

import msgspec
from confluent_kafka import KafkaError, KafkaException, Message, Producer
from opentelemetry.trace import Span

from pipeline.cluster import Cluster
from pipeline.errors import DeliveryFailedError, TopicMissingError
from pipeline.headers import Headers, event_headers
from pipeline.kafka_errors import describe, kafka_error
from pipeline.lifecycle import Change, event_of
from pipeline.matching import Matcher
from pipeline.publish_spans import PublishSpans
from pipeline.shown import shown
from pipeline.topics import DEFAULT_PREFIX, event_topic
from pipeline.traceparent import recording_tracer
from schemas.avro import AvroEncoder
from schemas.events import Family
from schemas.identity import event_id
from schemas.notifications import Notification, parse_notifications

log = logging.getLogger(__name__)

OnDelivery = Callable[[str | None], None]
"""Called once a record: None when it is acknowledged, else the reason it was not."""

_KEPT_EXAMPLES = 10
_KEPT_MATCHERS = 1024
_POLL_EVERY = 256


class ProducerSettings(msgspec.Struct, frozen=True):
    """What a LifecycleProducer needs.

    Attributes:
        kafka: librdkafka properties; `bootstrap.servers` at least.
        prefix: of the Kafka topics that stand for CMQ topics.
        connect_timeout_s: how long to wait for a broker that does not answer.
        flush_timeout_s: how long flush and close wait for the last acknowledgements, both together.
        registry_ids: schema registry ids by family; None for single-object encoding.
    """

    kafka: dict[str, Any]
    prefix: str = DEFAULT_PREFIX
    connect_timeout_s: float = 10.0
    flush_timeout_s: float = 60.0
    registry_ids: dict[Family, int] | None = None

    def __repr__(self) -> str:
        """Without the properties, among which there may be a password."""
        return shown(self, hidden={"kafka"})


class LifecycleProducer:
    """Publishes the event of each change to every topic that asked for it."""

    def __init__(self, settings: ProducerSettings) -> None:
        self._settings = settings
        self._cluster = Cluster(settings.kafka)
        self._encoder = AvroEncoder(settings.registry_ids)
        self._producer = Producer(self._cluster.producer_config(logger=log))
        tracer = recording_tracer()
        self._spans = None if tracer is None else PublishSpans(tracer)
        self._topics: dict[str, str] = {}
        self._matchers: dict[int, tuple[object, Matcher]] = {}
        self._since_poll = 0
        self._wait_until_s: float | None = None
        self._failed = 0
        self._examples: list[str] = []
        self._fatal: KafkaError | None = None
        """Nothing can be published any more; such as a producer without any right to write."""

        self.acknowledged = 0
        self._poller = _Poller(self._serve)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def publish(
        self,
        change: Change,
        notifications: Sequence[Notification] | object,
        on_delivery: OnDelivery | None = None,
    ) -> int:
        """Queue the event of a change for every topic that asked for it.

        Args:
            change: the transition.
            notifications: as parse_notifications returns them, or anything that it reads. Pass the same object for
                the same job: it is compiled once.
            on_delivery: called once for each record; a failure told there still counts for flush and close.

        Returns:
            The number of records queued; 0 if the change is no event or nobody asked for it.

        Raises:
            ChangeError, NotificationsError, AvroEncodeError: refused, nothing was queued.
            TopicMissingError, TopicRefusedError, BrokerUnreachableError, AccessRefusedError: Kafka cannot take it.
        """
        event = event_of(change)
        if event is None:
            return 0
        targets = self._matcher(notifications).targets(event.name)
        if not targets:
            return 0
        an_id = event_id(event, change.resource.path())
        headers = event_headers(event, change, an_id)
        key = change.resource.key().encode()
        topics = [self._kafka_topic(target.topic_name) for target in targets]
        values = [
            self._encoder.encode(
                msgspec.structs.replace(event, event_vars=target.event_vars) if target.event_vars else event
            )
            for target in targets
        ]
        report = self._report if on_delivery is None else partial(self._report_to, on_delivery)
        for topic, value in zip(topics, values, strict=True):
            if self._spans is None:
                self._produce(topic, key, value, headers, report)
            else:
                span = self._spans.begin(topic, key, an_id, change.traceparent)
                self._produce_in(span, topic, key, value, self._spans.headers_of(span, headers), report)
        return len(targets)

    async def publish_async(self, change: Change, notifications: Sequence[Notification] | object) -> int:
        """Publish, and return when every record of the change is acknowledged.

        Raises:
            DeliveryFailedError: a record was refused or not acknowledged in time; and whatever publish raises.
        """
        loop = asyncio.get_running_loop()
        reports: asyncio.Queue[str | None] = asyncio.Queue()
        self._poller.start()

        def on_delivery(failure: str | None) -> None:
            loop.call_soon_threadsafe(reports.put_nowait, failure)

        # A full queue makes publish wait, so it must not wait on the event loop.
        count = await asyncio.to_thread(self.publish, change, notifications, on_delivery)
        failures = [failure for _ in range(count) if (failure := await reports.get()) is not None]
        if failures:
            raise DeliveryFailedError(len(failures), failures)
        return count

    def flush(self) -> None:
        """Wait until everything published is acknowledged.

        Raises:
            DeliveryFailedError: something was not, since the last flush.
        """
        waiting = self._wait()
        failed, examples = self._failed + waiting, self._examples
        if waiting:
            examples = [*examples, f"{waiting} without an answer after {self._settings.flush_timeout_s:g} s"]
        self._failed, self._examples = 0, []
        if failed:
            raise DeliveryFailedError(failed, examples)

    def _wait(self) -> int:
        """Wait for the acknowledgements; how many are missing when the time is over."""
        now_s = time.monotonic()
        until_s = self._wait_until_s or now_s + self._settings.flush_timeout_s
        try:
            waiting = self._producer.flush(max(0.0, until_s - now_s))
        except KafkaException as error:  # a fatal one, told once: the records' own reports follow
            self._fatal = kafka_error(error)
            waiting = self._producer.flush(max(0.0, until_s - time.monotonic()))
        self._wait_until_s = until_s if waiting else None
        return waiting

    def close(self) -> None:
        """Flush, then let go of the client.

        Raises:
            DeliveryFailedError: as flush.
        """
        try:
            self.flush()
        finally:
            self._poller.stop()
            self._producer.purge(in_queue=True, in_flight=True, blocking=False)
            self._producer.close()

    def _matcher(self, notifications: object) -> Matcher:
        # By identity: a set of notifications is long, and compared for every event of a job.
        known = self._matchers.get(id(notifications))
        if known is not None and known[0] is notifications:
            return known[1]
        parsed = (
            notifications
            if isinstance(notifications, tuple) and all(isinstance(n, Notification) for n in notifications)
            else parse_notifications(notifications)
        )
        matcher = Matcher(parsed)
        if len(self._matchers) >= _KEPT_MATCHERS:
            self._matchers.clear()
        self._matchers[id(notifications)] = (notifications, matcher)
        return matcher

    def _kafka_topic(self, topic_name: str) -> str:
        """The Kafka topic of a CMQ topic, once it was seen on the cluster."""
        known = self._topics.get(topic_name)
        if known is not None:
            return known
        name = event_topic(topic_name, self._settings.prefix)
        try:
            existing = self._producer.list_topics(timeout=self._settings.connect_timeout_s).topics
        except KafkaException as error:
            self._serve(0)  # a refusal is told to the client's callback alone
            raise self._cluster.explain(error) from error
        if name not in existing:
            raise self._cluster.topic_refused([name]) or TopicMissingError(name, topic_name)
        self._topics[topic_name] = name
        return name

    def _produce_in(
        self, span: Span, topic: str, key: bytes, value: bytes, headers: Headers, report: Callable[..., None]
    ) -> None:
        """Produce within a span, which ends with the delivery report."""

        def reported(error: KafkaError | None, message: Message) -> None:
            PublishSpans.ended(span, None if error is None else describe(error))
            report(error, message)

        try:
            self._produce(topic, key, value, headers, reported)
        except DeliveryFailedError as error:
            PublishSpans.ended(span, str(error))
            raise

    def _produce(
        self,
        topic: str,
        key: bytes,
        value: bytes,
        headers: Headers,
        report: Callable[..., None],
    ) -> None:
        self._wait_until_s = None  # a new record has its own time
        self._since_poll += 1
        if self._since_poll >= _POLL_EVERY:
            self._since_poll = 0
            self._serve(0)
        while True:
            try:
                self._producer.produce(topic, value, key, on_delivery=report, headers=headers)
            except BufferError:
                self._serve(0.05)
            except KafkaException as error:
                reason = describe(self._fatal or error)
                raise DeliveryFailedError(1, [f"{topic} {key.decode()}: {reason}"]) from error
            else:
                return

    def _serve(self, timeout_s: float) -> None:
        """Hear what the client has to say; a fatal error is told once, by an exception."""
        try:
            self._producer.poll(timeout_s)
        except KafkaException as error:
            self._fatal = kafka_error(error)

    def _report(self, error: KafkaError | None, message: Message) -> None:
        if error is None:
            self.acknowledged += 1
            return
        self._failed += 1
        if len(self._examples) < _KEPT_EXAMPLES:
            self._examples.append(_failure(error, message))

    def _report_to(self, on_delivery: OnDelivery, error: KafkaError | None, message: Message) -> None:
        self._report(error, message)
        on_delivery(None if error is None else _failure(error, message))


def _failure(error: KafkaError, message: Message) -> str:
    return f"{message.topic()} {(message.key() or b'').decode(errors='replace')}: {describe(error)}"


class _Poller:
    """Serves delivery reports while the caller waits on an event loop; sleeps unless publish_async is used."""

    def __init__(self, serve: Callable[[float], None]) -> None:
        self._serve = serve
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="producer-reports", daemon=True)
                self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            self._serve(0.1)
