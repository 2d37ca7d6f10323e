"""How long a producer waits for acknowledgements that do not come."""

import time

import pytest

from pipeline.errors import DeliveryFailedError
from pipeline.lifecycle import Change
from pipeline.producer import LifecycleProducer, ProducerSettings
from schemas.notifications import parse_notifications
from schemas.resources import Job

NOBODY = {"bootstrap.servers": "127.0.0.1:1", "log_level": 0}
WANTED = parse_notifications([{"TopicName": "a", "EventConfigs": [{"EventName": "JOB_RUNNING"}]}])
CHANGE = Change(
    region="r",
    time="2026-01-02T03:04:05Z",
    before="STARTING",
    after="RUNNING",
    resource=Job(JobId="job-1", JobName="x"),
)
TIMEOUT_S = 0.4
WHOLE_S = TIMEOUT_S - 0.002
"""The client counts in milliseconds, and rounds down."""


@pytest.fixture
def producer() -> LifecycleProducer:
    """It knows its topic, and no broker answers any more."""
    one = LifecycleProducer(ProducerSettings(NOBODY, flush_timeout_s=TIMEOUT_S))
    one._topics["a"] = "batch.a"
    return one


def seconds_of_flush(producer: LifecycleProducer) -> float:
    began_s = time.monotonic()
    with pytest.raises(DeliveryFailedError, match=f"without an answer after {TIMEOUT_S:g} s"):
        producer.flush()
    return time.monotonic() - began_s


def test_flush_and_close_share_one_deadline(producer: LifecycleProducer) -> None:
    assert producer.publish(CHANGE, WANTED) == 1
    assert seconds_of_flush(producer) >= WHOLE_S
    began_s = time.monotonic()
    with pytest.raises(DeliveryFailedError):
        producer.close()
    assert time.monotonic() - began_s < TIMEOUT_S


def test_a_record_that_was_published_since_is_waited_for_anew(producer: LifecycleProducer) -> None:
    producer.publish(CHANGE, WANTED)
    seconds_of_flush(producer)
    producer.publish(CHANGE, WANTED)
    assert seconds_of_flush(producer) >= WHOLE_S
    with pytest.raises(DeliveryFailedError, match=r"^2 records"):
        producer.close()


def test_one_that_published_nothing_closes_at_once(producer: LifecycleProducer) -> None:
    producer.flush()
    producer.close()
