"""What this process knows of the registry: every record of `cmq.registry`, as soon as it is there.

Shape   RegistryView(cluster, loop, on_died, configured): start(), close(); .state for what is known,
        catch_up() to know what was there when it was called; on_change(f) hears each change, once it is in .state
Threads a consumer of its own, without a group, on a thread of its own; everything else on the event loop's thread
Order   an answer of code 0 to a change means that its transaction is committed, so its record lies before the end of
        the log (the high watermark, not the last stable offset, which lags behind the commit). Whoever reads to the end
        as it was after it was asked therefore knows it
Anew    a log that has lost its end is read again from the start. What it has lost was not deleted, so no listener is
        told: a queue's state, dropped for good, would be missing where its Kafka topic is found and adopted again
Cost    a fetch each 20 ms at an idle log; that long a catch-up may wait for the end behind a transaction's marker.
        Those who ask to catch up while a question is out share the next one
Errors  catch_up raises CmqError INTERNAL where Kafka does not answer in time; a record that is none of ours is logged
        and left out
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from typing import NamedTuple

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Message, TopicPartition
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # they forgot __all__
    AdminClient,
    ListOffsetsResultInfo,
    OffsetSpec,
)

from adapters.gateway.errors import Row
from adapters.gateway.logs.client_thread import ClientThread
from adapters.gateway.registry.registry_state import Change, RegistryState
from pipeline.cluster import Cluster
from pipeline.cmq_registry import REGISTRY_TOPIC, SubscriptionEntry
from pipeline.kafka_errors import About, describe, is_outdated
from pipeline.topics import TopicSpec, held_spec

log = logging.getLogger(__name__)

CATCH_UP_S = 5.0
FETCH_WAIT_MS = 20
POLL_S = 0.2
STEP = 1_000

_LOST_PLACE = {KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE}


class _Read(NamedTuple):
    """What one look at the log gave: records, and up to where it is known now."""

    records: list[tuple[bytes | None, bytes | None]]
    position: int
    anew: bool


class _Waiting(NamedTuple):
    end: int
    done: asyncio.Future[None]


def registry_spec(replication_factor: int, topic: str = REGISTRY_TOPIC) -> TopicSpec:
    """The registry's Kafka topic: one partition, so that one order holds for all names; compacted."""
    return held_spec(topic, 1, replication_factor)


class RegistryView:
    """The registry as far as it has been read."""

    def __init__(
        self,
        cluster: Cluster,
        loop: asyncio.AbstractEventLoop,
        on_died: Callable[[str], None],
        configured: Iterable[SubscriptionEntry] = (),
        topic: str = REGISTRY_TOPIC,
    ) -> None:
        self._cluster = cluster
        self._loop = loop
        self._topic = topic
        self.state = RegistryState(configured)
        self._tail = _Tail(cluster, topic, lambda read: loop.call_soon_threadsafe(self._take, read))
        self._thread = ClientThread("registry-view", self._tail.run, on_died)
        self._listeners: list[Callable[[Change], None]] = []
        self._position = 0
        self._behind: deque[_Waiting] = deque()
        self._asking: AdminClient | None = None
        """Kept while it owes an answer: others may replace the process's client, and one that is gone never answers."""

        self._trouble = ""
        self._next: asyncio.Future[None] | None = None

    def start(self) -> None:
        """Begin to read; catch_up() tells when what is there now is known."""
        self._thread.start()

    def close(self) -> None:
        """Stop reading."""
        self._tail.stop()
        self._thread.join(CATCH_UP_S)

    def on_change(self, listener: Callable[[Change], None]) -> None:
        """Have each change told from now on."""
        self._listeners.append(listener)

    async def catch_up(self) -> None:
        """Return when everything is known that was in the log when this was called.

        Raises:
            CmqError: INTERNAL: Kafka did not answer in time.
        """
        waited_for = self._next = self._next or self._loop.create_future()
        if self._asking is None:
            self._ask(waited_for)
        try:
            async with asyncio.timeout(CATCH_UP_S):
                await asyncio.shield(waited_for)
        except TimeoutError as error:
            raise Row.INTERNAL.error() from error

    def _ask(self, done: asyncio.Future[None]) -> None:
        """Ask where the log ends, for all who came so far."""
        self._next = None
        latest = {TopicPartition(self._topic, 0): OffsetSpec.latest()}  # type: ignore[no-untyped-call]
        try:
            self._asking = self._cluster.shared_admin.client()
            answer = self._asking.list_offsets(latest, request_timeout=CATCH_UP_S)
        except KafkaException as error:
            self._asked(done, error)
            return
        (future,) = answer.values()
        future.add_done_callback(lambda one: self._loop.call_soon_threadsafe(self._asked, done, _end(one)))

    def _asked(self, done: asyncio.Future[None], end: int | KafkaException) -> None:
        asked, self._asking = self._asking, None
        if isinstance(end, KafkaException):
            if asked is not None and is_outdated(end):
                self._cluster.shared_admin.replace(asked)
            self._troubled(describe(end, About((self._topic,))))
            _fail(done)
        else:
            self._trouble = ""
            if end <= self._position:
                done.set_result(None)
            else:
                self._behind.append(_Waiting(end, done))
        if self._next is not None:
            self._ask(self._next)

    def _troubled(self, reason: str) -> None:
        """Told once, until it is over or another one: many ask, and brokers may be away for long."""
        if reason != self._trouble:
            self._trouble = reason
            log.warning("registry_end_unknown", extra={"error": reason})

    def _take(self, read: _Read) -> None:
        """What was read, on the loop's thread."""
        changes = []
        if read.anew:
            self.state.clear()
            while self._behind:
                _fail(self._behind.popleft().done)
        for key, value in read.records:
            try:
                change = self.state.apply(key, value)
            except ValueError as error:
                log.warning("registry_record_unreadable", extra={"key": repr(key), "error": str(error)})
                continue
            if change is not None:
                changes.append(change)
        self._position = read.position
        for change in changes:
            for listener in self._listeners:
                listener(change)
        while self._behind and self._behind[0].end <= self._position:
            self._behind.popleft().done.set_result(None)


def _fail(done: asyncio.Future[None]) -> None:
    done.set_exception(Row.INTERNAL.error())
    done.exception()  # nobody may wait for it any more


def _end(answer: Future[ListOffsetsResultInfo]) -> int | KafkaException:
    """On the client's own thread."""
    error = answer.exception()
    if error is None:
        return answer.result().offset
    return error if isinstance(error, KafkaException) else KafkaException(KafkaError(KafkaError._FAIL, repr(error)))


class _Tail:
    """The consumer and its thread's work."""

    def __init__(self, cluster: Cluster, topic: str, tell: Callable[[_Read], object]) -> None:
        self._cluster = cluster
        self._start = TopicPartition(topic, 0, OFFSET_BEGINNING)
        self._tell = tell
        self._stopped = False
        self._position = 0

    def stop(self) -> None:
        """End within POLL_S."""
        self._stopped = True

    def run(self) -> None:
        """Read until stopped."""
        config = self._cluster.consumer_config("cmq-gateway.registry-view", self._cluster.note) | {
            "enable.partition.eof": True,
            "fetch.wait.max.ms": FETCH_WAIT_MS,
            "logger": log,
        }
        consumer = Consumer(config)
        try:
            consumer.assign([self._start])
            while not self._stopped:
                first = consumer.poll(POLL_S)
                if first is not None:
                    self._look(consumer, [first, *consumer.consume(STEP, 0)])
        finally:
            consumer.close()

    def _look(self, consumer: Consumer, messages: list[Message]) -> None:
        records = []
        anew = False
        for message in messages:
            error = message.error()
            if error is None:
                records.append((message.key(), message.value()))
                self._position = (message.offset() or 0) + 1
            elif error.code() == KafkaError._PARTITION_EOF:
                self._position = max(self._position, message.offset() or 0)
            elif error.code() in _LOST_PLACE:
                log.error("registry_begins_anew", extra={"error": describe(error)})
                anew, self._position = True, 0
                records.clear()
                consumer.assign([self._start])
            elif error.code() != KafkaError.GROUP_AUTHORIZATION_FAILED:  # no group is joined
                log.warning("registry_read_failed", extra={"error": describe(error, About((self._start.topic,)))})
        self._tell(_Read(records, self._position, anew))
