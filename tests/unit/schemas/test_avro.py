"""Events to Avro and back: both framings, unknown fields, and what is refused."""

from typing import Any

import pytest
from hypothesis import given

from schemas.avro import LATEST, MAX_DEPTH, AvroEncoder, WrittenSchema, decode_avro, load_schema
from schemas.cmq_message import message_text
from schemas.errors import AvroDecodeError, AvroEncodeError
from schemas.events import BatchEvent, Family
from tests.unit.schemas.raw_records import job_record, nested
from tests.unit.schemas.samples import REQUIRED, STATE_FIELDS, events, full_event

REGISTRY_IDS = {family: 1000 + number for number, family in enumerate(Family)}


def resolve(schema_id: int) -> WrittenSchema:
    by_id = {schema_id: family for family, schema_id in REGISTRY_IDS.items()}
    if schema_id not in by_id:
        raise AvroDecodeError(f"schema id {schema_id} is unknown")
    return LATEST[by_id[schema_id]]


def job_event(**fields: Any) -> BatchEvent:
    batch = {"JobId": "job-1", "JobName": "", "JobState": "FAILED", **fields}
    return BatchEvent(Family.JOB, "JOB_FAILED", "2018-06-15T14:43:17Z", "ap-guangzhou", batch)


@given(events())
def test_what_is_encoded_is_decoded_and_has_the_same_text(event: BatchEvent) -> None:
    decoded = decode_avro(AvroEncoder().encode(event))
    assert decoded == event
    assert message_text(decoded) == message_text(event)


@pytest.mark.parametrize("family", Family)
def test_every_field_at_both_levels_survives(family: Family) -> None:
    assert decode_avro(AvroEncoder().encode(full_event(family))) == full_event(family)


@pytest.mark.parametrize("family", Family)
def test_a_null_of_a_known_field_is_the_same_as_absent(family: Family) -> None:
    required = REQUIRED[family].keys() | {STATE_FIELDS[family]}
    event = full_event(family)
    nulls = {name: value if name in required else None for name, value in event.batch.items()}
    known = {name: value for name, value in nulls.items() if value is not None or name in {"Tags", "Extra"}}
    nulled = BatchEvent(family, event.name, event.time, event.region, nulls)
    assert decode_avro(AvroEncoder().encode(nulled)).batch == known


@pytest.mark.parametrize("value", ["text", None, {"JobId": "another"}, [1]])
def test_an_unknown_field_may_be_called_extra_as_ours_is(value: Any) -> None:
    event = job_event(Extra=value)
    assert decode_avro(AvroEncoder().encode(event)) == event


def test_an_unknown_event_name_is_carried_through() -> None:
    assert decode_avro(job_record(name="JOB_PAUSED")).name == "JOB_PAUSED"


class TestRegistryFraming:
    @pytest.mark.parametrize("family", Family)
    def test_a_record_begins_with_zero_and_the_id_and_is_else_the_same(self, family: Family) -> None:
        event = full_event(family)
        framed = AvroEncoder(REGISTRY_IDS).encode(event)
        assert framed[:5] == b"\x00" + REGISTRY_IDS[family].to_bytes(4, "big")
        assert framed[5:] == AvroEncoder().encode(event)[10:]

    @pytest.mark.parametrize("family", Family)
    def test_it_is_read_with_the_schema_of_the_id(self, family: Family) -> None:
        assert decode_avro(AvroEncoder(REGISTRY_IDS).encode(full_event(family)), resolve) == full_event(family)

    def test_a_reader_with_a_registry_reads_single_object_records_too(self) -> None:
        assert decode_avro(AvroEncoder().encode(full_event(Family.JOB)), resolve) == full_event(Family.JOB)

    def test_without_a_registry_the_error_says_what_is_not_configured(self) -> None:
        record = AvroEncoder(REGISTRY_IDS).encode(full_event(Family.JOB))
        with pytest.raises(AvroDecodeError) as caught:
            decode_avro(record)
        assert str(caught.value) == "schema id 1000 cannot be resolved: schema_registry.url is not configured"

    def test_the_resolvers_own_error_comes_through(self) -> None:
        with pytest.raises(AvroDecodeError, match=r"^schema id 7 is unknown$"):
            decode_avro(b"\x00\x00\x00\x00\x07", resolve)


class TestUndecodable:
    @pytest.mark.parametrize(
        ("value", "reason"),
        [
            (b"", "neither single-object nor registry framing: begins with nothing"),
            (b"{", "neither single-object nor registry framing: begins with 7b"),
            (b'{"Events":[]}', "neither single-object nor registry framing: begins with 7b22"),
            (b"\x00\x00\x00\x01", "neither single-object nor registry framing: begins with 0000"),
            (b"\xc3\x01short", "neither single-object nor registry framing: begins with c301"),
            (b"\xc3\x01\x01\x02\x03\x04\x05\x06\x07\x08rest", "unknown schema fingerprint 0102030405060708"),
            (
                b"\xc3\x02\x01\x02\x03\x04\x05\x06\x07\x08",
                "neither single-object nor registry framing: begins with c302",
            ),
        ],
    )
    def test_a_framing_that_is_not_known_is_told(self, value: bytes, reason: str) -> None:
        with pytest.raises(AvroDecodeError) as caught:
            decode_avro(value)
        assert str(caught.value) == reason

    @pytest.mark.parametrize("family", Family)
    def test_a_record_cut_anywhere_is_refused(self, family: Family) -> None:
        record = AvroEncoder().encode(full_event(family))
        for length in range(len(record)):
            with pytest.raises(AvroDecodeError):
                decode_avro(record[:length])

    @pytest.mark.parametrize("family", Family)
    def test_bytes_left_over_are_refused_and_counted(self, family: Family) -> None:
        record = AvroEncoder().encode(full_event(family))
        with pytest.raises(AvroDecodeError) as caught:
            decode_avro(record + b"\x00\x00\x00")
        assert str(caught.value) == f"3 bytes left over after a {family}Event"

    @pytest.mark.parametrize("extra", ["", "x", "[]", "null", '{"a":', '{"a":1e999}', "\x00", '{"a":1}}'])
    def test_unknown_fields_that_are_no_json_object_are_refused(self, extra: str) -> None:
        for record in (job_record(batch_extra=extra), job_record(envelope_extra=extra)):
            with pytest.raises(AvroDecodeError, match=r"^not a JobEvent: "):
                decode_avro(record)


class TestDepthOfUnknownFields:
    """JSON parsers and writers give up near a thousand levels, not at the same one."""

    @pytest.mark.parametrize("depth", [*range(MAX_DEPTH + 1, MAX_DEPTH + 4), *range(960, 1010), 20_000])
    def test_deeper_than_the_bound_is_refused(self, depth: int) -> None:
        extra = f'{{"a":{nested(depth)}}}'
        for record in (job_record(batch_extra=extra), job_record(envelope_extra=extra)):
            with pytest.raises(AvroDecodeError):
                decode_avro(record)

    def test_up_to_the_bound_it_is_carried_through(self) -> None:
        event = decode_avro(job_record(batch_extra=f'{{"a":{nested(MAX_DEPTH)}}}'))
        assert nested(MAX_DEPTH).encode() in message_text(event)
        assert decode_avro(AvroEncoder().encode(event)) == event

    def test_what_could_not_be_decoded_is_not_encoded(self) -> None:
        deep: list[Any] = []
        for _ in range(MAX_DEPTH):
            deep = [deep]
        with pytest.raises(AvroEncodeError, match=f"unknown fields nested more than {MAX_DEPTH} deep"):
            AvroEncoder().encode(job_event(Deep=deep))


@pytest.mark.parametrize(
    "fields",
    [
        {"JobId": None},
        {"JobState": None},
        {"JobName": 5},
        {"Zone": 5},
        {"Priority": 2**63},
        {"Priority": -(2**63) - 1},
        {"Priority": "1"},
        {"Priority": 1.5},
        {"Priority": True},
        {"TaskMetrics": [1]},
        {"TaskMetrics": {"a": "x"}},
        {"TaskMetrics": {"a": 2**63}},
        {"Unknown": object},
        {"Unknown": "\ud800"},
        {"JobName": "\ud800"},
    ],
    ids=repr,
)
def test_a_value_that_the_schema_cannot_hold_is_one_named_error(fields: dict[str, Any]) -> None:
    with pytest.raises(AvroEncodeError, match=r"^JOB_FAILED: "):
        AvroEncoder().encode(job_event(**fields))


@pytest.mark.parametrize(
    "text",
    ['"int"', '{"type": "record", "name": "X", "fields": []}', "{}", "nonsense"],
)
def test_a_schema_that_is_not_of_an_event_is_refused(text: str) -> None:
    with pytest.raises((ValueError, KeyError, TypeError)):
        load_schema(text)
