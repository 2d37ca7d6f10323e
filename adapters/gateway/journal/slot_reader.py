"""Reading slots back: from the log's start, which is the last snapshot or near it, to one's own claim.

Shape   SlotReader(cluster, make_state, on_died): start(), read(slot, until, epoch) -> future of Restored, close()
Threads one thread with one consumer that has no group reads all slots that are asked for at a time, and applies what it
        reads: the state is nobody else's until the future is done
Trims   a slot that is trimmed while it is read is begun anew, with a new state
Errors  by the future: what Reading raises (slot_reading.py), and SlotLostError where nothing came for STALLED_S
"""

import asyncio
import logging
import queue
import time
from collections.abc import Callable
from functools import partial

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Message, TopicPartition

from adapters.gateway.journal.journal_record import SLOTS_TOPIC
from adapters.gateway.journal.slot_reading import Reading, Restored
from adapters.gateway.logs.client_thread import ClientThread, OnDied
from adapters.gateway.slot_ports import SlotLostError, SlotState
from pipeline.cluster import Cluster
from pipeline.kafka_errors import About, describe

log = logging.getLogger(__name__)

STEP = 200
STEP_S = 0.05
IDLE_S = 1.0
STALLED_S = 20.0
WARM_UP_S = 5.0

_FASTER = {
    "fetch.wait.max.ms": 10,
    "fetch.message.max.bytes": 1 << 20,
    "fetch.max.bytes": 8 << 20,
    "queued.max.messages.kbytes": 16 << 10,
}


class _Job:
    """A slot that is to be read, and who waits for it."""

    def __init__(self, slot: int, until: int, epoch: bytes, make_state: Callable[[], SlotState]) -> None:
        self.slot = slot
        self.future: asyncio.Future[Restored] = asyncio.get_running_loop().create_future()
        self.heard_s = time.monotonic()
        self._from_start = partial(Reading, slot, until, epoch)
        self._make_state = make_state
        self.begin_anew()

    def begin_anew(self) -> None:
        """With an empty state."""
        self.reading = self._from_start(self._make_state())

    def end(self, result: Restored | Exception) -> None:
        """Tell the loop."""
        self.future.get_loop().call_soon_threadsafe(self._tell, result)

    def _tell(self, result: Restored | Exception) -> None:
        if self.future.done():
            return
        if isinstance(result, Exception):
            self.future.set_exception(result)
        else:
            self.future.set_result(result)


class SlotReader:
    """Restores slots."""

    def __init__(
        self, cluster: Cluster, make_state: Callable[[], SlotState], on_died: OnDied, topic: str = SLOTS_TOPIC
    ) -> None:
        self._make_state = make_state
        self._topic = topic
        self._asked: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._jobs: dict[int, _Job] = {}
        self._consumer = Consumer(
            cluster.consumer_config("batch-events-slot-reader", cluster.note) | _FASTER | {"logger": log}
        )
        self._thread = ClientThread("slot-reader", self._run, on_died)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def read(self, slot: int, until: int, epoch: bytes) -> "asyncio.Future[Restored]":
        """Read a slot to the record at until, our claim with that epoch; cancelled, it is not read any more."""
        job = _Job(slot, until, epoch, self._make_state)
        self._asked.put(job)
        return job.future

    async def close(self) -> None:
        """End; what is being read is not told."""
        self._asked.put(None)
        await asyncio.get_running_loop().run_in_executor(None, self._thread.join)

    def _run(self) -> None:
        self._warm_up()
        while self._take_up():
            first = self._consumer.poll(STEP_S)  # consume() would wait for all that it may take
            if first is not None:
                for message in [first, *self._consumer.consume(STEP, 0)]:
                    self._heard(message)
            self._look_after()
        self._consumer.close()

    def _warm_up(self) -> None:
        """Learn who leads what: the first slot would otherwise wait half a second or a whole one."""
        try:
            self._consumer.list_topics(self._topic, timeout=WARM_UP_S)
        except KafkaException as error:
            log.warning("slot_unread", extra={"error": describe(error, About((self._topic,)))})

    def _take_up(self) -> bool:
        """Begin what was asked for; False at the end."""
        try:
            job = self._asked.get(timeout=None if not self._jobs else 0) if self._jobs else self._await_job()
            while job is not None:
                self._drop(job.slot)
                self._jobs[job.slot] = job
                self._place(job.slot)
                job = self._asked.get_nowait()
        except queue.Empty:
            return True
        return False

    def _await_job(self) -> _Job | None:
        while True:
            try:
                return self._asked.get(timeout=IDLE_S)
            except queue.Empty:
                self._consumer.poll(0)  # a client that is not asked heaps up what it has to say

    def _heard(self, message: Message) -> None:
        job = self._jobs.get(message.partition() or 0)
        error = message.error()
        if error is not None:
            self._trouble(job, error)
        elif job is not None and not job.reading.begin_anew:
            job.heard_s = time.monotonic()
            try:
                result: Restored | Exception | None = job.reading.take(message.offset() or 0, message.value())
            except Exception as failed:  # noqa: BLE001  told to whoever waits for the slot
                result = failed
            if result is not None:
                self._drop(job.slot)
                job.end(result)

    def _trouble(self, job: _Job | None, error: KafkaError) -> None:
        if job is not None and error.code() in _OUT_OF_RANGE:
            job.reading.begin_anew = True
            return
        if error.code() == KafkaError.GROUP_AUTHORIZATION_FAILED:  # no group is joined
            return
        reason = describe(error, About((self._topic,)))
        log.warning("slot_unread", extra={"error": reason})
        if job is not None and error.code() == KafkaError.TOPIC_AUTHORIZATION_FAILED:
            self._drop(job.slot)
            job.end(SlotLostError(f"slot {job.slot}: not read: {reason}"))

    def _look_after(self) -> None:
        """Of what is being read: begin again, give up, forget."""
        now_s = time.monotonic()
        for job in list(self._jobs.values()):
            if job.future.cancelled():
                self._drop(job.slot)
            elif job.reading.begin_anew:
                self._drop(job.slot)
                job.begin_anew()
                self._jobs[job.slot] = job
                self._place(job.slot)
            elif now_s - job.heard_s > STALLED_S:
                self._drop(job.slot)
                job.end(SlotLostError(f"slot {job.slot}: nothing was read for {STALLED_S:g} s"))

    def _place(self, slot: int) -> None:
        self._consumer.incremental_assign([TopicPartition(self._topic, slot, OFFSET_BEGINNING)])

    def _drop(self, slot: int) -> None:
        if self._jobs.pop(slot, None) is not None:
            try:
                self._consumer.incremental_unassign([TopicPartition(self._topic, slot)])
            except KafkaException as error:
                log.warning("slot_unread", extra={"error": describe(error, About((self._topic,)))})


_OUT_OF_RANGE = {KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE}
