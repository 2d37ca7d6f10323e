"""The producer of all slots of a replica: claims and journal records out, delivery reports back to the event loop.

Shape   JournalWriter(cluster, on_died): start(), claim(slot, epoch, address) -> future of its offset, send(…), close(),
        all on the event loop's thread
Kafka   idempotent, acks=all, no linger; a record that is not acknowledged within TIMEOUT_MS has failed
Threads one thread polls; the reports of one poll reach the loop by one call_soon_threadsafe
Errors  NotSentError: no room, or the client is beyond help. A fatal error replaces the client: what was out has failed
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from functools import partial

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from adapters.gateway.journal.journal_record import SLOTS_TOPIC, Claim, encode
from adapters.gateway.journal.slot_journal import NotSentError, Report
from adapters.gateway.logs.client_thread import ClientThread, OnDied
from adapters.gateway.slot_ports import SlotLostError
from pipeline.cluster import Cluster
from pipeline.kafka_errors import About, describe

log = logging.getLogger(__name__)

TIMEOUT_MS = 8_000
POLL_S = 0.2
CLOSE_S = 2.0
_ROOM_KBYTES = 128 << 10
"""The snapshots of many slots may have to wait for each other."""


class JournalWriter:
    """Appends records to `cmq.slots`."""

    def __init__(
        self,
        cluster: Cluster,
        on_died: OnDied,
        topic: str = SLOTS_TOPIC,
        appended: Callable[[list[float]], None] | None = None,
    ) -> None:
        """Nothing is sent yet.

        Args:
            cluster: whose topic.
            on_died: hears of the end of the thread, if it ends by itself.
            topic: of the slots.
            appended: hears how long records took to be acknowledged, on the polling thread.
        """
        self._appended = appended
        self._took_s: list[float] = []
        self._cluster = cluster
        self._topic = topic
        self._about = About((topic,))
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = threading.Event()
        self._patience_s = cluster.session_s()[0] - 1.0
        self._awake_s = time.monotonic()
        self._lapses = 0
        self._reports: list[tuple[Report, int, str]] = []
        self._producer = self._new_producer()
        self._thread = ClientThread("slot-journals", self._run, on_died)

    def start(self) -> None:
        """Begin; the event loop's thread calls it."""
        self._loop = asyncio.get_running_loop()
        self._thread.start()

    @property
    def lapses(self) -> int:
        """How often this process stood still for as long as the group waits for a member; whichever thread sees it."""
        now_s = time.monotonic()
        if now_s - self._awake_s > self._patience_s:
            self._lapses += 1
            self._awake_s = now_s
            log.warning("stood_still", extra={"lapses": self._lapses})
        return self._lapses

    def send(self, slot: int, record: bytes, report: Report) -> None:
        """Send a record; see Appender."""
        try:
            heard = partial(self._on_delivery, report, time.monotonic())
            self._producer.produce(self._topic, record, partition=slot, on_delivery=heard)
        except BufferError as error:
            raise NotSentError("no room for it in the producer's queue") from error
        except KafkaException as error:
            raise NotSentError(describe(error)) from error

    def claim(self, slot: int, epoch: bytes, address: str) -> "asyncio.Future[int]":
        """Claim a slot; done with the claim's offset.

        Raises (the future):
            SlotLostError: nobody knows whether it is there.
        """
        future: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        def report(offset: int, error: str) -> None:
            if future.done():
                return
            if error or offset < 0:
                future.set_exception(SlotLostError(f"slot {slot}: not claimed: {error or 'at an unknown offset'}"))
            else:
                future.set_result(offset)

        try:
            self.send(slot, encode(Claim(epoch, address)), report)
        except NotSentError as error:
            report(-1, str(error))
        return future

    async def close(self) -> None:
        """Wait shortly for what is out, then end."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(None, self._end)

    def _end(self) -> None:
        self._stopping.set()
        self._thread.join()
        self._serve(partial(self._producer.flush, CLOSE_S))
        self._producer.purge(blocking=False)
        self._producer.close()
        self._hand_over()

    def _new_producer(self) -> Producer:
        config = self._cluster.producer_config(
            logger=log,
            **{
                "linger.ms": 0,
                "message.timeout.ms": TIMEOUT_MS,
                "socket.nagle.disable": True,
                "queue.buffering.max.kbytes": _ROOM_KBYTES,
            },
        )
        return Producer(config)

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._serve(partial(self._producer.poll, POLL_S))
            _ = self.lapses  # before this thread says that it is awake
            self._awake_s = time.monotonic()
            self._hand_over()

    def _serve(self, wait: "partial[int]") -> None:
        """Collect reports; a fatal error is told once, by an exception."""
        try:
            wait()
        except KafkaException as error:
            log.exception("slot_journals_failed", extra={"error": describe(error)})
            broken, self._producer = self._producer, self._new_producer()
            broken.purge(blocking=False)
            broken.flush(CLOSE_S)  # every record has its report, if only that it was purged
            broken.close()

    def _on_delivery(self, report: Report, sent_s: float, error: KafkaError | None, message: Message) -> None:
        offset = message.offset()
        if error is None:
            self._took_s.append(time.monotonic() - sent_s)
        reason = "" if error is None else describe(error, self._about)
        self._reports.append((report, -1 if offset is None else offset, reason))

    def _hand_over(self) -> None:
        if self._reports and self._loop is not None:
            reports, self._reports = self._reports, []
            self._loop.call_soon_threadsafe(_tell, reports)
        if self._took_s:
            took_s, self._took_s = self._took_s, []
            if self._appended is not None:
                self._appended(took_s)


def _tell(reports: list[tuple[Report, int, str]]) -> None:
    for report, offset, error in reports:
        report(offset, error)
