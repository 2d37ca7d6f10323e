"""Free text goes through as it is; CMQ's filters come before everything else."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.free_text import TEXT, TextError, is_text, record_id, tags_line, text_message_id_of
from pipeline.headers import Headers
from pipeline.ports import Push, Record
from pipeline.subscription import Subscription
from pipeline.transform import QueueMessage, Refusal, Transform, Unwanted
from schemas.avro import WrittenSchema
from schemas.cmq_push import ContentFormat
from schemas.identity import text_message_id
from tests.unit.pipeline.records import (
    PUBLISHED_MS,
    SAMPLE_EVENT,
    http_subscription,
    queue_subscription,
    raw_record,
    record_of,
)

no_text = st.binary().filter(lambda value: not decodes(value))


def decodes(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True


def text_record(value: bytes | None, *headers: tuple[str, bytes | None]) -> Record:
    return Record(3, 41, None, value, [TEXT, *headers], PUBLISHED_MS)


def filtered(one: Subscription, **filters: tuple[str, ...]) -> Subscription:
    return msgspec.structs.replace(one, **filters)


def never(schema_id: int) -> WrittenSchema:
    raise AssertionError(f"a text is no question about schema {schema_id}")


@given(st.text())
def test_a_queue_gets_the_very_bytes(text: str) -> None:
    message = Transform(queue_subscription(), 0, never).queue_message(text_record(text.encode()))
    assert isinstance(message, QueueMessage)
    assert message.value == text.encode()


@given(st.text())
def test_an_endpoint_gets_the_text_as_the_body_of_the_json_form_or_as_it_is(text: str) -> None:
    record = text_record(text.encode())
    push = Transform(http_subscription(), 7, never).push(record)
    assert isinstance(push, Push)
    assert json.loads(push.body) == {
        "TopicOwner": 7,
        "topicName": "job-message",
        "subscriptionName": "billing",
        "msgId": push.msg_id,
        "msgBody": text,
        "publishTime": PUBLISHED_MS // 1000,
    }
    simplified = Transform(http_subscription(content_format=ContentFormat.SIMPLIFIED)).push(record)
    assert isinstance(simplified, Push)
    assert simplified.body == text.encode()


def test_a_text_that_begins_like_a_registrys_record_is_a_text_and_no_registry_is_asked() -> None:
    record = text_record(b"\x00\x00\x00\x00\x07text")
    transform = Transform(queue_subscription(), 0, never)
    assert transform.ahead(record) is None
    message = transform.queue_message(record)
    assert isinstance(message, QueueMessage)
    assert message.value == record.value


def test_an_event_is_an_event_whatever_its_content_type_says() -> None:
    event = record_of(SAMPLE_EVENT, headers=[TEXT])
    assert not is_text(event)
    assert Transform(queue_subscription()).queue_message(event) == Transform(queue_subscription()).queue_message(
        record_of(SAMPLE_EVENT)
    )


@given(no_text)
def test_bytes_that_are_no_text_are_refused(value: bytes) -> None:
    record = text_record(value)
    for made in (
        Transform(http_subscription()).push(record),
        Transform(http_subscription(content_format=ContentFormat.SIMPLIFIED)).push(record),
        Transform(queue_subscription()).queue_message(record),
    ):
        assert isinstance(made, Refusal)
        assert made.reason.startswith("undecodable: ")


def test_a_text_without_a_value_is_refused() -> None:
    refusal = Refusal("undecodable: a record without a value")
    assert Transform(http_subscription()).push(text_record(None)) == refusal
    assert Transform(queue_subscription()).queue_message(text_record(None)) == refusal


def test_a_record_that_says_nothing_of_itself_is_no_text() -> None:
    assert isinstance(Transform(queue_subscription()).queue_message(raw_record(b"text")), Refusal)


def test_the_filter_by_event_names_does_not_apply_to_texts() -> None:
    only = frozenset({"JOB_FAILED"})
    assert isinstance(Transform(http_subscription(events=only)).push(text_record(b"text")), Push)
    assert isinstance(Transform(queue_subscription(only)).queue_message(text_record(b"text")), QueueMessage)


class TestIdentity:
    def test_the_msg_id_is_what_the_publisher_was_told(self) -> None:
        assert text_message_id_of(text_record(b"x", ("cmq_msg_id", b"4711")), "topic") == "4711"

    @pytest.mark.parametrize(
        "told", [None, b"", b"-1", b"4711\r\nx: y", b"x", b"1" * 21, "\N{FULLWIDTH DIGIT FOUR}".encode()]
    )
    def test_what_is_no_decimal_number_is_none_of_ours_and_another_one_is_derived(self, told: bytes | None) -> None:
        derived = text_message_id("topic", 3, 41)
        assert text_message_id_of(text_record(b"x", ("cmq_msg_id", told)), "topic") == derived
        assert derived.isdigit()

    def test_what_is_derived_differs_by_topic_partition_and_offset(self) -> None:
        places = [("a", 0, 11), ("a", 0, 1), ("a1", 0, 1), ("a", 1, 1), ("a", 11, 0)]
        assert len({text_message_id(*place) for place in {*places}}) == len({*places})

    def test_both_protocols_give_the_same_one(self) -> None:
        record = text_record(b"x")
        push = Transform(http_subscription()).push(record)
        message = Transform(queue_subscription()).queue_message(record)
        assert isinstance(push, Push)
        assert isinstance(message, QueueMessage)
        assert ("cmq_msg_id", push.msg_id.encode()) in message.headers

    def test_a_record_is_known_by_its_event_id_or_its_msg_id(self) -> None:
        assert record_id([("cmq_msg_id", b"1"), ("ce_id", b"2")]) == b"2"
        assert record_id([("cmq_msg_id", b"1")]) == b"1"
        assert record_id([]) == b""


class TestTags:
    def test_a_queue_record_has_them_as_they_came_and_an_endpoint_as_cmq_writes_them(self) -> None:
        record = text_record(b"x", ("cmq_msg_id", b"1"), ("cmq_tags", "a,世界".encode()), ("cmq_routing_key", b"r"))
        message = Transform(queue_subscription()).queue_message(record)
        assert isinstance(message, QueueMessage)
        assert message.headers == [
            ("cmq_msg_id", b"1"),
            ("cmq_publish_time", b"%d" % (PUBLISHED_MS // 1000)),
            ("cmq_tags", "a,世界".encode()),
        ]
        push = Transform(http_subscription()).push(record)
        assert isinstance(push, Push)
        assert push.tags == "a, 世界".encode()

    @pytest.mark.parametrize("tags", [b"a\r\nx: y", b"a\n", b"\x00", b"\xff", b"a\x7f", "a\u2028".encode()])
    def test_tags_that_would_leave_their_line_are_refused(self, tags: bytes) -> None:
        with pytest.raises(TextError, match="cannot stand in a header line"):
            tags_line([("cmq_tags", tags)])
        assert isinstance(Transform(http_subscription()).push(text_record(b"x", ("cmq_tags", tags))), Refusal)

    @pytest.mark.parametrize("headers", [[], [("cmq_tags", b"")], [("cmq_tags", None)]])
    def test_untagged_there_is_no_line(self, headers: Headers) -> None:
        assert tags_line(headers) == b""


class TestFilters:
    @pytest.mark.parametrize(
        ("tags", "passes"), [(None, False), (b"", False), (b"c", False), (b"c,a", True), (b"a", True)]
    )
    def test_filter_tags_want_one_of_them(self, tags: bytes | None, passes: bool) -> None:  # noqa: FBT001  a table
        record = text_record(b"x", ("cmq_tags", tags))
        http = Transform(filtered(http_subscription(), filter_tags=("a", "b"))).push(record)
        queue = Transform(filtered(queue_subscription(), filter_tags=("a", "b"))).queue_message(record)
        assert isinstance(http, Push if passes else Unwanted)
        assert isinstance(queue, QueueMessage if passes else Unwanted)

    @pytest.mark.parametrize(("key", "passes"), [(None, False), (b"a.b", True), (b"a", False), (b"b.a", False)])
    def test_binding_keys_want_a_routing_key_that_fits(self, key: bytes | None, passes: bool) -> None:  # noqa: FBT001
        record = text_record(b"x", ("cmq_routing_key", key))
        http = Transform(filtered(http_subscription(), binding_keys=("a.*",))).push(record)
        assert isinstance(http, Push if passes else Unwanted)

    def test_a_batch_event_has_no_tags_and_is_left_out_by_filter_tags(self) -> None:
        one = filtered(queue_subscription(), filter_tags=("a",))
        assert isinstance(Transform(one).queue_message(record_of(SAMPLE_EVENT)), Unwanted)

    def test_what_is_left_out_is_not_even_decoded(self) -> None:
        one = filtered(queue_subscription(), filter_tags=("a",))
        assert isinstance(Transform(one).queue_message(raw_record(b"garbage")), Unwanted)


header_lists = st.lists(
    st.tuples(
        st.sampled_from(["content-type", "cmq_tags", "cmq_msg_id", "cmq_routing_key"]),
        st.none() | st.binary(max_size=8) | st.just(b"text/plain"),
    ),
    max_size=5,
)


@given(st.none() | st.binary(max_size=40), header_lists)
def test_whatever_a_record_says_it_is_sent_refused_or_left_out(value: bytes | None, headers: Headers) -> None:
    record = Record(0, 0, None, value, headers, PUBLISHED_MS)
    for one in (http_subscription(), filtered(http_subscription(), filter_tags=("a",))):
        push = Transform(one).push(record)
        assert isinstance(push, Push | Refusal | Unwanted)
        assert not (isinstance(push, Push) and b"\n" in push.tags + push.msg_id.encode())
