"""The two forms of a push."""

import json

from hypothesis import given
from hypothesis import strategies as st

from schemas.cmq_push import ContentFormat, PushForm, push_headers
from tests.unit.schemas.samples import GUIDE_SAMPLE, texts


def form(content_format: ContentFormat) -> PushForm:
    return PushForm(1250000000, "job-message", "billing", content_format)


def test_json_wraps_the_message_with_cmqs_keys_in_their_order() -> None:
    assert form(ContentFormat.JSON).body("42", b"e30=", 1_529_073_797) == (
        b'{"TopicOwner":1250000000,"topicName":"job-message","subscriptionName":"billing","msgId":"42",'
        b'"msgBody":"e30=","publishTime":1529073797}'
    )


def test_simplified_is_the_message_body_alone() -> None:
    assert form(ContentFormat.SIMPLIFIED).body("42", GUIDE_SAMPLE, 1_529_073_797) == GUIDE_SAMPLE


@given(texts, texts)
def test_any_text_comes_out_of_the_json_form_unchanged(msg_id: str, text: str) -> None:
    pushed = json.loads(form(ContentFormat.JSON).body(msg_id, text.encode(), 0))
    assert (pushed["msgId"], pushed["msgBody"]) == (msg_id, text)


@given(st.binary(max_size=50))
def test_simplified_never_touches_the_bytes(body: bytes) -> None:
    assert form(ContentFormat.SIMPLIFIED).body("42", body, 0) == body


def test_the_headers_are_cmqs_in_its_order_for_both_forms() -> None:
    assert push_headers("request-1", "42") == [
        ("Content-Type", "text/plain"),
        ("User-Agent", "Qcloud Notification Service Agent"),
        ("x-cmq-request-id", "request-1"),
        ("x-cmq-message-id", "42"),
    ]
