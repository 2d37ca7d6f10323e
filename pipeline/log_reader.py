"""Reading single events, or a part of the log, again: a second consumer without a group.

Shape   KafkaLogReader keeps the LogReader port: want(partition, offset), scan(partition, start, end, keys); step()
        does a little and returns what it found
Cost    an idle consumer's seek takes 200 ms, an assign with `fetch.wait.max.ms=10` takes 7: wanted offsets that lie
        close to each other are read in one go. Only one job is under way at a time, and step() never waits
Missing offsets that the log no longer has come back as Missing: compacted or expired
"""

import logging
from collections import deque

from confluent_kafka import Consumer, KafkaError, Message, TopicPartition

from pipeline.cluster import Cluster
from pipeline.kill_point import kill_point
from pipeline.ports import Found, Record
from pipeline.read_jobs import Job, PointsJob, ScanJob

log = logging.getLogger(__name__)

STEP = 500


class KafkaLogReader:
    """Reads one topic by offset."""

    def __init__(self, cluster: Cluster, topic: str) -> None:
        self._cluster = cluster
        self._topic = topic
        self._consumer: Consumer | None = None
        self._wanted: dict[int, set[int]] = {}
        self._scans: deque[ScanJob] = deque()
        self._job: Job | None = None
        self._placed: int | None = None

    @property
    def busy(self) -> bool:
        """Whether there is something to read."""
        return self._job is not None or bool(self._wanted) or bool(self._scans)

    def want(self, partition: int, offset: int) -> None:
        """Read one record again."""
        self._wanted.setdefault(partition, set()).add(offset)

    def scan(self, partition: int, start: int, end: int, keys: set[bytes | None]) -> None:
        """Find the offsets of these keys in [start, end)."""
        self._scans.append(ScanJob(partition, start, end, keys))

    def forget(self, partitions: set[int]) -> None:
        """Drop what was asked of these partitions."""
        for partition in partitions:
            self._wanted.pop(partition, None)
        self._scans = deque(scan for scan in self._scans if scan.partition not in partitions)
        if self._job is not None and self._job.partition in partitions:
            self._job = None

    def step(self) -> list[Found]:
        """Read a little."""
        if self._job is None:
            self._begin()
        if self._consumer is None:
            return []
        if self._job is None:
            self._rest(self._consumer)
            return []
        job = self._job
        found: list[Found] = []
        for message in self._consumer.consume(STEP, 0):
            if message.partition() == job.partition:
                found += _meaning(job, message)
            if job.place != self._placed:
                break  # what else was fetched lies elsewhere
        if job.place is None:
            self._job = None
        elif job.place != self._placed:
            self._place(job)
        return found

    def close(self) -> None:
        """Let go of the client."""
        if self._consumer is not None:
            self._consumer.close()

    def _rest(self, consumer: Consumer) -> None:
        """Fetch nothing more; but a client that is not asked heaps up what it has to say."""
        if self._placed is not None:
            self._placed = None
            consumer.unassign()
        consumer.poll(0)

    def _begin(self) -> None:
        if self._wanted:
            self._job = PointsJob(*self._wanted.popitem())
        elif self._scans:
            self._job = self._scans.popleft()
        if self._job is not None:
            self._place(self._job)

    def _place(self, job: Job) -> None:
        if self._consumer is None:
            config = self._cluster.consumer_config("batch-events-log-reader") | {
                "enable.partition.eof": True,
                "fetch.wait.max.ms": 10,
                "queued.min.messages": STEP,
                "logger": log,
            }
            self._consumer = Consumer(config)
        place = self._placed = job.place
        assert place is not None  # noqa: S101  a job that is not done
        self._consumer.assign([TopicPartition(self._topic, job.partition, place)])


def _meaning(job: Job, message: Message) -> list[Found]:
    error = message.error()
    if error is None:
        kill_point("in-catch-up-scan")
        return job.took(record_of(message))
    if error.code() == KafkaError._PARTITION_EOF:
        return job.ended()
    return job.at_start_lost() if error.code() in _OUT_OF_RANGE else []


_OUT_OF_RANGE = {KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE}


def record_of(message: Message) -> Record:
    """What the pipeline knows of a message without an error."""
    return Record(
        message.partition() or 0,
        message.offset() or 0,
        message.key(),
        message.value(),
        message.headers() or [],  # type: ignore[arg-type]  # typed as if it could be a dict
        message.timestamp()[1],
    )
