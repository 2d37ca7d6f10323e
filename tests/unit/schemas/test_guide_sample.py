"""The one published message, through every wire and back, byte for byte."""

import base64
import json

from schemas.avro import AvroEncoder, decode_avro
from schemas.cmq_message import message_body, message_text, parse_body, parse_text
from schemas.events import EVENT_FAMILIES, Family
from tests.unit.schemas.samples import GUIDE_SAMPLE


def test_the_sample_in_the_tests_is_the_published_one() -> None:
    event = json.loads(GUIDE_SAMPLE)["Events"][0]
    assert list(event) == ["EventVersion", "EventTime", "Region", "Batch", "EventName", "EventVars"]
    assert event["Batch"] == {
        "EnvId": "env-ptoxdb1t",
        "EnvName": "batch-env",
        "ComputeNodeId": "node-0iy7wxyo",
        "ComputeNodeInstanceId": "ins-9rikj9kw",
        "ComputeNodeState": "CREATED",
        "Cpu": 4,
        "Mem": 8,
        "ResourceCreatedTime": "2018-06-15T14:43:18Z",
    }
    assert (event["EventTime"], event["EventVersion"]) == ("2018-06-15T14:43:17Z", "1.0")


def test_it_is_an_event_of_a_node() -> None:
    (event,) = parse_text(GUIDE_SAMPLE)
    assert (event.family, event.name) == (Family.COMPUTE_NODE, "COMPUTE_NODE_CREATED")
    assert EVENT_FAMILIES[event.name] is Family.COMPUTE_NODE
    assert event.extra is None


def test_it_comes_out_of_avro_byte_for_byte() -> None:
    (event,) = parse_text(GUIDE_SAMPLE)
    assert message_text(decode_avro(AvroEncoder().encode(event))) == GUIDE_SAMPLE


def test_it_comes_out_of_base64_byte_for_byte() -> None:
    (event,) = parse_text(GUIDE_SAMPLE)
    body = message_body(event)
    assert base64.b64decode(body, validate=True) == GUIDE_SAMPLE
    (again,) = parse_body(body)
    assert message_text(again) == GUIDE_SAMPLE


def test_base64_is_one_line_of_the_standard_alphabet() -> None:
    (event,) = parse_text(GUIDE_SAMPLE)
    assert message_body(event) == base64.standard_b64encode(GUIDE_SAMPLE)
