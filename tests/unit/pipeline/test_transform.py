"""A record becomes what the subscriber gets: a push, a queue message, a refusal, or nothing."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.headers import Headers
from pipeline.ports import Push, Record
from pipeline.subscription import BodyEncoding, Subscription
from pipeline.transform import QueueMessage, Refusal, Transform, Unwanted
from schemas.avro import LATEST, AvroEncoder, WrittenSchema
from schemas.cmq_push import ContentFormat
from schemas.events import BatchEvent, Family
from schemas.identity import event_id, message_id
from schemas.resources import RESOURCES
from tests.unit.pipeline.records import (
    PUBLISHED_MS,
    SAMPLE_EVENT,
    http_subscription,
    job_event,
    queue_subscription,
    raw_record,
    record_of,
)
from tests.unit.schemas.raw_records import job_record, nested
from tests.unit.schemas.samples import GUIDE_SAMPLE, events, full_event

OWNER = 1250000000
CE_ID = "0123456789abcdef0123456789abcdef"
SAMPLE_RECORD = record_of(SAMPLE_EVENT, headers=[("ce_id", CE_ID.encode())])
MSG_ID = message_id(CE_ID, "job-message")


def own_id(event: BatchEvent) -> str:
    return event_id(event, RESOURCES[event.family].parse(event.batch).path())


def pushed(record: Record, subscription: Subscription) -> Push:
    push = Transform(subscription, OWNER).push(record)
    assert isinstance(push, Push)
    return push


def queued(record: Record) -> QueueMessage:
    message = Transform(queue_subscription()).queue_message(record)
    assert isinstance(message, QueueMessage)
    return message


class TestPush:
    def test_json_with_a_base64_body(self) -> None:
        push = pushed(SAMPLE_RECORD, http_subscription())
        assert push.msg_id == MSG_ID
        assert json.loads(push.body) == {
            "TopicOwner": OWNER,
            "topicName": "job-message",
            "subscriptionName": "billing",
            "msgId": MSG_ID,
            "msgBody": base64.b64encode(GUIDE_SAMPLE).decode(),
            "publishTime": PUBLISHED_MS // 1000,
        }

    def test_json_with_a_plain_body(self) -> None:
        push = pushed(SAMPLE_RECORD, http_subscription(body_encoding=BodyEncoding.PLAIN))
        assert json.loads(push.body)["msgBody"].encode() == GUIDE_SAMPLE

    def test_simplified_with_a_base64_body(self) -> None:
        push = pushed(SAMPLE_RECORD, http_subscription(content_format=ContentFormat.SIMPLIFIED))
        assert push == Push(MSG_ID, base64.b64encode(GUIDE_SAMPLE))

    def test_simplified_with_a_plain_body_is_the_guides_sample_byte_for_byte(self) -> None:
        subscription = http_subscription(content_format=ContentFormat.SIMPLIFIED, body_encoding=BodyEncoding.PLAIN)
        assert pushed(SAMPLE_RECORD, subscription) == Push(MSG_ID, GUIDE_SAMPLE)


class TestQueueMessage:
    def test_the_value_is_the_base64_of_the_text_byte_for_byte(self) -> None:
        assert base64.b64decode(queued(SAMPLE_RECORD).value, validate=True) == GUIDE_SAMPLE

    def test_its_headers_are_message_id_publish_time_and_event_id(self) -> None:
        assert queued(SAMPLE_RECORD).headers == [
            ("cmq_msg_id", MSG_ID.encode()),
            ("cmq_publish_time", b"1529073797"),
            ("ce_id", CE_ID.encode()),
        ]

    def test_a_traceparent_is_passed_on(self) -> None:
        traced = record_of(SAMPLE_EVENT, headers=[("ce_id", CE_ID.encode()), ("traceparent", b"00-ab-cd-01")])
        assert queued(traced).headers[3:] == [("traceparent", b"00-ab-cd-01")]

    def test_the_msg_id_is_that_of_the_push(self) -> None:
        push = pushed(SAMPLE_RECORD, http_subscription())
        assert ("cmq_msg_id", push.msg_id.encode()) in queued(SAMPLE_RECORD).headers


class TestIdentity:
    @pytest.mark.parametrize("family", Family)
    @pytest.mark.parametrize("headers", [[], [("ce_id", b"")], [("ce_id", None)], [("other", b"x")]])
    def test_a_record_without_an_id_gets_the_one_that_our_producer_would_have_given(
        self, family: Family, headers: Headers
    ) -> None:
        event = full_event(family)
        ours = record_of(event, headers=[("ce_id", own_id(event).encode())])
        foreign = record_of(event, headers=headers)
        assert pushed(foreign, http_subscription()) == pushed(ours, http_subscription())
        assert queued(foreign) == queued(ours)

    def test_the_same_record_has_the_same_msg_id_for_every_subscription_of_the_topic(self) -> None:
        json_push = pushed(SAMPLE_RECORD, http_subscription())
        simplified = pushed(SAMPLE_RECORD, http_subscription(content_format=ContentFormat.SIMPLIFIED))
        assert json_push.msg_id == simplified.msg_id

    def test_an_event_that_names_no_resource_and_has_no_id_is_refused(self) -> None:
        batch = {"ComputeNodeId": "", "ComputeNodeState": "CREATED"}
        nobody = BatchEvent(Family.COMPUTE_NODE, "COMPUTE_NODE_CREATED", "t", "r", batch)
        for refusal in (
            Transform(http_subscription()).push(record_of(nobody)),
            Transform(queue_subscription()).queue_message(record_of(nobody)),
        ):
            assert isinstance(refusal, Refusal)
            assert refusal.reason.startswith("no identity: ComputeNode.ComputeNodeId: ")


class TestFilter:
    def test_an_event_that_was_not_asked_for_is_unwanted(self) -> None:
        only = frozenset({"JOB_FAILED"})
        for name, kind in [("JOB_FAILED", Push), ("JOB_SUCCEED", Unwanted)]:
            assert isinstance(Transform(http_subscription(events=only)).push(record_of(job_event(name))), kind)
        for name, wanted in [("JOB_FAILED", QueueMessage), ("JOB_SUCCEED", Unwanted)]:
            transform = Transform(queue_subscription(only))
            assert isinstance(transform.queue_message(record_of(job_event(name))), wanted)

    def test_what_cannot_be_decoded_is_refused_whatever_the_filter(self) -> None:
        transform = Transform(http_subscription(events=frozenset()))
        assert isinstance(transform.push(raw_record(b"?")), Refusal)


UNDECODABLE = [
    (None, "undecodable: a record without a value"),
    (b"", "undecodable: neither single-object nor registry framing: begins with nothing"),
    (b"\xc3\x01\x01\x02\x03\x04\x05\x06\x07\x08", "undecodable: unknown schema fingerprint 0102030405060708"),
    (
        b"\x00\x00\x00\x00\x07",
        "undecodable: schema id 7 cannot be resolved: schema_registry.url is not configured",
    ),
]


@pytest.mark.parametrize(("value", "reason"), UNDECODABLE)
def test_what_cannot_be_decoded_is_refused_with_the_reason(value: bytes | None, reason: str) -> None:
    assert Transform(http_subscription()).push(raw_record(value)) == Refusal(reason)
    assert Transform(queue_subscription()).queue_message(raw_record(value)) == Refusal(reason)


def test_a_registrys_record_is_read_with_its_resolver() -> None:
    asked: list[int] = []

    def resolve(schema_id: int) -> WrittenSchema:
        asked.append(schema_id)
        return LATEST[Family.COMPUTE_NODE]

    framed = AvroEncoder(dict.fromkeys(Family, 9)).encode(SAMPLE_EVENT)
    transform = Transform(http_subscription(), OWNER, resolve)
    plain = Transform(http_subscription(), OWNER).push(record_of(SAMPLE_EVENT))
    assert transform.push(raw_record(framed)) == plain
    assert asked == [9]


def transform_all(record: Record) -> None:
    assert isinstance(Transform(http_subscription()).push(record), Push | Refusal | Unwanted)
    assert isinstance(Transform(queue_subscription()).queue_message(record), QueueMessage | Refusal | Unwanted)


header_lists = st.lists(
    st.tuples(st.sampled_from(["ce_id", "traceparent", "x"]), st.none() | st.binary(max_size=8) | st.text(max_size=4)),
    max_size=3,
)


@given(events(), header_lists)
def test_whatever_an_event_holds_it_is_sent_or_refused(event: BatchEvent, headers: Headers) -> None:
    transform_all(record_of(event, headers=headers))


@given(st.sampled_from([b"", *[schema.marker for schema in LATEST.values()]]), st.binary(max_size=120), header_lists)
def test_whatever_the_bytes_are_they_are_sent_or_refused(marker: bytes, rest: bytes, headers: Headers) -> None:
    transform_all(Record(0, 0, b"key", marker + rest, headers, -1))


@pytest.mark.parametrize("depth", [*range(1, 130, 8), *range(960, 1010)])
def test_however_deep_its_unknown_fields_are_nested_a_record_is_sent_or_refused(depth: int) -> None:
    extra = f'{{"a":{nested(depth)}}}'
    for value in (job_record(batch_extra=extra), job_record(envelope_extra=extra)):
        transform_all(raw_record(value))
