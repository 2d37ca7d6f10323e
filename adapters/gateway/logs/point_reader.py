"""Single offsets of queue topics again, for messages that are received once more: another consumer without a group.

Shape   PointReader(cluster, on_loop, on_died): want(follow, offsets); the reader's own thread reads them, of up to
        AT_ONCE partitions at a time. What it finds reaches the loop by one call for each poll
Kafka   `fetch.wait.max.ms=10`: a seek of an idle consumer otherwise waits 200 ms. Offsets within CLOSE of each other
        are read through (read_jobs.py, as the redeliveries of callbacks are)
Missing expired, compacted, or never a message: the log is there, but what was wanted is not in it. Beyond the log's end
        nothing is missing before LATE_S: a new leader may know of the end a moment later
Unknown a broker that does not know the topic may lag behind: asked again each AGAIN_S, until nobody follows any more
Cost    a thread, asleep while nothing is wanted
"""

import logging
import threading
import time
from collections.abc import Mapping, Sequence
from functools import partial

from confluent_kafka import Consumer, KafkaError, Message, TopicPartition

from adapters.gateway.logs.client_thread import ClientThread, OnDied
from adapters.gateway.logs.follow import Follow, Where
from adapters.gateway.slot_ports import Body, OnLoop
from pipeline.cluster import Cluster
from pipeline.kafka_errors import describe, is_end, is_out_of_range, is_unknown_topic
from pipeline.log_reader import record_of
from pipeline.ports import Found, Missing, Record
from pipeline.read_jobs import BEGINNING, PointsJob

log = logging.getLogger(__name__)

AT_ONCE = 64
CLOSE = 300
"""To read so many bodies takes as long as a seek."""

STEP = 500
WAKE_S = 0.01
REST_S = 1.0
LATE_S = 5.0
AGAIN_S = 1.0


class _Reading:
    """What is being read of one partition."""

    __slots__ = ("at_end_s", "follow", "from_start", "job", "placed")

    def __init__(self, follow: Follow, offsets: set[int]) -> None:
        self.follow = follow
        self.job = PointsJob(follow.partition, offsets, CLOSE)
        self.placed: int | None = None
        self.from_start = False
        self.at_end_s: float | None = None


class PointReader:
    """One consumer and its thread."""

    def __init__(self, cluster: Cluster, on_loop: OnLoop, on_died: OnDied) -> None:
        config = cluster.consumer_config("batch-events-points", cluster.note) | {
            "enable.partition.eof": True,
            "fetch.wait.max.ms": 10,
            "queued.min.messages": STEP,
            "logger": log,
        }
        self._consumer = Consumer(config)
        self._on_loop = on_loop
        self._lock = threading.Lock()
        self._wanted: dict[Follow, set[int]] = {}
        self._waiting: dict[Follow, set[int]] = {}
        self._readings: dict[Where, _Reading] = {}
        self._unknown: dict[Follow, set[int]] = {}
        self._unknown_until_s = 0.0
        self._wake = threading.Event()
        self._stopping = False
        self._thread = ClientThread("queue-points", self._run, on_died)
        self._thread.start()

    def want(self, follow: Follow, offsets: Sequence[int]) -> None:
        """Read these, in ascending order, unless it ends before."""
        with self._lock:
            self._wanted.setdefault(follow, set()).update(offsets)
        self._wake.set()

    def close(self) -> None:
        """Stop reading. Blocks for a moment."""
        self._stopping = True
        self._wake.set()
        self._thread.join()
        self._consumer.close()

    def _run(self) -> None:
        while not self._stopping:
            self._take_up()
            if not self._readings:
                self._consumer.poll(0)
                self._wake.wait(REST_S)
                self._wake.clear()
                continue
            found: dict[Follow, list[Found]] = {}
            for message in self._read():
                self._meaning(message, found)
            self._late(found)
            if found:
                self._on_loop(partial(_tell, found))
            self._place()

    def _read(self) -> list[Message]:
        first = self._consumer.poll(WAKE_S)
        return [] if first is None else [first, *self._consumer.consume(STEP - 1, 0)]

    def _take_up(self) -> None:
        """Begin what is wanted, as far as there is room; let go of what nobody follows any more."""
        if self._wanted:
            with self._lock:
                wanted, self._wanted = self._wanted, {}
            self._enqueue(wanted)
        if self._unknown and time.monotonic() >= self._unknown_until_s:
            unknown, self._unknown = self._unknown, {}
            self._enqueue(unknown)
        for reading in self._readings.values():
            if not reading.follow.live:
                reading.job.place = None
        if not self._waiting and all(reading.job.place is not None for reading in self._readings.values()):
            return
        kept: dict[Follow, set[int]] = {}
        self._place()
        for follow, offsets in self._waiting.items():
            if not follow.live:
                continue
            if follow.where in self._readings or len(self._readings) >= AT_ONCE:
                kept[follow] = offsets
            else:
                self._readings[follow.where] = _Reading(follow, offsets)
        self._waiting = kept
        self._place()

    def _enqueue(self, wanted: Mapping[Follow, set[int]]) -> None:
        for follow, offsets in wanted.items():
            self._waiting.setdefault(follow, set()).update(offsets)

    def _place(self) -> None:
        """Make the consumer read where the jobs are now."""
        moved = [(where, one) for where, one in self._readings.items() if one.job.place != one.placed]
        if not moved:
            return
        if left := [TopicPartition(*where) for where, one in moved if one.placed is not None]:
            self._consumer.incremental_unassign(left)
        places: list[TopicPartition] = []
        for where, one in moved:
            one.placed = one.job.place
            one.at_end_s = None
            if one.placed is None:
                del self._readings[where]
            else:
                places.append(TopicPartition(*where, one.placed))
        if places:
            self._consumer.incremental_assign(places)

    def _meaning(self, message: Message, found: dict[Follow, list[Found]]) -> None:
        reading = self._readings.get((message.topic() or "", message.partition() or 0))
        if reading is None or reading.job.place != reading.placed:
            return  # it is to be read elsewhere: what else was fetched lies beyond
        error = message.error()
        if error is not None:
            some = self._trouble(reading, error, message.offset() or 0)
        else:
            reading.at_end_s = None
            some = reading.job.took(record_of(message))
        if some:
            found.setdefault(reading.follow, []).extend(some)

    def _trouble(self, reading: _Reading, error: KafkaError, offset: int) -> list[Found]:
        job = reading.job
        if is_end(error):
            found = job.ended_before(offset)
            reading.at_end_s = None if job.place is None else time.monotonic()
            return found
        if is_out_of_range(error):
            if reading.from_start:
                return job.at_start_lost()
            reading.from_start = True  # the first record tells all that are lost, not one for each look
            job.place = BEGINNING
        elif is_unknown_topic(error):
            self._unknown[reading.follow] = {*job.left, *self._unknown.get(reading.follow, ())}
            self._unknown_until_s = time.monotonic() + AGAIN_S
            job.place = None  # whether the topic is gone the tail's reader finds out, and ends the follow
        else:
            log.warning("body_not_read", extra={"topic": reading.follow.topic, "error": describe(error)})
        return []

    def _late(self, found: dict[Follow, list[Found]]) -> None:
        """What the log's end does not reach in time is not there."""
        for reading in self._readings.values():
            if reading.at_end_s is not None and time.monotonic() - reading.at_end_s > LATE_S:
                reading.at_end_s = None
                found.setdefault(reading.follow, []).extend(reading.job.ended())


def _tell(found: dict[Follow, list[Found]]) -> None:
    for follow, some in found.items():
        bodies = [
            Body(one.partition, one.offset, one.timestamp_ms, one.value or b"", one.headers)
            for one in some
            if isinstance(one, Record)
        ]
        missing = [one.offset for one in some if isinstance(one, Missing)]
        if bodies and follow.live:
            follow.listener.on_bodies(bodies)
        if missing and follow.live:
            follow.listener.on_missing(follow.partition, missing)
