"""The process of `batch-events gateway`: puts its parts together, and takes them apart again.

Shape   Serving(settings, gateway, stop).run() -> exit status: one event loop, and a thread for each Kafka client
Start   own topics first, then the registry, then the group; clients are served as soon as the registry is known
Stop    no new calls, long polls answered with `no message`, what is out is finished; then the slots are given away at
        once, so that the other replicas have them before the session would have ended
Errors  a part that ends by itself stops the process; its name is in the log and the exit status is 4
"""

import asyncio
import logging
import threading
from collections.abc import Mapping
from contextlib import AsyncExitStack

import uvloop
from prometheus_client import CollectorRegistry

from adapters.gateway.action import Backend
from adapters.gateway.actions import ACTIONS
from adapters.gateway.front import Front
from adapters.gateway.hosts import Hosts
from adapters.gateway.keys import Keys
from adapters.gateway.own_topics import make_own_topics
from adapters.gateway.replica import Replica
from adapters.gateway.server import GatewayServer
from adapters.http_server import HealthServer
from adapters.settings import GatewaySettings, Settings
from pipeline.cluster import Cluster
from pipeline.errors import PipelineError
from pipeline.health import Health, Vital
from pipeline.stop import ExitStatus, StopRequest

log = logging.getLogger(__name__)

LOOK_S = 1.0
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
        self._vital = self._health.vital("gateway")
        self.health_server = HealthServer(settings.http.listen, self._health, CollectorRegistry())

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
            await make_own_topics(self._cluster, self._settings.topics.replication_factor)
            replica = Replica(self._cluster, self._settings, self._gateway, self._stop.part_died)
            parts.push_async_callback(replica.close)
            await replica.start()
            server = self._server(replica)
            await server.start()
            log.info("started", extra={"port": server.port, "health_port": self.health_server.port})
            beat = loop.create_task(_beat(self._vital, replica))
            await stopped.wait()
            log.info("stopping", extra={"grace_s": round(self._stop.left_s(), 1)})
            beat.cancel()
            return await server.close(max(0.0, self._stop.left_s() - LEAVE_S))

    def _server(self, replica: Replica) -> GatewayServer:
        backend = Backend(replica.queues, replica.topics, self._settings.topic_owner)
        keys = Keys(self._gateway.key_specs(), asyncio.get_running_loop().time)
        hosts = Hosts(self._gateway.listen, self._gateway.hosts)
        front = Front(keys, hosts, ACTIONS, backend, self._gateway.clock_tolerance_s)
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


async def _beat(vital: Vital, replica: Replica) -> None:
    """Live as long as the loop turns; ready while any slot can be reached."""
    while True:
        vital.turned()
        vital.trouble(await replica.trouble())
        await asyncio.sleep(LOOK_S)
