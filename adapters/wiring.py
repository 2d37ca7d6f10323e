"""Puts the parts of `run` together, and takes them apart again.

Shape   Delivering(settings, …).run() -> exit status: start, wait for the stop request, drain, in that order
Parts   one thread a subscription, one event loop for all HTTP ones, one server for the probes
Errors  a part that ends by itself stops the process; its name is in the log and the exit status is 4
"""

import logging
import threading
import time
from collections.abc import Callable

from prometheus_client import CollectorRegistry

from adapters.attempt_log import AttemptLog
from adapters.attempt_spans import AttemptSpans
from adapters.callback.endpoint import HttpEndpoint
from adapters.descriptor_limit import raise_limit
from adapters.event_loop import EventLoopThread, LoopClock
from adapters.http_server import HealthServer
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
from pipeline.health import Health, Vital
from pipeline.held_reader import KafkaHeldReader
from pipeline.held_record import EVENTS, REDRIVE
from pipeline.inbox import Collected, Inbox
from pipeline.item import Item
from pipeline.ledger import OffsetLedger
from pipeline.log_reader import KafkaLogReader
from pipeline.metrics import Metrics
from pipeline.moves import Names
from pipeline.ports import DeadLetter
from pipeline.prepare import Preparation
from pipeline.room import share
from pipeline.run_loop import HttpSubscriptionLoop
from pipeline.source import KafkaSource
from pipeline.stop import ExitStatus, StopRequest, Worker
from pipeline.subscription import HttpPolicy, Protocol, Subscription
from pipeline.topics import (
    TRACE_TOPIC,
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
from schemas.avro import ResolveId, no_registry

log = logging.getLogger(__name__)

LOOK_FOR_TOPICS_S = 5.0
"""How often to look for topics that may come into being later: those of redrives, and of traces."""

TRACE_FLUSH_S = 2.0
"""Of what is left of the grace period, the most that the last trace records may take."""

REDRIVE_MEMBER = ".redrive"
"""Both inputs of a subscription are members of one group: what the second one adds to a group.instance.id."""

JOIN_SLACK_S = 2.0
"""How long after the grace period the threads may still take, all together, before they are left behind."""


class Delivering:
    """The process of `batch-events run`."""

    def __init__(
        self,
        settings: Settings,
        subscriptions: list[Subscription],
        stop: StopRequest,
        writer: LineWriter | None,
        resolve: ResolveId = no_registry,
    ) -> None:
        self._settings = settings
        self._subscriptions = subscriptions
        self._bounds = share(sum(one.protocol is Protocol.HTTP for one in subscriptions) or 1)
        self._stop = stop
        self._writer = writer
        self._resolve = resolve
        self._cluster = Cluster(settings.kafka)
        self._health = Health()
        self._registry = CollectorRegistry()
        self._metrics = Metrics(self._registry)
        self._threads: list[threading.Thread] = []
        self._abandoned: list[str] = []
        self._redriven: set[str] = set()
        self._redrives_told = False
        self._waiting = TopicWait(self._cluster, stop)
        self._check = StartCheck(self._waiting.admin, subscriptions)
        self._endpoints: list[HttpEndpoint] = []
        self._at_end: list[Callable[[], None]] = []
        """On the event loop's thread, when no attempt is out any more."""

        traced = any(one.http is not None and one.http.trace for one in subscriptions)
        self._trace = TraceWriter(self._cluster, self._metrics.trace_dropped) if traced else None
        self._event_loop: EventLoopThread | None = None
        self.health_server = HealthServer(settings.http.listen, self._health, self._registry)

    def run(self) -> ExitStatus:
        """Deliver until the stop request."""
        self._start()
        self._look_for_trace()
        while not self._stop.wait(LOOK_FOR_TOPICS_S):
            self._look_for_redrives()
            self._look_for_trace()
        return self._end()

    def _start(self) -> None:
        raise_limit()
        self.health_server.start()
        if any(one.protocol is Protocol.HTTP for one in self._subscriptions):
            self._event_loop = EventLoopThread(self._stop)
            self._event_loop.start()
        for one in self._subscriptions:
            self._start_input(one, EVENTS)
        log.info("started", extra={"subscriptions": len(self._subscriptions), "health_port": self.health_server.port})

    def _start_input(self, one: Subscription, source: int) -> None:
        """A thread for the event topic of a subscription, or for its redrive topic."""
        name = one.label if source == EVENTS else f"{one.label} redrive"
        vital = self._health.vital(name)
        self._metrics.ready.add((one.label,), lambda: vital.ready)
        thread = threading.Thread(target=self._work, args=(one, source, vital), name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _look_for_redrives(self) -> None:
        """A redrive topic comes into being with the first redrive."""
        unseen = {redrive_topic(one.topic_name, one.name): one for one in self._subscriptions}
        existing = self._waiting.existing() if unseen.keys() - self._redriven else set()
        for topic in existing & unseen.keys() - self._redriven:
            self._redriven.add(topic)
            self._start_input(unseen[topic], REDRIVE)
        if not self._redrives_told and existing:
            self._redrives_told = True
            self._tell_hidden(unseen.keys() - self._redriven)

    def _tell_hidden(self, redrives: set[str]) -> None:
        """A redrive topic that we may not see would never be delivered, and nothing else says so."""
        if (refused := self._cluster.topic_refused(redrives)) is not None:
            log.warning("redrives_refused", extra={"reason": str(refused)})

    def _look_for_trace(self) -> None:
        """Nobody waits for the trace topic: it is taken up when it is there."""
        trace = self._trace
        if trace is not None and not trace.partitions and self._waiting.existing():
            trace.look(self._waiting.admin.partitions.get(TRACE_TOPIC, 0))

    def _work(self, subscription: Subscription, source: int, vital: Vital) -> None:
        """A subscription's thread."""
        try:
            topics = self._topics_of(subscription)
            if self._waiting.until_there(topics, vital):
                self._check.of(subscription, self._input_topic(subscription, source), topics)
                worker = self._worker(subscription, source, vital)
                worker.run()
                if worker.abandoned:
                    self._abandoned.append(subscription.label)
        except StoppedWaitingError:
            self._abandoned.append(subscription.label)
        except PipelineError as error:
            log.critical("subscription_failed", extra={"subscription": subscription.label, "error": str(error)})
            self._stop.part_died(subscription.label)

    def _topics_of(self, one: Subscription) -> list[str]:
        own = queue_topic(one.queue_name) if one.http is None else held_topic(one.topic_name, one.name)
        event = event_topic(one.topic_name, self._settings.topics.prefix)
        return [event, own, dead_letter_topic(one.topic_name, one.name)]

    def _input_topic(self, one: Subscription, source: int) -> str:
        if source == REDRIVE:
            return redrive_topic(one.topic_name, one.name)
        return event_topic(one.topic_name, self._settings.topics.prefix)

    def _worker(self, one: Subscription, source: int, vital: Vital) -> Worker:
        if one.http is not None:
            return self._http_worker(one, one.http, source, vital)
        topic = self._input_topic(one, source)
        transform = self._transform(one, vital)
        transactions = self._transactions(one, source, vital)
        make_source = self._source_for(one, source, vital)
        return QueueSubscriptionLoop(one, make_source, transactions, transform, self._stop, vital, self._metrics, topic)

    def _transform(self, one: Subscription, vital: Vital) -> Transform:
        return Transform(one, self._settings.topic_owner, RegistryWait(self._resolve, self._stop, vital))

    def _transactions(self, one: Subscription, source: int, vital: Vital) -> KafkaTransactions:
        group = subscription_group(one.topic_name, one.name)
        return KafkaTransactions(self._cluster, f"{group}.{source}", lambda: self._goes_on(vital), group)

    def _http_worker(self, one: Subscription, policy: HttpPolicy, source: int, vital: Vital) -> Worker:
        prepare = Preparation(self._transform(one, vital), self._metrics.filtered.labels(one.label).inc)
        assert self._event_loop is not None  # noqa: S101  started with the first HTTP subscription
        loop = self._event_loop
        clock = LoopClock(loop.loop)
        inbox, gate = Inbox(), CommitGate(*self._cluster.session_s())
        if gate.fault is not None:
            raise PipelineError(f"kafka: {gate.fault}")
        trace = TraceLog(one.label, source, clock, self._trace) if self._trace is not None and policy.trace else None
        attempts = AttemptLog(one.label, policy.retry.retries + 1, clock, self._metrics, self._writer, trace)
        self._at_end += [attempts.flush, *([trace.end] if trace is not None else [])]
        endpoint = HttpEndpoint(policy, loop.loop)
        self._endpoints.append(endpoint)
        tracer, topic = recording_tracer(), self._input_topic(one, source)
        spans = None if tracer is None else AttemptSpans(tracer, one, policy, topic)
        delivery = Delivery(policy, endpoint, clock, gate, inbox, attempts.add, prepare, spans)
        side = DeliveryHandle(delivery, loop, attempts, inbox)
        self._watch(one.label, delivery, source)
        names = Names(
            topic,
            held_topic(one.topic_name, one.name),
            dead_letter_topic(one.topic_name, one.name),
            source,
        )
        written = self._metrics.dead_letters.labels(one.label)

        def on_written(letters: list[DeadLetter]) -> None:
            written.inc(len(letters))
            if trace is not None:
                loop.call(lambda: trace.buried(letters))

        def make_custody(worker: HttpSubscriptionLoop, ledger: OffsetLedger) -> Custody:
            transactions = self._transactions(one, source, vital)
            reader = KafkaLogReader(self._cluster, names.events)
            return Custody(names, ledger, side, reader, transactions, worker.to_item, worker.accept, on_written)

        return HttpSubscriptionLoop(
            one,
            self._source_for(one, source, vital),
            make_custody,
            KafkaHeldReader(self._cluster, names.held),
            prepare,
            side,
            inbox,
            gate,
            self._stop,
            vital,
            self._metrics,
            source,
            self._bounds,
        )

    def _watch(self, label: str, delivery: Delivery, source: int) -> None:
        """Values that are read when somebody asks; each input has a limit and a breaker, the events' are told."""
        self._metrics.trace_dropped.labels(label)  # told from the start, as 0
        self._metrics.in_flight.add((label,), lambda: delivery.in_flight)
        if source == EVENTS:
            self._metrics.limit.add((label,), lambda: delivery.limit.limit)
            self._metrics.watch_state(label, lambda: delivery.breaker.told)

    def _goes_on(self, vital: Vital) -> bool:
        """Whether a call without a verdict is to be made again."""
        vital.turned()
        return not self._stop.requested or self._stop.left_s() > 0

    def _source_for(self, one: Subscription, source: int, vital: Vital) -> Callable[..., KafkaSource]:
        topic = self._input_topic(one, source)
        group = subscription_group(one.topic_name, one.name)
        suffix = REDRIVE_MEMBER if source == REDRIVE else ""
        said_s = float("-inf")

        def on_trouble(reason: str | None) -> None:
            nonlocal said_s
            vital.trouble(reason)
            if reason is not None and time.monotonic() - said_s >= SAY_EVERY_S:
                said_s = time.monotonic()
                log.error("not_ready", extra={"subscription": one.label, "reason": reason})

        return lambda listener: KafkaSource(self._cluster, topic, group, one.start, listener, on_trouble, suffix)

    def _end(self) -> ExitStatus:
        log.info("stopping", extra={"grace_s": round(self._stop.left_s(), 1)})
        until_s = time.monotonic() + self._stop.left_s() + JOIN_SLACK_S
        for thread in self._threads:
            thread.join(max(0.0, until_s - time.monotonic()))
        unfinished = [thread.name for thread in self._threads if thread.is_alive()]
        if self._event_loop is not None:
            for endpoint in self._endpoints:
                self._event_loop.call(endpoint.close)
            for flush in self._at_end:
                self._event_loop.call(flush)
            self._event_loop.end(JOIN_SLACK_S)
        if self._trace is not None:
            self._trace.close(min(TRACE_FLUSH_S, self._stop.left_s()))
        self.health_server.close()
        status = self._status(unfinished)
        log.info(
            "stopped", extra={"status": int(status), "abandoned": self._abandoned + unfinished, "died": self._stop.died}
        )
        return status

    def _status(self, unfinished: list[str]) -> ExitStatus:
        if self._stop.died is not None:
            return ExitStatus.PART_DIED
        return ExitStatus.WORK_ABANDONED if self._abandoned or unfinished else ExitStatus.FINE


class DeliveryHandle:
    """A delivery, called from its subscription's thread."""

    def __init__(self, delivery: Delivery, thread: EventLoopThread, attempts: AttemptLog, inbox: Inbox) -> None:
        self._delivery = delivery
        self._call = thread.call
        self._attempts = attempts
        self._inbox = inbox

    def accept(self, items: list[Item]) -> None:
        """Hand a batch over."""
        self._call(lambda: self._delivery.accept(items))

    def accept_held(self, items: list[Item]) -> None:
        """Hand over the next events of held keys."""
        self._call(lambda: self._delivery.accept_held(items))

    def collect(self, item: Item) -> None:
        """Ask for a lane; the answer comes through the inbox."""
        self._call(lambda: self._inbox.put(Collected(item, self._delivery.collect(item))))

    def release(self, item: Item) -> None:
        """The head was buried."""
        self._call(lambda: self._delivery.release(item))

    def pump(self) -> None:
        """The gate has opened again."""
        self._call(self._delivery.pump)

    def revoke(self, partitions: set[int], when_quiet: Callable[[], None]) -> None:
        """Forget partitions."""
        self._call(lambda: self._delivery.revoke(partitions, when_quiet))

    def drain(self, when_quiet: Callable[[], None]) -> None:
        """Start nothing more."""
        self._call(lambda: self._delivery.drain(when_quiet))

    def abandon(self, when_done: Callable[[int], None]) -> None:
        """Cut short what is out."""

        def cut() -> None:
            attempts = self._delivery.abandon()
            self._attempts.flush()
            when_done(attempts)

        self._call(cut)
