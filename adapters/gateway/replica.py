"""The Kafka side of one replica: what keeps the ports Queues and Topics, and what that needs.

Shape   Replica(cluster, settings, gateway, on_died, limits): await start(on_trouble), .queues, .topics,
        await trouble(), await close(). On the event loop's thread
Order   the internal listener first: its address is our name in the group
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import cast

from adapters.event_loop import LoopClock
from adapters.gateway.errors import CmqError
from adapters.gateway.figures import SlotFigures, Standing
from adapters.gateway.journal.slots import Slots
from adapters.gateway.kafka_queues import KafkaQueues
from adapters.gateway.kafka_topics import KafkaTopics
from adapters.gateway.leases.limits import ByteBudget, Limits
from adapters.gateway.leases.slot import SlotOwner
from adapters.gateway.leases.slot_state import QueueStates
from adapters.gateway.logs.body_readers import KafkaBodyReaders
from adapters.gateway.logs.kafka_logs import KafkaLogs
from adapters.gateway.logs.kafka_queue_logs import KafkaQueueLogs
from adapters.gateway.logs.log_facts import LogFacts
from adapters.gateway.logs.log_names import LogNames
from adapters.gateway.logs.sender import KafkaSender
from adapters.gateway.logs.topic_counts import TopicCounts
from adapters.gateway.metrics import GatewayMetrics
from adapters.gateway.peers.peer_address import internal_host, internal_parts, joined
from adapters.gateway.peers.peer_client import Peers
from adapters.gateway.peers.peer_messages import Messages, ReceiveRequest, Request
from adapters.gateway.peers.peer_protocol import peer_key
from adapters.gateway.peers.peer_server import PeerServer
from adapters.gateway.peers.slot_router import SlotRouter
from adapters.gateway.peers.slot_service import MANAGING_SLOT, Served, SlotService
from adapters.gateway.registry.queue_drops import QueueDrops
from adapters.gateway.registry.registry_configured import configured_entries, sizes_of
from adapters.gateway.registry.registry_decisions import RegistryLimits
from adapters.gateway.registry.registry_keeper import RegistryKeeper
from adapters.gateway.registry.registry_log import RegistryLog
from adapters.gateway.registry.registry_plan import Plan
from adapters.gateway.registry.registry_view import RegistryView
from adapters.gateway.registry.registry_writer import RegistryWriter
from adapters.gateway.slot_ports import Slot, SlotJournal, SlotState
from adapters.run_time_entries import EntryError, subscription_of
from adapters.settings import GatewaySettings, QuotaSettings, Settings
from adapters.subscribing import begin_at_end
from pipeline.clock import SystemTimes
from pipeline.cluster import Cluster
from pipeline.cmq_registry import REGISTRY_TOPIC, SubscriptionEntry
from pipeline.errors import PipelineError
from pipeline.topics import event_topic

log = logging.getLogger(__name__)

BODY_BYTES = 64 << 20
"""Of bodies at hand, for all queues of the replica together."""

AGAIN_S = 0.2
SAY_AFTER_S = 5.0
"""A topic that was just made takes a moment."""


def _unheard(_: str) -> None:
    """Who starts it has a time limit."""


class Replica:
    """One process's."""

    def __init__(
        self,
        cluster: Cluster,
        settings: Settings,
        gateway: GatewaySettings,
        on_died: Callable[[str], None],
        limits: Limits | None = None,
        metrics: GatewayMetrics | None = None,
    ) -> None:
        self._cluster = cluster
        self._settings = settings
        self._gateway = gateway
        self._on_died = on_died
        self._parts = AsyncExitStack()
        loop = asyncio.get_running_loop()
        self._clock = LoopClock(loop)
        self._key = peer_key({spec.secret_id: spec.secret for spec in gateway.key_specs()})
        self._limits = limits or limits_of(gateway.quotas)
        self._budget = ByteBudget(BODY_BYTES)
        self._metrics = metrics or GatewayMetrics()
        self._standing = Standing()
        self._show()
        self._configured = configured_entries(settings)
        self._view = RegistryView(cluster, loop, on_died, self._configured)
        self._facts = LogFacts(cluster)
        self._sender = KafkaSender(cluster, on_died)
        self._readers = KafkaBodyReaders(cluster, self._facts, on_died)
        self._logs = KafkaQueueLogs(cluster, self._facts, self._sender.send, self._partitions_of)
        self._service: SlotService | None = None
        self._peer_server = PeerServer(self._key, self._serve)

    async def start(self, on_trouble: Callable[[str], None] = _unheard) -> None:
        """Read the registry, however long that takes, and join the group; slots come soon.

        Args:
            on_trouble: hears again and again why the registry is not read yet.

        Raises:
            OSError: there is no address for the internal listener.
        """
        parts, gateway = self._parts, self._gateway
        parts.push_async_callback(self._sender.close)
        parts.push_async_callback(self._readers.close)
        host, port = internal_parts(gateway.internal)
        host = internal_host(gateway.listen.rpartition(":")[0], self._cluster.servers, host)
        address = joined(host, await self._peer_server.listen(host, port))
        parts.push_async_callback(self._peer_server.close)
        self._view.start()
        parts.callback(self._view.close)
        await self._registry_known(on_trouble)
        figures = SlotFigures(self._metrics)
        slots = Slots(self._cluster, address, QueueStates, self._slot, self._on_failed, figures=figures)
        peers = Peers(self._key, self._unclaimed)
        kafka_logs = KafkaLogs(self._cluster)
        writer = self._writer(kafka_logs)
        self._slots, self._service = slots, SlotService(self._view, slots, writer)
        self._router = SlotRouter(slots, peers, self._service, address, self._metrics.forwarded.inc)
        self._join(slots, peers, writer)
        names = LogNames(kafka_logs.existing)
        times = SystemTimes()
        self.queues = KafkaQueues(self._view, self._router, self._sender.send, names, times, self._limits)
        parts.callback(self.queues.close)
        counts = TopicCounts(self._cluster, self._facts)
        prefix = self._settings.topics.prefix
        self.topics = KafkaTopics(self._view, self._router, self._sender.send, names, counts, prefix, times)
        await slots.start()
        log.info("replica_started", extra={"internal": address})

    async def _registry_known(self, on_trouble: Callable[[str], None]) -> None:
        say_s = asyncio.get_running_loop().time() + SAY_AFTER_S
        while (reason := await self._registry_trouble()) is not None:
            if asyncio.get_running_loop().time() >= say_s:
                on_trouble(reason)
            await asyncio.sleep(AGAIN_S)

    async def _registry_trouble(self) -> str | None:
        try:
            await self._view.catch_up()
        except CmqError:  # the view has logged what it is
            return f"{REGISTRY_TOPIC} cannot be read to its end at {self._cluster.servers}"
        return None

    async def trouble(self) -> str | None:
        """Why no call could be answered now; None if one could."""
        if (reason := await self._registry_trouble()) is not None:
            return reason
        if await self._slots.address_of(MANAGING_SLOT) is None:
            return "no replica owns slot 0"
        return self._slots.trouble()

    def look(self) -> None:
        """See how things are, for who scrapes."""
        owned = self._slots.owned_now().values()
        self._standing = Standing(len(owned), sum(cast("SlotOwner", slot).held() for slot in owned))

    def _show(self) -> None:
        metrics = self._metrics
        metrics.slots.add((), lambda: self._standing.slots)
        metrics.in_flight.add((), lambda: self._standing.in_flight)
        metrics.body_bytes.add((), lambda: self._budget.used)

    async def close(self) -> None:
        """Give everything away."""
        await self._parts.aclose()

    def _join(self, slots: Slots, peers: Peers, writer: RegistryWriter) -> None:
        """What must end in the reverse order."""
        parts = self._parts
        parts.callback(peers.close)
        parts.push_async_callback(writer.close)
        parts.push_async_callback(slots.close)
        drops = QueueDrops(slots)
        self._view.on_change(drops.on_change)
        self._view.on_change(lambda _change: self._metrics.registry_changes.inc())
        parts.callback(drops.close)
        parts.callback(self._router.close)
        keeper = asyncio.get_running_loop().create_task(RegistryKeeper(slots, writer).run())
        keeper.add_done_callback(self._kept)
        parts.callback(keeper.cancel)

    def _kept(self, keeper: "asyncio.Task[None]") -> None:
        if not keeper.cancelled() and (error := keeper.exception()) is not None:
            log.critical("registry_keeper_failed", exc_info=error)
            self._on_died("registry-keeper")

    def _writer(self, kafka_logs: KafkaLogs) -> RegistryWriter:
        plan = Plan(sizes_of(self._settings), self._configured)
        registry_log = RegistryLog(self._cluster)
        quotas = self._gateway.quotas
        limits = RegistryLimits(quotas.queues, quotas.topics, quotas.subscriptions)
        return RegistryWriter(
            self._view, registry_log, kafka_logs, plan, limits, spread=self._spread, begin=self._begin
        )

    async def _spread(self) -> None:
        await self._router.spread()

    def _begin(self, entry: SubscriptionEntry) -> None:
        """Blocks; see begin_at_end."""
        try:
            subscription = subscription_of(entry, self._settings)
        except EntryError as error:
            raise PipelineError(str(error)) from error
        begin_at_end(self._cluster, subscription, event_topic(entry.topic_name, self._settings.topics.prefix))

    def _slot(self, _number: int, state: SlotState, journal: SlotJournal) -> Slot:
        states = cast("QueueStates", state)
        return SlotOwner(states, journal, self._readers, self._logs, self._clock, self._key, self._limits, self._budget)

    async def _serve(self, request: Request) -> Served:
        assert self._service is not None  # noqa: S101  nobody knows our address before
        return await self._service.serve(request)

    def _unclaimed(self, address: str, request: ReceiveRequest, messages: Messages) -> None:
        self._router.give_back(address, request, messages)

    def _partitions_of(self, queue_name: str) -> int | None:
        entry = self._view.state.queue(queue_name)
        return None if entry is None else entry.partitions

    def _on_failed(self, error: Exception) -> None:
        log.critical("slots_failed", exc_info=error)
        self._on_died("slots")


def limits_of(quotas: QuotaSettings) -> Limits:
    """What a slot's owner lets be out; all that may be put off is known by name, or it would hold up what is due."""
    known = Limits()
    delayed = max(known.delayed, quotas.delayed)
    return Limits(in_flight=quotas.in_flight, delayed=delayed, delayed_most=quotas.delayed)
