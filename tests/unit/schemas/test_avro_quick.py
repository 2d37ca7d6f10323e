"""The quick reader: it answers for usual records, and never otherwise than fastavro."""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from schemas.avro import LATEST, AvroEncoder, WrittenSchema, decode_avro, load_schema, shipped_schemas
from schemas.avro_quick import quick_reader
from schemas.events import BatchEvent, EventVar, Family
from tests.unit.schemas.both_ways import assert_same_both_ways, outcome
from tests.unit.schemas.samples import FIRST_EVENT, FULL_BATCH, REQUIRED, STATE_FIELDS, events, full_event, mutated

TIME = "2018-06-15T14:43:17Z"


def body_of(event: BatchEvent) -> bytes:
    return AvroEncoder().encode(event)[10:]


def event_of(family: Family, batch: dict[str, Any], *variables: EventVar) -> BatchEvent:
    return BatchEvent(family, FIRST_EVENT[family], TIME, "ap-guangzhou", batch, variables)


def full(family: Family, **fields: Any) -> BatchEvent:
    return event_of(family, {**FULL_BATCH[family], **fields})


def least(family: Family) -> BatchEvent:
    state = STATE_FIELDS[family]
    return event_of(family, {**REQUIRED[family], **({state: "FAILED"} if state else {})})


def quick(event: BatchEvent) -> BatchEvent | None:
    reader = LATEST[event.family].quick
    assert reader is not None
    return reader(body_of(event))


class TestItAnswers:
    """A fall-back is silent: only its cost would show it."""

    @pytest.mark.parametrize("schema", shipped_schemas(), ids=lambda schema: schema.family)
    def test_there_is_one_for_every_shipped_schema(self, schema: WrittenSchema) -> None:
        assert schema.quick is not None

    @pytest.mark.parametrize("family", Family)
    def test_for_a_record_with_every_field_and_for_one_with_the_least(self, family: Family) -> None:
        for event in (full(family), least(family)):
            answer = quick(event)
            assert answer == event
            assert answer is not None
            assert list(answer.batch) == list(decode_avro(AvroEncoder().encode(event)).batch)

    @pytest.mark.parametrize("index", [0, 63, 64, 127, 128, 8191, 8192, 2**31, 2**62 - 1])
    def test_for_any_index(self, index: int) -> None:
        event = full(Family.TASK_INSTANCE, TaskInstanceIndex=index, ExitCode=-index - 1)
        assert quick(event) == event

    @pytest.mark.parametrize("length", [0, 1, 63, 64, 65, 8191, 8192, 100_000])
    @pytest.mark.parametrize("letter", ["x", "\x00", "\x7f", "é", "日", "😀"])
    def test_for_text_of_any_length_and_script(self, length: int, letter: str) -> None:
        event = full(Family.JOB, JobName=letter * length)
        assert quick(event) == event

    def test_for_text_beyond_ascii_wherever_it_stands(self) -> None:
        for number in range(4):
            texts = ["v", "t", "r", "n"]
            texts[number] = "é"
            version, time, region, name = texts
            event = BatchEvent(Family.JOB, name, time, region, FULL_BATCH[Family.JOB], (), version)
            assert quick(event) == event
        event = full(Family.TASK_INSTANCE, TaskInstanceIndex=10**9, StateReason="é")
        assert quick(event) == event

    def test_for_variables_and_metrics(self) -> None:
        variables = [EventVar(f"é{number}", "x" * number) for number in range(100)]
        metrics = {f"日{number}": number * (-1) ** number for number in range(100)}
        event = event_of(Family.JOB, {**FULL_BATCH[Family.JOB], "TaskMetrics": metrics}, *variables)
        assert quick(event) == event

    def test_decoding_takes_its_answer(self) -> None:
        answer = full(Family.JOB)
        schema = LATEST[Family.JOB]._replace(quick=lambda _: answer)
        assert decode_avro(b"\x00\x00\x00\x00\x01", lambda _: schema) is answer


@pytest.mark.parametrize("family", Family)
def test_it_leaves_unknown_fields_to_fastavro(family: Family) -> None:
    event = full_event(family)
    known = full(family)
    for unusual in (event, full(family, Tag="x"), BatchEvent(family, "X", TIME, "", known.batch, extra={"a": 1})):
        assert quick(unusual) is None
        assert outcome(LATEST[family], body_of(unusual)) == outcome(
            LATEST[family]._replace(quick=None), body_of(unusual)
        )


LEAST_JOB = body_of(event_of(Family.JOB, {"JobId": "j", "JobName": "n", "JobState": "s"}))
"""Texts of EventVersion, …; then JobId at OBJECT, seven nulls, EventName, no variables, no Extra."""

OBJECT = LEAST_JOB.index(b"\x02j\x02n\x02s")
OPTIONAL = OBJECT + 6
METRICS = OPTIONAL + 5
VARIABLES = len(LEAST_JOB) - 2


def put(at: int, new: bytes, instead: int = 1) -> bytes:
    return LEAST_JOB[:at] + new + LEAST_JOB[at + instead :]


def test_the_places_in_the_least_job_are_those() -> None:
    schema = LATEST[Family.JOB]
    assert schema.quick is not None
    for body, field, value in (
        (put(OBJECT, b"\x04jj", 2), "JobId", "jj"),
        (put(OPTIONAL, b"\x02\x05"), "Priority", -3),
        (put(METRICS, b"\x02\x02\x02a\x02\x00"), "TaskMetrics", {"a": 1}),
    ):
        answer = schema.quick(body)
        assert answer is not None
        assert answer.batch[field] == value
        assert_same_both_ways(schema, body)
    answer = schema.quick(put(VARIABLES, b"\x02\x02a\x02b\x00"))
    assert answer is not None
    assert answer.event_vars == (EventVar("a", "b"),)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        LEAST_JOB + b"\x00",
        put(OBJECT, b"\x01"),
        put(OBJECT, b"\x7f"),
        put(OBJECT, b"\x81\x00"),
        put(OBJECT, b"\x7e"),
        put(OBJECT, b"\xfe\x7f"),
        put(OBJECT, b"\xfe\xff\xff\xff\xff\xff\xff\xff\x7f"),
        put(OBJECT, b"\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
        put(OBJECT, b"\xff" * 9 + b"\x01"),
        put(OBJECT, b"\xff" * 20),
        put(OBJECT + 1, b"\xff"),
        put(OBJECT, b"\x06\xed\xa0\x80", 2),
        put(OBJECT, b"\x04\xc3", 2),
        put(OBJECT, b"\x04\xc0\x80", 2),
        put(OPTIONAL, b"\x01"),
        put(OPTIONAL, b"\x04"),
        put(OPTIONAL, b"\x80\x00"),
        put(OPTIONAL, b"\x82\x00\x00"),
        put(OPTIONAL, b"\xff" * 10),
        put(OPTIONAL, b"\x02" + b"\xfe" + b"\xff" * 8 + b"\x01"),
        put(OPTIONAL, b"\x02" + b"\xff" * 9 + b"\x01"),
        put(OPTIONAL, b"\x02" + b"\xff" * 9 + b"\x7f"),
        put(OPTIONAL, b"\x02" + b"\x80" * 9 + b"\x00"),
        put(OPTIONAL, b"\x02" + b"\xff" * 10 + b"\x01"),
        put(METRICS, b"\x02\x01\x08\x02a\x02\x00"),
        put(METRICS, b"\x02\x02\x01a\x02\x00"),
        put(METRICS, b"\x02\x02\x02\xff\x02\x00"),
        put(METRICS, b"\x02\x02\x02a" + b"\xff" * 9 + b"\x01" + b"\x00"),
        put(METRICS, b"\x02\xfe\xff\xff\xff\xff\xff\xff\xff\x7f"),
        put(METRICS + 1, b"\x02"),
        put(METRICS + 1, b"\x02\x04{}"),
        put(VARIABLES, b"\x01\x08\x02a\x02b\x00"),
        put(VARIABLES, b"\x02\x01a\x02b\x00"),
        put(VARIABLES, b"\x02\x02a\x02\xff\x00"),
        put(VARIABLES, b"\xfe\xff\xff\xff\xff\xff\xff\xff\x7f"),
        put(VARIABLES + 1, b"\x02\x04{}"),
        put(VARIABLES + 1, b"\x02"),
        put(VARIABLES + 1, b""),
    ],
    ids=bytes.hex,
)
def test_it_leaves_what_is_unusual_or_wrong_to_fastavro(body: bytes) -> None:
    schema = LATEST[Family.JOB]
    assert schema.quick is not None
    assert schema.quick(body) is None
    assert_same_both_ways(schema, body)


@pytest.mark.parametrize(
    "body",
    [
        put(OBJECT, b"\x82\x00"),
        put(OBJECT, b"\x82\x80\x80\x00"),
        put(OPTIONAL, b"\x02\x81\x00"),
        put(OPTIONAL, b"\x02" + b"\xff" * 8 + b"\x7f"),
        put(METRICS, b"\x02\x02\x02a\x02\x04\x02b\x04\x02a\x06\x00"),
        put(METRICS, b"\x02\x00"),
        put(VARIABLES, b"\x02\x02a\x02b\x02\x02a\x02b\x00"),
    ],
    ids=bytes.hex,
)
def test_what_others_may_write_otherwise_is_read_alike(body: bytes) -> None:
    schema = LATEST[Family.JOB]
    assert schema.quick is not None
    assert schema.quick(body) is not None
    assert_same_both_ways(schema, body)


@given(events())
def test_any_event_is_the_same_both_ways(event: BatchEvent) -> None:
    assert_same_both_ways(LATEST[event.family], body_of(event))


@given(events().map(lambda event: (event, body_of(event))), st.data())
def test_a_record_cut_anywhere_is_refused_alike(written: tuple[BatchEvent, bytes], data: st.DataObject) -> None:
    event, body = written
    assert_same_both_ways(LATEST[event.family], body[: data.draw(st.integers(0, len(body)))])


@given(st.sampled_from(Family), mutated(events().map(body_of)))
def test_a_record_with_some_bytes_changed_is_the_same_both_ways(family: Family, body: bytes) -> None:
    """Or read with another schema than it was written with."""
    assert_same_both_ways(LATEST[family], body)


@given(mutated(st.sampled_from([body_of(full(family)) for family in Family] + [LEAST_JOB])))
def test_a_usual_record_with_some_bytes_changed_is_the_same_both_ways(body: bytes) -> None:
    for family in Family:
        assert_same_both_ways(LATEST[family], body)


@given(st.sampled_from(Family), st.binary(max_size=200))
@example(Family.JOB, b"\x00" * 20)
def test_any_bytes_are_the_same_both_ways(family: Family, body: bytes) -> None:
    assert_same_both_ways(LATEST[family], body)


def schema_with(field: str, kind: Any, *, inside: bool = True) -> WrittenSchema:
    """The job's schema with one field of another type, or one more at the end."""
    document = json.loads(LATEST[Family.JOB].text)
    batch = next(one for one in document["fields"] if one["name"] == "Batch")
    fields = batch["type"]["fields"] if inside else document["fields"]
    found = [one for one in fields if one["name"] == field]
    if found:
        found[0]["type"] = kind
        found[0].pop("default", None)
    else:
        fields.append({"name": field, "type": kind})
    return load_schema(json.dumps(document))


TWO_TEXTS = [{"name": "Value", "type": "string"}, {"name": "Name", "type": "string"}]


class TestWhichSchemas:
    @pytest.mark.parametrize(
        ("field", "kind"),
        [("New", "string"), ("New", "long"), ("New", ["null", "long"]), ("Zone", "string"), ("JobId", "long")],
    )
    def test_one_with_fields_of_the_types_of_ours_has_one(self, field: str, kind: Any) -> None:
        schema = schema_with(field, kind)
        for body in (LEAST_JOB, put(METRICS + 2, b"\x00\x04"), put(OBJECT, b"\x06", 2), put(METRICS, b"\x04a\x00")):
            assert_same_both_ways(schema, body)

    @pytest.mark.parametrize(
        ("field", "kind"),
        [
            ("Zone", "bytes"),
            ("Zone", ["string", "null"]),
            ("Zone", ["null", "string", "long"]),
            ("Zone", ["null", "bytes"]),
            ("Zone", {"type": "string", "avro.java.string": "String"}),
            ("Priority", "int"),
            ("Priority", {"type": "long", "logicalType": "timestamp-millis"}),
            ("Priority", ["null", {"type": "long", "logicalType": "timestamp-millis"}]),
            ("Priority", "boolean"),
            ("Priority", "double"),
            ("TaskMetrics", {"type": "map", "values": "string"}),
            ("TaskMetrics", ["null", {"type": "array", "items": "long"}]),
            ("TaskMetrics", {"type": "enum", "name": "E", "symbols": ["A"]}),
            ("TaskMetrics", {"type": "fixed", "name": "F", "size": 4}),
            ("Extra", "string"),
            ("Extra", ["null", "long"]),
        ],
    )
    def test_one_with_another_type_has_none(self, field: str, kind: Any) -> None:
        assert schema_with(field, kind).quick is None

    @pytest.mark.parametrize(
        ("field", "kind"),
        [
            ("EventName", ["null", "string"]),
            ("Region", "bytes"),
            ("EventVars", ["null", "string"]),
            ("EventVars", {"type": "array", "items": "string"}),
            ("EventVars", {"type": "map", "values": "string"}),
            ("EventVars", {"type": "array", "items": {"type": "record", "name": "V", "fields": TWO_TEXTS}}),
            ("Extra", "string"),
            ("New", "string"),
        ],
    )
    def test_one_with_another_envelope_has_none(self, field: str, kind: Any) -> None:
        assert schema_with(field, kind, inside=False).quick is None

    def test_one_with_another_order_of_the_envelope_has_none(self) -> None:
        fields = LATEST[Family.JOB].parsed["fields"]
        assert quick_reader(Family.JOB, fields) is not None
        assert quick_reader(Family.JOB, [fields[1], fields[0], *fields[2:]]) is None
        assert quick_reader(Family.JOB, fields[:-1]) is None
        assert quick_reader(Family.JOB, [*fields, fields[0]]) is None
        assert quick_reader(Family.JOB, []) is None

    def test_one_without_fields_or_with_one_twice_or_called_as_the_envelopes_has_none(self) -> None:
        assert quick_reader(Family.JOB, with_fields("A", "B")) is not None
        assert quick_reader(Family.JOB, with_fields("A", "Region")) is None
        assert quick_reader(Family.JOB, with_fields("A", "Batch")) is None
        assert quick_reader(Family.JOB, with_fields("A", "A")) is None
        assert quick_reader(Family.JOB, with_fields()) is None


def with_fields(*names: str) -> list[dict[str, Any]]:
    """The envelope's fields around a `Batch` of texts of these names."""
    batch = {"type": "record", "name": "Job", "fields": [{"name": name, "type": "string"} for name in names]}
    fields: list[dict[str, Any]] = LATEST[Family.JOB].parsed["fields"]
    return [{**field, "type": batch} if field["name"] == "Batch" else field for field in fields]
