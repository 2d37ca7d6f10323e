"""Schemas that were ever shipped: fixed for good, and what they wrote stays readable."""

import hashlib
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from schemas.avro import LATEST, AvroEncoder, decode_avro, load_schema, shipped_schemas
from schemas.events import Family
from schemas.resources import RESOURCES
from tests.unit.schemas.fingerprints import canonical_form, crc_64_avro, marker
from tests.unit.schemas.golden_records import GOLDEN_RECORDS
from tests.unit.schemas.samples import full_event

SHIPPED = {
    # file: (the marker of its records, SHA-256 of the file). A line is added for a new version, and none ever changes.
    "ComputeEnv.v1.avsc": (
        "c301c4943a59d564a761",
        "a80594eabea45258fe967122e0d2a9fde6db0880a586fc0c6839debabf727d5b",
    ),
    "ComputeNode.v1.avsc": (
        "c301c9e5af803215ffd9",
        "a9582acc4c0a055ef52698dc0187fcab14da0ccf959f63fc49c63a3bd4bbaf2d",
    ),
    "Job.v1.avsc": (
        "c3016a2e66eb8940979c",
        "1510d1f98bdd3c6a6df138f045169ad06231d7b514239074d360fa5587a4d030",
    ),
    "Task.v1.avsc": (
        "c30190628c513af0ef42",
        "cc4a70d3b9ee76011912ed605bb356f80ec8d97ca818658a8383a01d6a46c9c9",
    ),
    "TaskInstance.v1.avsc": (
        "c3019aa9addaab4d9855",
        "75704cdc6911a58ae6b8a9c7137f48b5dd8c913cba0b7a7af2f5c91e738d2760",
    ),
}

AVRO = Path(str(files("schemas").joinpath("avro")))


def version_of(name: str) -> int:
    return int(name.removesuffix(".avsc").rpartition(".v")[2])


def test_the_list_here_is_what_is_shipped() -> None:
    assert sorted(path.name for path in AVRO.iterdir()) == sorted(SHIPPED)


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_schema_never_changes(name: str) -> None:
    digest = hashlib.sha256((AVRO / name).read_bytes()).hexdigest()
    assert digest == SHIPPED[name][1], f"{name} was changed: records that it wrote are unreadable. Add a new version"


@pytest.mark.parametrize("name", SHIPPED)
def test_the_marker_is_the_fingerprint_that_the_specification_says(name: str) -> None:
    text = (AVRO / name).read_text(encoding="utf-8")
    assert load_schema(text).marker == marker(text) == bytes.fromhex(SHIPPED[name][0])


def test_the_fingerprint_in_these_tests_is_avros() -> None:
    """The specification's own vector for the schema "int"."""
    assert canonical_form("int") == '"int"'
    assert crc_64_avro(b'"int"') == 0x7275D51A3F395C8F
    assert marker('{"type": "int"}') == bytes.fromhex("c3018f5c393f1ad57572")


def test_each_family_has_a_schema_and_the_highest_version_writes() -> None:
    versions = [(load_schema((AVRO / name).read_text()), version_of(name)) for name in SHIPPED]
    for family in Family:
        newest, _ = max(((s, v) for s, v in versions if s.family is family), key=lambda pair: pair[1])
        assert LATEST[family].text == newest.text
        assert AvroEncoder().encode(full_event(family)).startswith(newest.marker)
    assert len(shipped_schemas()) == len(SHIPPED)


@pytest.mark.parametrize("name", SHIPPED)
def test_a_record_of_every_version_that_was_ever_written_is_read(name: str) -> None:
    family = Family(name.partition(".")[0])
    event = decode_avro(GOLDEN_RECORDS[name])
    assert event == full_event(family)
    assert list(event.batch) == list(full_event(family).batch)


@pytest.mark.parametrize("family", Family)
def test_the_fields_of_the_schema_are_those_of_the_model_in_their_order(family: Family) -> None:
    batch = next(field["type"] for field in LATEST[family].parsed["fields"] if field["name"] == "Batch")
    fields = {field["name"]: field["type"] for field in batch["fields"]}
    assert list(fields) == [*RESOURCES[family].model_fields, "Extra"]
    assert LATEST[family].fields == set(fields)


@pytest.mark.parametrize("family", Family)
def test_the_types_of_the_schema_are_those_of_the_model(family: Family) -> None:
    resource = RESOURCES[family]
    properties = resource.model_json_schema()["properties"]
    batch = next(field["type"] for field in LATEST[family].parsed["fields"] if field["name"] == "Batch")
    for field in batch["fields"][:-1]:
        name, model = field["name"], resource.model_fields[field["name"]]
        written = _avro_type(properties[name])
        nullable = not model.is_required() and name != resource.state_field
        assert field["type"] == (["null", written] if nullable else written), name
        assert field.get("default", "none") == (None if nullable else "none"), name


def _avro_type(json_schema: dict[str, Any]) -> Any:
    branches = json_schema.get("anyOf", [json_schema])
    (branch,) = [one for one in branches if one["type"] != "null"]
    return {"string": "string", "integer": "long", "object": {"type": "map", "values": "long"}}[branch["type"]]


def test_the_envelope_is_the_same_in_every_schema() -> None:
    def envelope(family: Family) -> list[Any]:
        return [field for field in LATEST[family].parsed["fields"] if field["name"] not in {"Batch", "EventVars"}]

    assert [field["name"] for field in LATEST[Family.JOB].parsed["fields"]] == [
        "EventVersion",
        "EventTime",
        "Region",
        "Batch",
        "EventName",
        "EventVars",
        "Extra",
    ]
    assert all(envelope(family) == envelope(Family.JOB) for family in Family)
