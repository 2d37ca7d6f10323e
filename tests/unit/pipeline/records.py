"""Records as the event topic holds them, and subscriptions that read them."""

from typing import Any

from pipeline.headers import Headers
from pipeline.ports import Record
from pipeline.subscription import HttpPolicy, Protocol, Subscription
from schemas.avro import AvroEncoder
from schemas.cmq_message import parse_text
from schemas.events import BatchEvent, Family
from tests.unit.schemas.samples import GUIDE_SAMPLE

PUBLISHED_MS = 1_529_073_797_250

encode = AvroEncoder().encode

SAMPLE_EVENT = parse_text(GUIDE_SAMPLE)[0]


def job_event(name: str = "JOB_FAILED", job: str = "job-1") -> BatchEvent:
    batch = {"JobId": job, "JobName": "", "JobState": name.removeprefix("JOB_")}
    return BatchEvent(Family.JOB, name, "2018-06-15T14:43:17Z", "ap-guangzhou", batch)


def record_of(
    event: BatchEvent,
    *,
    partition: int = 0,
    offset: int = 0,
    key: bytes | None = b"key",
    headers: Headers | None = None,
) -> Record:
    return Record(partition, offset, key, encode(event), headers or [], PUBLISHED_MS)


def raw_record(value: bytes | None, offset: int = 0) -> Record:
    return Record(0, offset, b"key", value, [], PUBLISHED_MS)


def http_subscription(*, events: frozenset[str] | None = None, **policy: Any) -> Subscription:
    http = HttpPolicy("http://billing.example.com/events", **policy)
    return Subscription("job-message", "billing", Protocol.HTTP, events=events, http=http)


def queue_subscription(events: frozenset[str] | None = None) -> Subscription:
    return Subscription("job-message", "ops-queue", Protocol.QUEUE, events=events, queue_name="ops")
