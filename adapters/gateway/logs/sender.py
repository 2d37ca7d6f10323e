"""Messages into queue and event topics: idempotent, acknowledged by every replica, the answer a future on the loop.

Shape   KafkaSender(cluster, on_died).send(topic, partition, values, headers, key) -> a future of (partition, offset) of
        each value, in order. ANY_PARTITION: Kafka's partitioner chooses
Errors  CmqError by the future, when what became of each value is known: NO_QUEUE for a topic that does not exist,
        MESSAGE_TOO_BIG, INTERNAL for all else, such as a time-out; then others of the values may be in the log
Kafka   `message.timeout.ms` 8 s: before a client gives up. A topic that was deleted is not made again
Cost    one future a call, two counters a message
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from functools import partial

from adapters.gateway.logs.client_thread import OnDied
from adapters.gateway.logs.producing import FLUSH_S, Delivery, LoopProducer
from adapters.gateway.logs.refusals import refusal
from pipeline.cluster import Cluster
from pipeline.headers import Headers
from pipeline.kafka_errors import About, describe

log = logging.getLogger(__name__)

CONFIG: Mapping[str, object] = {
    "linger.ms": 1,
    "message.timeout.ms": 8_000,
    "topic.metadata.propagation.max.ms": 2_000,  # how long a topic that no broker knows may be a new one
    "queue.buffering.max.kbytes": 64 << 10,
}

Sent = list[tuple[int, int]]
"""Partition and offset of each message."""


class KafkaSender:
    """One process's. Made, and called, on the event loop's thread."""

    def __init__(self, cluster: Cluster, on_died: OnDied) -> None:
        self._loop = asyncio.get_running_loop()
        self._producer = LoopProducer(cluster, self._loop.call_soon_threadsafe, on_died, CONFIG, ask_again=True)

    def send(
        self,
        topic: str,
        partition: int,
        values: Sequence[bytes],
        headers: Sequence[Headers],
        key: bytes | None = None,
    ) -> asyncio.Future[Sent]:
        """Append values, each with its headers."""
        sending = _Sending(topic, len(values), self._loop.create_future())
        for index, (value, its) in enumerate(zip(values, headers, strict=True)):
            told = partial(sending.told, index)
            self._producer.produce(topic, value, told, key=key, partition=partition, headers=its)
        return sending.done

    async def close(self, flush_s: float = FLUSH_S) -> None:
        """Wait for what is under way, then let go of the client."""
        await asyncio.to_thread(self._producer.close, flush_s)


class _Sending:
    """One call's messages."""

    __slots__ = ("_error", "_left", "_sent", "_topic", "done")

    def __init__(self, topic: str, count: int, done: asyncio.Future[Sent]) -> None:
        self._topic = topic
        self._left = count
        self._sent: Sent = [(-1, -1)] * count
        self._error: Delivery | None = None
        self.done = done
        if not count:
            done.set_result([])

    def told(self, index: int, delivery: Delivery) -> None:
        """One more is known."""
        self._sent[index] = delivery.partition, delivery.offset
        if delivery.error is not None:
            self._error = self._error or delivery
        self._left -= 1
        if self._left or self.done.done():
            return
        if self._error is None or self._error.error is None:
            self.done.set_result(self._sent)
        else:
            error = describe(self._error.error, About((self._topic,)))
            log.warning("send_failed", extra={"topic": self._topic, "error": error})
            self.done.set_exception(refusal(self._error.error))
