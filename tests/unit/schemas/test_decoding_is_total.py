"""Any bytes, any text, any JSON: an event or the one named error. And what was decoded can be written again."""

import base64
import contextlib
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from schemas.avro import LATEST, AvroEncoder, WrittenSchema, decode_avro
from schemas.cmq_message import message_body, message_text, parse_body, parse_text
from schemas.errors import AvroDecodeError, CmqMessageError, Fault, NotificationsError
from schemas.events import BatchEvent, Family
from schemas.notifications import parse_notifications
from tests.unit.schemas.samples import GUIDE_SAMPLE, events, json_values, mutated

MARKERS = [schema.marker for schema in LATEST.values()]


def decode_and_write(value: bytes) -> None:
    with contextlib.suppress(AvroDecodeError):
        event = decode_avro(value)
        message_text(event)
        message_body(event)


@given(st.binary(max_size=200))
@example(b"\x00\xff\xff\xff\xff")
def test_any_bytes(value: bytes) -> None:
    decode_and_write(value)


@given(st.sampled_from(MARKERS), st.binary(max_size=200))
@example(MARKERS[0], b"\xff" * 9 + b"\x01")
@example(MARKERS[0], b"\xff" * 10 + b"\x01")
@example(MARKERS[0], b"\x01")
def test_any_bytes_behind_a_known_marker(marker: bytes, rest: bytes) -> None:
    decode_and_write(marker + rest)


@given(mutated(st.builds(lambda event: AvroEncoder().encode(event), events())))
def test_a_record_with_some_bytes_changed(value: bytes) -> None:
    decode_and_write(value)


@given(st.sampled_from(Family), st.binary(max_size=100))
def test_any_bytes_behind_a_registry_id(family: Family, rest: bytes) -> None:
    def resolve(_schema_id: int) -> WrittenSchema:
        return LATEST[family]

    with contextlib.suppress(AvroDecodeError):
        message_text(decode_avro(b"\x00\x00\x00\x00\x01" + rest, resolve))


def parses(parse: Callable[[Any], list[BatchEvent]], value: bytes | str) -> None:
    with contextlib.suppress(CmqMessageError):
        assert all(isinstance(event, BatchEvent) for event in parse(value))


@given(st.binary(max_size=200) | st.text(max_size=200))
@example("\ud800")
@example("[" * 100_000)
@example('{"Events":' * 500)
def test_any_text_is_a_message_or_refused(text: bytes | str) -> None:
    parses(parse_text, text)


@given(mutated(st.just(GUIDE_SAMPLE) | st.builds(message_text, events())))
def test_a_message_with_some_bytes_changed(text: bytes) -> None:
    parses(parse_text, text)


@given(json_values | st.fixed_dictionaries({"Events": json_values | st.lists(json_values, max_size=2)}))
def test_any_json_is_a_message_or_refused(document: object) -> None:
    parses(parse_text, json.dumps(document))


@given(st.binary(max_size=100) | st.text(max_size=100) | st.binary(max_size=100).map(base64.b64encode))
@example("é")
def test_any_body_is_a_message_or_refused(body: bytes | str) -> None:
    parses(parse_body, body)


_notification_like = st.fixed_dictionaries(
    {},
    optional={
        "TopicName": json_values | st.just("job-message"),
        "topic_name": json_values,
        "EventConfigs": json_values
        | st.lists(
            st.fixed_dictionaries(
                {},
                optional={
                    "EventName": json_values | st.sampled_from(["JOB_FAILED", "JobFailed", "TaskRunning"]),
                    "event_vars": json_values
                    | st.lists(st.fixed_dictionaries({}, optional={"Name": json_values, "Value": json_values})),
                },
            ),
            max_size=3,
        ),
    },
)


@given(
    json_values
    | st.lists(json_values | _notification_like, max_size=3)
    | st.dictionaries(st.sampled_from(["Job", "ComputeEnv", "Notifications", "notifications"]), json_values)
    | st.fixed_dictionaries({"Job": st.fixed_dictionaries({"Notifications": st.lists(_notification_like, max_size=3)})})
)
def test_any_json_is_notifications_or_refused_with_every_fault_named(document: object) -> None:
    faults = [Fault("none", "none", "none")]
    try:
        parse_notifications(document)
    except NotificationsError as error:
        faults = error.faults
    assert faults
    assert all(fault.path and fault.code and fault.reason for fault in faults)


@pytest.mark.parametrize("depth", [10, *range(960, 1010), 20_000])
def test_notifications_nested_however_deep_are_refused_by_name(depth: int) -> None:
    deep: list[object] = []
    for _ in range(depth):
        deep = [deep]
    for document in (deep, {"Notifications": deep}, [{"TopicName": deep, "EventConfigs": deep}]):
        with pytest.raises(NotificationsError):
            parse_notifications(document)
