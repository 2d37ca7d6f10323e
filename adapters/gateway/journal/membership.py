"""Our membership of the group `cmq-gateway`: a hint which slots are to be ours.

Shape   Membership(cluster, address, listener, on_failed): start() on the event loop's thread, close()
Hint    nothing rests on it but that two replicas do not claim a slot from each other in turn: the journal decides
Kafka   classic protocol, cooperative-sticky: who keeps a slot does not hear of a rebalance. All partitions are paused,
        no record is read. `client.id` carries the internal address, so describe_consumer_groups is the directory. Not a
        static member: the slots of one that leaves in order would lie idle until its session ends
Threads one thread polls. The listener is called on the event loop's thread; before a slot is given away the thread
        waits until the listener has let go of it
Errors  a fatal error, or any that ends the thread, is told to on_failed: the process is to end
"""

import asyncio
import logging
import threading
from collections.abc import Callable
from functools import partial
from typing import Protocol

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from adapters.gateway.journal.journal_record import SLOTS_TOPIC
from pipeline.cluster import Cluster
from pipeline.kafka_errors import About, describe, is_access
from pipeline.leaving import leave

log = logging.getLogger(__name__)

GROUP = "cmq-gateway"
CLIENT_ID = "batch-events-gateway/"
HEARTBEAT_MS = 500
"""A slot that moves is given away in one rebalance and assigned in the next, of which a heartbeat tells."""

POLL_S = 0.2
LET_GO_S = 1.0


class MembershipListener(Protocol):
    """Hears what the group assigns; each call is quick."""

    def on_assigned(self, slots: set[int]) -> None:
        """These are to be ours."""

    def on_revoked(self, slots: set[int]) -> None:
        """Let go of these now."""


class Membership:
    """A member of the group."""

    def __init__(
        self,
        cluster: Cluster,
        address: str,
        listener: MembershipListener,
        on_failed: Callable[[Exception], None],
        topic: str = SLOTS_TOPIC,
        group: str = GROUP,
    ) -> None:
        self._cluster = cluster
        self._listener = listener
        self._on_failed = on_failed
        self._topic = topic
        self._about = About((topic,), group)
        self._loop = asyncio.get_running_loop()
        self._stopping = threading.Event()
        self._fatal: KafkaError | None = None
        config = cluster.consumer_config(group, self._on_error) | {"client.id": CLIENT_ID + address, "logger": log}
        if config["group.protocol"] == "classic":
            config["partition.assignment.strategy"] = "cooperative-sticky"
            config["heartbeat.interval.ms"] = HEARTBEAT_MS
        self._config = config
        self._thread = threading.Thread(target=self._run, name="slot-membership", daemon=True)

    def start(self) -> None:
        """Join."""
        self._thread.start()

    async def close(self) -> None:
        """Leave the group: what we had goes to the others at once."""
        self._stopping.set()
        await self._loop.run_in_executor(None, self._thread.join)

    def _run(self) -> None:
        try:
            consumer = Consumer(self._config)
            try:
                consumer.subscribe(
                    [self._topic], on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_revoke
                )
                while not self._stopping.is_set():
                    self._poll(consumer)
            finally:
                leave(consumer, self._config)
        except Exception as error:  # noqa: BLE001  told to whoever runs the process
            self._loop.call_soon_threadsafe(self._on_failed, error)

    def _poll(self, consumer: Consumer) -> None:
        message = consumer.poll(POLL_S)
        if self._fatal is not None:
            raise self._cluster.explain(self._fatal, self._about)
        error = message.error() if message is not None else None
        if error is not None and error.code() != KafkaError._AUTO_OFFSET_RESET:
            log.warning("slot_membership_troubled", extra={"error": describe(error, self._about)})

    def _on_error(self, error: KafkaError) -> None:
        self._cluster.note(error)
        if error.fatal():
            self._fatal = error
        elif is_access(error):
            log.warning("slot_membership_troubled", extra={"error": describe(error, self._about)})

    def _on_assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        # At an offset of our own choice nothing is asked of the broker; nothing is read either.
        placed = [TopicPartition(self._topic, one.partition, 0) for one in partitions]
        consumer.incremental_assign(placed)
        consumer.pause(placed)
        slots = {one.partition for one in partitions}
        if slots:
            log.info("slots_assigned", extra={"slots": sorted(slots)})
        self._loop.call_soon_threadsafe(self._listener.on_assigned, slots)

    def _on_revoke(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        slots = {one.partition for one in partitions}
        log.info("slots_revoked", extra={"slots": sorted(slots)})
        done = threading.Event()
        self._loop.call_soon_threadsafe(partial(self._let_go, slots, done))
        if not done.wait(LET_GO_S):
            log.warning("slots_revoked_late", extra={"slots": sorted(slots)})  # safe: what it appends later is void
        try:
            consumer.incremental_unassign(partitions)
        except KafkaException as error:
            log.warning("slot_membership_troubled", extra={"error": describe(error, self._about)})

    def _let_go(self, slots: set[int], done: threading.Event) -> None:
        try:
            self._listener.on_revoked(slots)
        finally:
            done.set()
