"""One input of one subscription: its thread, and all that works for it.

Shape   Ground is what the inputs of a process share; Input(ground, subscription, source, stop).start(), and close()
        once its thread has ended
Inputs  a subscription has two: the event topic, and the redrive topic once there is one
Stop    an input stops with its stop request, the process's or one of its subscription alone (PartStop)
Errors  an input that ends by itself stops the process; its name is in the log
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence

from adapters.attempt_log import AttemptLog
from adapters.attempt_spans import AttemptSpans
from adapters.callback.endpoint import HttpEndpoint
from adapters.delivery_handle import DeliveryHandle
from adapters.event_loop import EventLoopThread, LoopClock
from adapters.logs import LineWriter
from adapters.queue import QueueSubscriptionLoop
from adapters.registry_wait import RegistryWait, StoppedWaitingError
from adapters.settings import Settings
from adapters.start_check import StartCheck
from adapters.topic_wait import SAY_EVERY_S, TopicWait
from adapters.trace_log import TraceLog
from adapters.trace_writer import TraceWriter
from pipeline.cluster import Cluster
from pipeline.commit_gate import CommitGate
from pipeline.custody import Custody
from pipeline.delivery import Delivery
from pipeline.errors import PipelineError
from pipeline.health import Health
from pipeline.held_reader import KafkaHeldReader
from pipeline.held_record import EVENTS, REDRIVE
from pipeline.inbox import Inbox
from pipeline.ledger import OffsetLedger
from pipeline.log_reader import KafkaLogReader
from pipeline.metrics import Metrics
from pipeline.moves import Names
from pipeline.ports import DeadLetter, SourceListener
from pipeline.prepare import Preparation
from pipeline.room import Bounds
from pipeline.run_loop import HttpSubscriptionLoop
from pipeline.source import KafkaSource
from pipeline.stop import StopRequest, Worker
from pipeline.subscription import HttpPolicy, Subscription
from pipeline.topics import (
    dead_letter_topic,
    event_topic,
    held_topic,
    queue_topic,
    redrive_topic,
    subscription_group,
)
from pipeline.traceparent import recording_tracer
from pipeline.transactions import KafkaTransactions
from pipeline.transform import Transform
from schemas.avro import ResolveId

log = logging.getLogger(__name__)

REDRIVE_MEMBER = ".redrive"
"""Both inputs of a subscription are members of one group: what the second one adds to a group.instance.id."""

TRACE_FLUSH_S = 2.0
"""Of what is left of the grace period, the most that the last trace records may take."""

CreateTopics = Callable[[set[str]], None]
"""Is told what topics there are, and creates what is missing of those that it knows."""


class Ground:
    """What the inputs of a process share."""

    def __init__(
        self,
        settings: Settings,
        subscriptions: Sequence[Subscription],
        stop: StopRequest,
        metrics: Metrics,
        writer: LineWriter | None,
        resolve: ResolveId,
    ) -> None:
        """Make ready; the subscriptions are those of the file."""
        self.settings = settings
        self.stop = stop
        self.metrics = metrics
        self.writer = writer
        self.resolve = resolve
        self.cluster = Cluster(settings.kafka)
        self.health = Health()
        self.bounds = Bounds()
        self.waiting = TopicWait(self.cluster, stop)
        self.check = StartCheck(self.waiting.admin, subscriptions)
        traced = any(one.http is not None and one.http.trace for one in subscriptions)
        self.trace = TraceWriter(self.cluster, metrics.trace_dropped) if traced else None
        self.loop: EventLoopThread | None = None

    def with_loop(self) -> None:
        """Start the event loop, with the first HTTP subscription."""
        if self.loop is None:
            self.loop = EventLoopThread(self.stop)
            self.loop.start()

    def close(self, timeout_s: float) -> None:
        """End the event loop, with what it still has to do; then the traces."""
        if self.loop is not None:
            self.loop.end(timeout_s)
        if self.trace is not None:
            self.trace.close(min(TRACE_FLUSH_S, self.stop.left_s()))


class Input:
    """One input of one subscription, on a thread of its own."""

    def __init__(
        self,
        ground: Ground,
        subscription: Subscription,
        source: int,
        stop: StopRequest,
        create: CreateTopics | None = None,
    ) -> None:
        """Make ready.

        Args:
            stop: the process's, or that of this subscription.
            create: for one whose topics nobody else creates.
        """
        self.label = subscription.label
        self.name = subscription.label if source == EVENTS else f"{subscription.label} redrive"
        self.abandoned = False
        self._ground = ground
        self._one = subscription
        self._source = source
        self._stop = stop
        self._create = create
        self._vital = vital = ground.health.vital(self.name)
        ground.metrics.ready.add((subscription.label,), lambda: vital.ready)
        self._at_end: list[Callable[[], None]] = []
        """On the event loop's thread, when no attempt is out any more."""

        self._thread = threading.Thread(target=self._work, name=self.name, daemon=True)

    def start(self) -> None:
        """Begin."""
        if self._one.http is not None:
            self._ground.with_loop()
        self._thread.start()

    def join(self, timeout_s: float) -> bool:
        """Wait for its end; whether it has come."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def close(self) -> None:
        """Let go of what is left; its thread has ended, or is left behind."""
        if self._ground.loop is not None:
            for call in self._at_end:
                self._ground.loop.call(call)

    def forget(self) -> None:
        """It has ended while the process goes on."""
        self._ground.health.forget(self._vital)

    def _work(self) -> None:
        one = self._one
        try:
            topics = self._topics()
            if self._ground.waiting.until_there(topics, self._vital, self._stop, self._create):
                self._ground.check.of(one, self._topic, topics)
                worker = self._worker()
                worker.run()
                self.abandoned = bool(worker.abandoned)
        except StoppedWaitingError:
            self.abandoned = True
        except PipelineError as error:
            log.critical("subscription_failed", extra={"subscription": one.label, "error": str(error)})
            self._stop.part_died(one.label)

    @property
    def _topic(self) -> str:
        """What it reads."""
        one = self._one
        if self._source == REDRIVE:
            return redrive_topic(one.topic_name, one.name)
        return event_topic(one.topic_name, self._ground.settings.topics.prefix)

    def _topics(self) -> list[str]:
        """What must be there before it begins."""
        one = self._one
        own = queue_topic(one.queue_name) if one.http is None else held_topic(one.topic_name, one.name)
        event = event_topic(one.topic_name, self._ground.settings.topics.prefix)
        return [event, own, dead_letter_topic(one.topic_name, one.name)]

    def _worker(self) -> Worker:
        if self._one.http is not None:
            return self._http_worker(self._one.http)
        return QueueSubscriptionLoop(
            self._one,
            self._make_source,
            self._transactions(),
            self._transform(),
            self._stop,
            self._vital,
            self._ground.metrics,
            self._topic,
        )

    def _transform(self) -> Transform:
        resolve = RegistryWait(self._ground.resolve, self._stop, self._vital)
        return Transform(self._one, self._ground.settings.topic_owner, resolve)

    def _transactions(self) -> KafkaTransactions:
        group = subscription_group(self._one.topic_name, self._one.name)
        return KafkaTransactions(self._ground.cluster, f"{group}.{self._source}", self._goes_on, group)

    def _goes_on(self) -> bool:
        """Whether a call without a verdict is to be made again."""
        self._vital.turned()
        return not self._stop.requested or self._stop.left_s() > 0

    def _make_source(self, listener: SourceListener) -> KafkaSource:
        one, vital = self._one, self._vital
        group = subscription_group(one.topic_name, one.name)
        suffix = REDRIVE_MEMBER if self._source == REDRIVE else ""
        said_s = float("-inf")

        def on_trouble(reason: str | None) -> None:
            nonlocal said_s
            vital.trouble(reason)
            if reason is not None and time.monotonic() - said_s >= SAY_EVERY_S:
                said_s = time.monotonic()
                log.error("not_ready", extra={"subscription": one.label, "reason": reason})

        return KafkaSource(self._ground.cluster, self._topic, group, one.start, listener, on_trouble, suffix)

    def _http_worker(self, policy: HttpPolicy) -> Worker:
        ground, one, source = self._ground, self._one, self._source
        cluster, metrics, loop = ground.cluster, ground.metrics, ground.loop
        assert loop is not None  # noqa: S101  start() has seen to it
        gate = CommitGate(*cluster.session_s())
        if gate.fault is not None:
            raise PipelineError(f"kafka: {gate.fault}")
        prepare = Preparation(self._transform(), metrics.filtered.labels(one.label).inc)
        clock, inbox = LoopClock(loop.loop), Inbox()
        trace = TraceLog(one.label, source, clock, ground.trace) if ground.trace is not None and policy.trace else None
        attempts = AttemptLog(one.label, policy.retry.retries + 1, clock, metrics, ground.writer, trace)
        endpoint = HttpEndpoint(policy, loop.loop)
        self._at_end += [endpoint.close, attempts.flush, *([trace.end] if trace is not None else [])]
        tracer = recording_tracer()
        spans = None if tracer is None else AttemptSpans(tracer, one, policy, self._topic)
        delivery = Delivery(policy, endpoint, clock, gate, inbox, attempts.add, prepare, spans)
        side = DeliveryHandle(delivery, loop, attempts, inbox)
        self._watch(delivery)
        held, letters = held_topic(one.topic_name, one.name), dead_letter_topic(one.topic_name, one.name)
        names = Names(self._topic, held, letters, source)
        written = metrics.dead_letters.labels(one.label)

        def on_written(letters: list[DeadLetter]) -> None:
            written.inc(len(letters))
            if trace is not None:
                loop.call(lambda: trace.buried(letters))

        def make_custody(worker: HttpSubscriptionLoop, ledger: OffsetLedger) -> Custody:
            reader = KafkaLogReader(cluster, names.events)
            return Custody(names, ledger, side, reader, self._transactions(), worker.to_item, worker.accept, on_written)

        return HttpSubscriptionLoop(
            one,
            self._make_source,
            make_custody,
            KafkaHeldReader(cluster, names.held),
            prepare,
            side,
            inbox,
            gate,
            self._stop,
            self._vital,
            metrics,
            source,
            ground.bounds,
        )

    def _watch(self, delivery: Delivery) -> None:
        """Values that are read when somebody asks; each input has a limit and a breaker, the events' are told."""
        label, metrics = self._one.label, self._ground.metrics
        metrics.trace_dropped.labels(label)  # told from the start, as 0
        metrics.in_flight.add((label,), lambda: delivery.in_flight)
        if self._source == EVENTS:
            metrics.limit.add((label,), lambda: delivery.limit.limit)
            metrics.watch_state(label, lambda: delivery.breaker.told)
