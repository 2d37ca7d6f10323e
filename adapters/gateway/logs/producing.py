"""A producer whose delivery reports reach the event loop in batches.

Shape   LoopProducer(cluster, on_loop, on_died, {…}).produce(topic, value, told, …): told(Delivery) runs on the loop,
        once a record. Any thread may call produce(); it neither blocks nor raises
Kafka   idempotent, acks=all. All reports that lie ready when the client is asked reach the loop by one call, so a
        report costs no wake-up of its own. Records of one partition are reported in the order of produce()
Errors  all come as a Delivery: a full queue, a record that is too large, a time-out. After a fatal error, which ends a
        client for good, what is under way fails and a new client takes over
Unknown a client that has been told once that a topic does not exist goes on believing it for minutes, and it may
        believe it of a topic that it has only just heard of. With ask_again a record that fails for that is offered
        once more after the brokers were asked anew; then it may come behind later ones
Cost    a thread, asleep while nothing is under way
"""

import logging
import threading
from collections import deque
from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple, TypeVar

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from adapters.gateway.logs.client_thread import ClientThread, OnDied
from adapters.gateway.slot_ports import OnLoop
from pipeline.cluster import Cluster
from pipeline.headers import Headers
from pipeline.kafka_errors import describe, is_unknown_topic, kafka_error

log = logging.getLogger(__name__)

ANY_PARTITION = -1
UNKNOWN_OFFSET = -1

POLL_S = 0.1
ASK_S = 2.0
FEW = 8
FLUSH_S = 10.0


class Delivery(NamedTuple):
    """What became of a record: where it lies, or why it may not; with an error the offset says nothing."""

    partition: int
    offset: int
    error: KafkaError | None = None


Taken = TypeVar("Taken")

Told = Callable[[Delivery], None]


class _Record(NamedTuple):
    topic: str
    value: bytes | None
    told: Told
    key: bytes | None
    partition: int
    headers: Headers
    again: bool = False


class LoopProducer:
    """One client and its thread."""

    def __init__(
        self,
        cluster: Cluster,
        on_loop: OnLoop,
        on_died: OnDied,
        config: Mapping[str, object],
        *,
        ask_again: bool = False,
    ) -> None:
        """Begin.

        Args:
            cluster: where to.
            on_loop: hands reports over.
            on_died: hears of the end of the thread, if it ends by itself.
            config: librdkafka properties beyond those of every producer of ours: linger.ms, message.timeout.ms, ….
            ask_again: offer records of topics that seem unknown a second time.
        """
        self._config = cluster.producer_config(logger=log, **config)
        self._ask_again = ask_again
        self._on_loop = on_loop
        self._producer = Producer(self._config)
        self._reports: deque[tuple[Told, Delivery]] = deque()
        self._doubted: deque[_Record] = deque()
        self._stopping = threading.Event()
        self._thread = ClientThread("producer-reports", self._run, on_died)
        self._thread.start()

    def produce(
        self,
        topic: str,
        value: bytes | None,
        told: Told,
        *,
        key: bytes | None = None,
        partition: int = ANY_PARTITION,
        headers: Headers | None = None,
    ) -> None:
        """Queue a record; told hears on the loop, later, what became of it."""
        record = _Record(topic, value, told, key, partition, headers or [])
        refusal = self._offer(record)
        if refusal is None:
            return
        if self._ask_again and is_unknown_topic(refusal):
            self._doubted.append(record)
        else:
            self._on_loop(partial(told, _failed(refusal)))

    def close(self, flush_s: float = FLUSH_S) -> None:
        """Wait for what is under way, then let go of the client. Blocks; the loop must still run."""
        self._producer.flush(flush_s)
        self._stopping.set()
        self._thread.join()
        self._end(self._producer)
        for record in _taken(self._doubted):
            self._reports.append((record.told, _failed(KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART))))
        self._hand_over()

    def _offer(self, record: "_Record") -> KafkaError | None:
        topic, value, _, key, partition, headers, _ = record
        report = partial(self._reported, record)
        try:
            self._producer.produce(topic, value, key, partition, on_delivery=report, headers=headers)
        except BufferError:
            return KafkaError(KafkaError._QUEUE_FULL)
        except KafkaException as error:
            return kafka_error(error)
        return None

    def _offer_again(self) -> None:
        """Ask the brokers for the topics that the client thinks unknown, and offer their records again."""
        doubted = _taken(self._doubted)
        topics = {record.topic for record in doubted}
        for topic in topics if len(topics) <= FEW else [None]:
            try:
                self._producer.list_topics(topic, timeout=ASK_S)
            except KafkaException as error:
                log.warning("topics_not_told", extra={"error": describe(error)})
        for record in doubted:
            refusal = self._offer(record._replace(again=True))
            if refusal is not None:
                self._reports.append((record.told, _failed(refusal)))

    def _run(self) -> None:
        while not self._stopping.is_set():
            producer = self._producer
            try:
                producer.poll(POLL_S)
            except KafkaException as error:  # a fatal one; it is told once, and the client takes nothing any more
                log.error("producer_replaced", extra={"error": describe(error)})  # noqa: TRY400  no fault of ours
                self._producer = Producer(self._config)
                self._end(producer)
            if self._doubted:
                self._offer_again()
            self._hand_over()

    @staticmethod
    def _end(producer: Producer) -> None:
        """Let everything that is still under way fail, and hear that."""
        producer.purge(in_queue=True, in_flight=True, blocking=False)
        producer.close()

    def _reported(self, record: _Record, error: KafkaError | None, message: Message) -> None:
        if error is not None and self._ask_again and not record.again and is_unknown_topic(error):
            self._doubted.append(record)
            return
        offset = message.offset()
        delivery = Delivery(message.partition() or 0, UNKNOWN_OFFSET if offset is None else offset, error)
        self._reports.append((record.told, delivery))

    def _hand_over(self) -> None:
        if self._reports:
            self._on_loop(partial(_tell, _taken(self._reports)))


def _taken(queue: deque[Taken]) -> list[Taken]:
    """All that stands in a queue to which other threads append."""
    return [queue.popleft() for _ in range(len(queue))]


def _failed(error: KafkaError) -> Delivery:
    return Delivery(ANY_PARTITION, UNKNOWN_OFFSET, error)


def _tell(reports: list[tuple[Told, Delivery]]) -> None:
    for told, delivery in reports:
        told(delivery)
