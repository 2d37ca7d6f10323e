"""The process of `batch-events gateway`: puts its parts together, and takes them apart again.

Shape   Serving(settings, gateway, stop).run() -> exit status: one event loop, and a thread for each Kafka client
Start   own topics first, then the registry, then the group; clients are served as soon as the registry is known. As
        long as no broker lets us that far, the process is live, not ready, and says why
Stop    no new calls, long polls answered with `no message`, what is out is finished; then the slots are given away at
        once, so that the other replicas have them before the session would have ended
Errors  a part that ends by itself stops the process; its name is in the log and the exit status is 4
"""

import asyncio
import logging
import threading
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack

import uvloop
from prometheus_client import CollectorRegistry

from adapters.gateway.acting.action import Backend
from adapters.gateway.actions import ACTIONS
from adapters.gateway.figures import CallFigures
from adapters.gateway.front.front import Front
from adapters.gateway.front.hosts import Hosts
from adapters.gateway.front.keys import Keys
from adapters.gateway.front.server import GatewayServer
from adapters.gateway.metrics import GatewayMetrics
from adapters.gateway.own_topics import make_own_topics
from adapters.gateway.readiness import Readiness
from adapters.gateway.replica import Replica
from adapters.http_server import HealthServer
from adapters.provision import TopicAdmin
from adapters.settings import GatewaySettings, Settings
from pipeline.cluster import Cluster
from pipeline.errors import PipelineError
from pipeline.health import Health
from pipeline.stop import ExitStatus, StopRequest

log = logging.getLogger(__name__)

LOOK_S = 1.0
ASK_AGAIN_S = 1.0
SAY_AFTER_S = 8.0
"""Joining the group takes seconds, and a slot may be on its way."""

LEAVE_S = 5.0
"""Of the grace period, kept for giving the slots away."""


class Serving:
    """One replica of the gateway."""

    def __init__(self, settings: Settings, gateway: GatewaySettings, stop: StopRequest) -> None:
        """Bind the probes' port.

        Raises:
            OSError: it cannot be had.
        """
        self._settings = settings
        self._gateway = gateway
        self._stop = stop
        self._cluster = Cluster(settings.kafka)
        self._health = Health()
        self._readiness = Readiness(self._health.vital("gateway"), time.monotonic)
        registry = CollectorRegistry()
        self._metrics = GatewayMetrics(registry)
        self.health_server = HealthServer(settings.http.listen, self._health, registry)

    def run(self) -> ExitStatus:
        """Serve until the stop request."""
        self.health_server.start()
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                finished = runner.run(self._serve())
        except PipelineError as error:
            log.critical("gateway_failed", extra={"error": str(error)})
            self._stop.part_died("gateway")
            finished = False
        self.health_server.close()
        status = self._status(finished=finished)
        log.info("stopped", extra={"status": int(status), "died": self._stop.died})
        return status

    async def _serve(self) -> bool:
        """Whether everything that was out came to its end."""
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(self._on_exception)
        stopped = self._stopped(loop)
        async with AsyncExitStack() as parts:
            serving = loop.create_task(self._start(parts))
            stopping = loop.create_task(stopped.wait())
            await asyncio.wait([serving, stopping], return_when=asyncio.FIRST_COMPLETED)
            server = serving.result() if serving.done() else None
            await stopping
            log.info("stopping", extra={"grace_s": round(self._stop.left_s(), 1)})
            if server is None:
                serving.cancel()
                await asyncio.wait([serving])
                return True
            return await server.close(max(0.0, self._stop.left_s() - LEAVE_S))

    async def _start(self, parts: AsyncExitStack) -> GatewayServer:
        """Serve, however long it takes until a broker lets us."""
        await self._topics_made()
        replica = Replica(self._cluster, self._settings, self._gateway, self._stop.part_died, metrics=self._metrics)
        parts.push_async_callback(replica.close)
        await replica.start(self._readiness.tell)
        server = self._server(replica)
        await server.start()
        beat = asyncio.get_running_loop().create_task(_beat(self._readiness, replica))
        parts.callback(beat.cancel)
        log.info("started", extra={"port": server.port, "health_port": self.health_server.port})
        return server

    async def _topics_made(self) -> None:
        admin = TopicAdmin(self._cluster)
        while True:
            try:
                return await make_own_topics(admin, self._cluster.servers, self._settings.topics.replication_factor)
            except PipelineError as error:
                self._readiness.tell(str(error))
            await asyncio.sleep(ASK_AGAIN_S)

    def _server(self, replica: Replica) -> GatewayServer:
        backend = Backend(replica.queues, replica.topics, self._settings.topic_owner)
        keys = Keys(self._gateway.key_specs(), asyncio.get_running_loop().time)
        hosts = Hosts(self._gateway.listen, self._gateway.hosts)
        figures = CallFigures(self._metrics)
        front = Front(keys, hosts, ACTIONS, backend, self._gateway.clock_tolerance_s, figures=figures)
        return GatewayServer(front, self._gateway.listen)

    def _stopped(self, loop: asyncio.AbstractEventLoop) -> asyncio.Event:
        """Set once there is a stop request, from whichever thread."""
        stopped = asyncio.Event()

        def wait() -> None:
            while not self._stop.wait(LOOK_S):
                pass
            loop.call_soon_threadsafe(stopped.set)

        threading.Thread(target=wait, name="stop-request", daemon=True).start()
        return stopped

    def _on_exception(self, _loop: asyncio.AbstractEventLoop, context: Mapping[str, object]) -> None:
        error = context.get("exception")
        cause = error if isinstance(error, BaseException) else None
        log.critical("gateway_callback_failed", exc_info=cause, extra={"error": context.get("message")})
        self._stop.part_died("gateway")

    def _status(self, *, finished: bool) -> ExitStatus:
        if self._stop.died is not None:
            return ExitStatus.PART_DIED
        return ExitStatus.FINE if finished else ExitStatus.WORK_ABANDONED


async def _beat(readiness: Readiness, replica: Replica) -> None:
    """Live as long as the loop turns; ready while calls can be answered."""
    while True:
        replica.look()
        readiness.tell(await replica.trouble(), SAY_AFTER_S)
        await asyncio.sleep(LOOK_S)
