"""The text of a message and its Base64."""

import base64
import json

import pytest
from hypothesis import given

from schemas.cmq_message import message_body, message_text, parse_body, parse_text
from schemas.errors import CmqMessageError
from schemas.events import BatchEvent, EventVar, Family
from tests.unit.schemas.samples import GUIDE_SAMPLE, events, full_event


@given(events())
def test_what_is_written_is_read_again(event: BatchEvent) -> None:
    assert parse_text(message_text(event)) == [event]
    assert parse_body(message_body(event)) == [event]


@given(events())
def test_any_json_parser_sees_the_same_fields_in_the_same_order(event: BatchEvent) -> None:
    (envelope,) = json.loads(message_text(event))["Events"]
    assert list(envelope) == [
        "EventVersion",
        "EventTime",
        "Region",
        "Batch",
        "EventName",
        "EventVars",
        *(event.extra or {}),
    ]
    assert list(envelope["Batch"].items()) == list(event.batch.items())
    assert envelope["EventVars"] == [{"Name": var.Name, "Value": var.Value} for var in event.event_vars]


def test_the_text_is_compact_utf_8_with_nothing_escaped_that_need_not_be() -> None:
    event = BatchEvent(
        Family.JOB,
        "JOB_FAILED",
        "2018-06-15T14:43:17Z",
        "ap-guangzhou",
        {"JobId": "job-1", "JobName": 'é 日本 "q" <&>/', "JobState": "FAILED"},
        (EventVar("who", "me"),),
        extra={"TraceId": 7},
    )
    assert message_text(event).decode() == (
        '{"Events":[{"EventVersion":"1.0","EventTime":"2018-06-15T14:43:17Z","Region":"ap-guangzhou","Batch":'
        '{"JobId":"job-1","JobName":"é 日本 \\"q\\" <&>/","JobState":"FAILED"},"EventName":"JOB_FAILED",'
        '"EventVars":[{"Name":"who","Value":"me"}],"TraceId":7}]}'
    )


@pytest.mark.parametrize("family", Family)
def test_every_field_at_both_levels_survives(family: Family) -> None:
    (event,) = parse_text(message_text(full_event(family)))
    assert event == full_event(family)
    assert list(event.batch) == list(full_event(family).batch)


def test_every_event_of_the_list_is_read_in_order() -> None:
    both = b'{"Events":[%s,%s]}' % tuple(
        message_text(full_event(family))[len('{"Events":[') : -2] for family in (Family.TASK, Family.JOB)
    )
    assert parse_text(both) == [full_event(Family.TASK), full_event(Family.JOB)]
    assert parse_text(b'{"Events":[]}') == []


@pytest.mark.parametrize(
    ("batch", "family"),
    [
        ('{"JobId":"j"}', Family.JOB),
        ('{"JobId":"j","TaskName":"A"}', Family.TASK),
        ('{"JobId":"j","TaskName":"A","TaskInstanceIndex":0}', Family.TASK_INSTANCE),
        ('{"EnvId":"e","ComputeNodeId":"n"}', Family.COMPUTE_NODE),
        ('{"JobId":"j","ComputeNodeId":"n"}', Family.COMPUTE_NODE),
        ('{"EnvId":"e"}', Family.COMPUTE_ENV),
    ],
)
def test_an_event_of_an_unknown_name_belongs_to_the_family_of_its_object(batch: str, family: Family) -> None:
    text = (
        '{"Events":[{"EventVersion":"1.0","EventTime":"t","Region":"r","EventName":"NEW","EventVars":[],'
        f'"Batch":{batch}}}]}}'
    )
    (event,) = parse_text(text)
    assert (event.family, event.name) == (family, "NEW")


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b"{}",
        b'{"events":[]}',
        b'{"Events":null}',
        b'{"Events":{}}',
        b'{"Events":[1]}',
        b'{"Events":[{}]}',
        GUIDE_SAMPLE.replace(b'"Cpu":4', b'"Cpu":1e999'),
        GUIDE_SAMPLE.replace(b'"EventVars":[]', b'"EventVars":[{"Name":"n"}]'),
        GUIDE_SAMPLE.replace(b'"EventVars":[]', b'"EventVars":null'),
        GUIDE_SAMPLE.replace(b'"EventTime":"2018-06-15T14:43:17Z"', b'"EventTime":5'),
        GUIDE_SAMPLE.replace(b'"EventName"', b'"Name"'),
        GUIDE_SAMPLE + b"x",
        GUIDE_SAMPLE[:-1],
    ],
)
def test_text_of_another_shape_is_refused(text: bytes) -> None:
    with pytest.raises(CmqMessageError, match=r"^not a CMQ message of Batch events: "):
        parse_text(text)


@pytest.mark.parametrize(
    "body",
    [b"****", "é", base64.b64encode(GUIDE_SAMPLE)[:-1], b" " + b"e30=", b"e30\n="],
)
def test_what_is_no_base64_is_refused(body: bytes | str) -> None:
    with pytest.raises(CmqMessageError, match=r"^not Base64: "):
        parse_body(body)


def test_base64_of_something_else_is_refused() -> None:
    with pytest.raises(CmqMessageError, match=r"^not a CMQ message of Batch events: "):
        parse_body(base64.b64encode(b"{}"))


def test_a_field_that_is_wrong_is_named_in_the_reason() -> None:
    with pytest.raises(CmqMessageError, match=r"EventTime"):
        parse_text(GUIDE_SAMPLE.replace(b'"EventTime":"2018-06-15T14:43:17Z"', b'"EventTime":5'))
