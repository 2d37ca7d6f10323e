"""The producer of trace records: one a process, and never in anybody's way.

Shape   TraceWriter: look(partitions) now and then from the main thread, write(…) and dropped(…) from the event loop's
        thread, close(budget_s) at the end
Conduct a trace is a diagnosis: no call waits but close(), and nothing is tried for longer than ANSWER_MS. What finds no
        room, no topic or no answer is dropped, counted, and said in the log every SAY_EVERY_S at most
Kafka   acks=1, no idempotence: an entry that is there twice, or lost with a leader, misleads nobody
"""

import logging
import time
from functools import partial

from confluent_kafka import KafkaError, KafkaException, Message, Producer
from prometheus_client import Counter

from pipeline.cluster import Cluster
from pipeline.kafka_errors import describe
from pipeline.topics import TRACE_MAX_BYTES, TRACE_TOPIC

log = logging.getLogger(__name__)

SAY_EVERY_S = 30.0
ANSWER_MS = 30_000

CONFIG = {
    "acks": 1,
    "enable.idempotence": False,
    "linger.ms": 50,
    "message.max.bytes": TRACE_MAX_BYTES,
    "message.timeout.ms": ANSWER_MS,
    "queue.buffering.max.kbytes": 4 << 10,
    "queue.buffering.max.messages": 10_000,
}
_NOT_WITH_THESE = ("delivery.timeout.ms", "enable.gapless.guarantee")


class TraceWriter:
    """Writes to the trace topic."""

    def __init__(self, cluster: Cluster, counter: Counter) -> None:
        config = cluster.producer_config(**CONFIG, logger=log, error_cb=lambda _error: None)  # reports tell the same
        self._producer = Producer({name: value for name, value in config.items() if name not in _NOT_WITH_THESE})
        self._counter = counter
        self._unsaid = 0
        self._said_s = self._missed_s = float("-inf")
        self.partitions = 0
        """Of the topic; 0 as long as nobody has seen it."""

    def look(self, partitions: int) -> None:
        """Take the topic up once it is there; say if it is not.

        Args:
            partitions: how many it has; 0 if there is no such topic.
        """
        now_s = time.monotonic()
        if partitions:
            log.info("trace_begun", extra={"topic": TRACE_TOPIC, "partitions": partitions})
            self.partitions = partitions
        elif now_s - self._missed_s >= SAY_EVERY_S:
            self._missed_s = now_s
            advice = "events are delivered without; `batch-events topics --apply` creates it"
            log.warning("trace_topic_missing", extra={"topic": TRACE_TOPIC, "advice": advice})

    def write(self, partition: int, label: str, value: bytes, entries: int) -> None:
        """Queue a record."""
        self._producer.poll(0)
        report = partial(self._report, label, entries)
        try:
            self._producer.produce(TRACE_TOPIC, value, label, partition, on_delivery=report)
        except BufferError:
            self.dropped(label, entries, "the queue is full")
        except KafkaException as error:
            self.dropped(label, entries, describe(error))

    def dropped(self, label: str, entries: int, reason: str) -> None:
        """Count entries that are not written."""
        self._counter.labels(label).inc(entries)
        self._unsaid += entries
        now_s = time.monotonic()
        if now_s - self._said_s >= SAY_EVERY_S:
            log.warning("trace_dropped", extra={"subscription": label, "entries": self._unsaid, "reason": reason})
            self._said_s, self._unsaid = now_s, 0

    def close(self, budget_s: float) -> None:
        """Wait for what is queued, and let go of the client."""
        self._producer.flush(budget_s)
        self._producer.purge(in_queue=True, in_flight=True, blocking=False)
        self._producer.poll(0)
        if self._unsaid:
            log.warning("trace_dropped", extra={"entries": self._unsaid, "reason": "the process ends"})
        self._producer.close()

    def _report(self, label: str, entries: int, error: KafkaError | None, _message: Message) -> None:
        if error is not None:
            self.dropped(label, entries, describe(error))
