"""Puts the parts of `run` together, and takes them apart again.

Shape   Delivering(settings, …).run() -> exit status: start, wait for the stop request, drain, in that order
Parts   a thread an input of a subscription (inputs.py), one event loop for all HTTP ones, one server for the probes.
        Those of the file run as long as the process; those made at run time come and go (run_time.py)
Errors  a part that ends by itself stops the process; its name is in the log and the exit status is 4
"""

import logging
import time
from collections.abc import Collection

from prometheus_client import CollectorRegistry

from adapters.descriptor_limit import raise_limit
from adapters.http_server import HealthServer
from adapters.inputs import CreateTopics, Ground, Input
from adapters.logs import LineWriter
from adapters.run_time import RunTime
from adapters.settings import Settings
from pipeline.held_record import EVENTS, REDRIVE
from pipeline.leaving import LEAVE_S
from pipeline.metrics import Metrics
from pipeline.stop import ExitStatus, PartStop, StopRequest
from pipeline.subscription import Subscription
from pipeline.topics import TRACE_TOPIC, redrive_topic
from schemas.avro import ResolveId, no_registry

log = logging.getLogger(__name__)

LOOK_FOR_TOPICS_S = 5.0
"""How often to look for topics that may come into being later: those of redrives, of traces, and the registry."""

TURN_S = 0.5
"""How often to look what was made or changed at run time."""

PART_GRACE_S = 5.0
"""What a subscription has that stops while the process goes on; what is out after that is cut short."""

JOIN_SLACK_S = LEAVE_S + 0.5
"""How long after the grace period the threads may still take, all together, before they are left behind."""


class Running:
    """A subscription that is being delivered here."""

    def __init__(self, subscription: Subscription, stop: StopRequest, create: CreateTopics | None = None) -> None:
        self.subscription = subscription
        self.stop = stop
        self.create = create
        self.inputs: dict[int, Input] = {}


class Made(Running):
    """One that was made at run time, and may stop while the process goes on."""

    def __init__(self, subscription: Subscription, stop: PartStop, create: CreateTopics) -> None:
        super().__init__(subscription, stop, create)
        self.stop: PartStop = stop


class Delivering:
    """The process of `batch-events run`."""

    def __init__(
        self,
        settings: Settings,
        subscriptions: list[Subscription],
        stop: StopRequest,
        writer: LineWriter | None,
        resolve: ResolveId = no_registry,
        only: Collection[str] | None = None,
    ) -> None:
        """Make ready.

        Args:
            subscriptions: of the file, those to deliver.
            only: the labels of those made at run time that may be delivered here; None for all.
        """
        self._stop = stop
        self._prometheus = CollectorRegistry()
        self._ground = ground = Ground(settings, subscriptions, stop, Metrics(self._prometheus), writer, resolve)
        self._running = {one.label: Running(one, stop) for one in subscriptions}
        self._run_time = RunTime(settings, ground.cluster, ground.waiting.admin, only)
        self._made: dict[str, Made] = {}
        self._redrives_told = False
        self.health_server = HealthServer(settings.http.listen, ground.health, self._prometheus)

    def run(self) -> ExitStatus:
        """Deliver until the stop request."""
        self._start()
        self._look_for_trace()
        look_s = time.monotonic() + TURN_S
        while not self._stop.wait(TURN_S):
            if time.monotonic() >= look_s:
                self._look_for_topics()
                look_s = time.monotonic() + LOOK_FOR_TOPICS_S
            self._follow_run_time()
        return self._end()

    def _start(self) -> None:
        raise_limit()
        self.health_server.start()
        self._share()
        for one in self._running.values():
            self._start_input(one, EVENTS)
        log.info("started", extra={"subscriptions": len(self._running), "health_port": self.health_server.port})

    def _share(self) -> None:
        """All HTTP subscriptions share what a process may hold in memory."""
        self._ground.bounds.share(sum(one.subscription.http is not None for one in self._running.values()) or 1)

    def _start_input(self, one: Running, source: int) -> None:
        """A thread for the event topic of a subscription, or for its redrive topic."""
        one.inputs[source] = Input(self._ground, one.subscription, source, one.stop, one.create)
        one.inputs[source].start()

    def _look_for_topics(self) -> None:
        existing = self._ground.waiting.existing()
        self._look_for_redrives(existing)
        self._look_for_trace()
        self._run_time.look(existing)

    def _look_for_redrives(self, existing: set[str]) -> None:
        """A redrive topic comes into being with the first redrive."""
        unseen = {
            redrive_topic(one.subscription.topic_name, one.subscription.name): one
            for one in self._running.values()
            if REDRIVE not in one.inputs and not one.stop.requested
        }
        for topic in existing & unseen.keys():
            self._start_input(unseen[topic], REDRIVE)
        if not self._redrives_told and existing:
            self._redrives_told = True
            self._tell_hidden(unseen.keys() - existing)

    def _tell_hidden(self, redrives: set[str]) -> None:
        """A redrive topic that we may not see would never be delivered, and nothing else says so."""
        if (refused := self._ground.cluster.topic_refused(redrives)) is not None:
            log.warning("redrives_refused", extra={"reason": str(refused)})

    def _look_for_trace(self) -> None:
        """Nobody waits for the trace topic: it is taken up when it is there."""
        trace, waiting = self._ground.trace, self._ground.waiting
        if trace is not None and not trace.partitions and waiting.existing():
            trace.look(waiting.admin.partitions.get(TRACE_TOPIC, 0))

    def _follow_run_time(self) -> None:
        """Stop what is not wanted any more, or wanted otherwise; start what is wanted and does not run."""
        wanted = self._run_time.wanted()
        if wanted is None:
            return
        for one in list(self._made.values()):
            if not one.stop.requested and wanted.get(one.subscription.label) != one.subscription:
                log.info("subscription_stops", extra={"subscription": one.subscription.label})
                one.stop.request()
            if one.stop.requested and all(input_.join(0) for input_ in one.inputs.values()):
                self._forget(one)
        for label in wanted.keys() - self._running.keys():
            log.info("subscription_starts", extra={"subscription": label})
            stop, create = self._stop.part(PART_GRACE_S), self._run_time.create_topics(wanted[label])
            self._running[label] = self._made[label] = one = Made(wanted[label], stop, create)
            self._share()
            self._start_input(one, EVENTS)

    def _forget(self, one: Made) -> None:
        """It has ended, and the process goes on."""
        if self._stop.requested:
            return  # then it is for _end() to say what it has left
        label = one.subscription.label
        for input_ in one.inputs.values():
            input_.close()
            input_.forget()
        self._ground.metrics.forget(label)
        self._stop.forget(one.stop)
        del self._running[label], self._made[label]
        self._share()
        log.info("subscription_stopped", extra={"subscription": label})

    def _end(self) -> ExitStatus:
        log.info("stopping", extra={"grace_s": round(self._stop.left_s(), 1)})
        until_s = time.monotonic() + self._stop.left_s() + JOIN_SLACK_S
        inputs = [input_ for one in self._running.values() for input_ in one.inputs.values()]
        unfinished = [one.name for one in inputs if not one.join(max(0.0, until_s - time.monotonic()))]
        for one in inputs:
            one.close()
        self._ground.close(JOIN_SLACK_S)
        self._run_time.close()
        self.health_server.close()
        abandoned = [one.label for one in inputs if one.abandoned] + unfinished
        status = self._status(abandoned)
        log.info("stopped", extra={"status": int(status), "abandoned": abandoned, "died": self._stop.died})
        return status

    def _status(self, abandoned: list[str]) -> ExitStatus:
        if self._stop.died is not None:
            return ExitStatus.PART_DIED
        return ExitStatus.WORK_ABANDONED if abandoned else ExitStatus.FINE
