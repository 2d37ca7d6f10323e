"""BatchEvent <-> Avro bytes, for every schema version that was ever written.

Shape   one schema a family (`avro/<Family>.v<N>.avsc`), so that each evolves by itself and a reader needs no union
        branch. The highest version writes; a reader takes the writer's schema alone, which the first bytes name:
            C3 01 + 8 bytes   Avro single-object encoding, CRC-64-AVRO fingerprint, little-endian
            00 + 4 bytes      a schema registry's framing, id big-endian (needs `resolve`, see RegistryIds)
Cost    the reader of avro_quick.py answers for most records, and fastavro decides about all others
Order   fields stand in the schema in the order of the CMQ message, so decoding is most of re-encoding
Unknown fields that a schema does not have travel as JSON text in `Extra`, at both levels; nested MAX_DEPTH deep at
        most, so that whatever decodes can be encoded again
Errors  decoding is total: any bytes give an event or AvroDecodeError, never another exception
Source  Avro 1.12 specification, "Single-object encoding"; Confluent wire format
"""

import json
from collections.abc import Callable, Mapping
from importlib.resources import files
from io import BytesIO
from typing import Any, NamedTuple, cast

import msgspec
from fastavro import parse_schema, schemaless_reader, schemaless_writer
from fastavro.schema import fingerprint, to_parsing_canonical_form

from schemas.avro_quick import QuickReader, quick_reader
from schemas.errors import AvroDecodeError, AvroEncodeError
from schemas.events import BatchEvent, EventVar, Family

SINGLE_OBJECT_MARKER = b"\xc3\x01"
REGISTRY_MARKER = b"\x00"

CONTENT_TYPE = "application/avro"

MAX_DEPTH = 64
"""Of an unknown field's value; the encoders of JSON give up near a thousand."""

ResolveId = Callable[[int], "WrittenSchema"]
"""Schema registry id -> schema. Raises AvroDecodeError for an id that cannot be resolved."""

_GARBAGE = (ValueError, TypeError, EOFError, IndexError, KeyError, OverflowError, MemoryError, RecursionError)
"""What fastavro raises on bytes that are no such record (UnicodeDecodeError is a ValueError)."""

_JSON_OBJECT = msgspec.json.Decoder(dict[str, Any])


class WrittenSchema(NamedTuple):
    """A schema that somebody wrote, parsed once."""

    family: Family
    parsed: dict[str, Any]
    text: str
    fields: frozenset[str]
    """Names inside `Batch` that this schema knows."""
    quick: QuickReader | None
    """Reads most records, and leaves the others to fastavro."""

    @property
    def marker(self) -> bytes:
        """The ten bytes that begin a record in single-object encoding."""
        hexadecimal = fingerprint(to_parsing_canonical_form(self.parsed), "CRC-64-AVRO")
        return SINGLE_OBJECT_MARKER + bytes.fromhex(hexadecimal)


def load_schema(text: str) -> WrittenSchema:
    """Parse a schema's JSON text.

    Raises:
        ValueError: it is not the schema of an event of one of the five families.
    """
    parsed = cast("dict[str, Any]", parse_schema(json.loads(text)))
    fields = {field["name"]: field["type"] for field in parsed["fields"]}
    batch = fields["Batch"]
    family = Family(parsed["name"].rpartition(".")[2].removesuffix("Event"))
    known = frozenset(field["name"] for field in batch["fields"])
    return WrittenSchema(family, parsed, text, known, quick_reader(family, parsed["fields"]))


def shipped_schemas() -> list[WrittenSchema]:
    """Every version of every family, oldest first."""
    avsc = [path for path in files("schemas").joinpath("avro").iterdir() if path.name.endswith(".avsc")]
    avsc.sort(key=lambda path: int(path.name.split(".")[1][1:]))
    return [load_schema(path.read_text(encoding="utf-8")) for path in avsc]


_SHIPPED = shipped_schemas()
_BY_MARKER = {schema.marker: schema for schema in _SHIPPED}
LATEST: Mapping[Family, WrittenSchema] = {schema.family: schema for schema in _SHIPPED}
"""The schema that writes, by family."""


class AvroEncoder:
    """Writes events, each with its family's marker: single-object, or a registry's if ids are given."""

    def __init__(self, registry_ids: Mapping[Family, int] | None = None) -> None:
        self._writers = {
            family: (
                schema.marker if registry_ids is None else REGISTRY_MARKER + registry_ids[family].to_bytes(4, "big"),
                schema.parsed,
                schema.fields,
            )
            for family, schema in LATEST.items()
        }

    def encode(self, event: BatchEvent) -> bytes:
        """Turn an event into a record value.

        Raises:
            AvroEncodeError: a required field is missing or a value has another type than the schema's.
        """
        marker, parsed, known = self._writers[event.family]
        out = BytesIO()
        out.write(marker)
        try:
            schemaless_writer(out, parsed, _datum(event, known))
        except (ValueError, TypeError, OverflowError, AttributeError, RecursionError) as error:
            raise AvroEncodeError(f"{event.name}: {error}") from error
        return out.getvalue()


def _datum(event: BatchEvent, known: frozenset[str]) -> dict[str, Any]:
    batch = event.batch
    if not batch.keys() <= known or "Extra" in batch:
        unknown = {name: value for name, value in batch.items() if name not in known or name == "Extra"}
        batch = {name: value for name, value in batch.items() if name not in unknown}
        batch["Extra"] = _unknown_text(unknown)
    return {
        "EventVersion": event.version,
        "EventTime": event.time,
        "Region": event.region,
        "Batch": batch,
        "EventName": event.name,
        "EventVars": [{"Name": var.Name, "Value": var.Value} for var in event.event_vars],
        "Extra": None if event.extra is None else _unknown_text(event.extra),
    }


def _unknown_text(fields: dict[str, Any]) -> str:
    _refuse_deep(fields, MAX_DEPTH)
    return msgspec.json.encode(fields).decode()


def _unknown_fields(text: str) -> dict[str, Any]:
    fields = _JSON_OBJECT.decode(text)
    _refuse_deep(fields, MAX_DEPTH)
    return fields


def _refuse_deep(value: object, left: int) -> None:
    if not isinstance(value, dict | list | tuple):
        return
    if left < 0:
        raise ValueError(f"unknown fields nested more than {MAX_DEPTH} deep")
    for inner in value.values() if isinstance(value, dict) else value:
        _refuse_deep(inner, left - 1)


def no_registry(schema_id: int) -> WrittenSchema:
    """The resolver of a process without a schema registry."""
    raise AvroDecodeError(f"schema id {schema_id} cannot be resolved: schema_registry.url is not configured")


def decode_avro(value: bytes, resolve: ResolveId = no_registry) -> BatchEvent:
    """Turn a record value into an event.

    Raises:
        AvroDecodeError: whatever the bytes are.
    """
    schema, start = _writer_schema(value, resolve)
    record = value[start:]
    if schema.quick is not None:
        event = schema.quick(record)
        if event is not None:
            return event
    return _decode(schema, record)


def _decode(schema: WrittenSchema, record: bytes) -> BatchEvent:
    source = BytesIO(record)
    try:
        datum = cast("dict[str, Any]", schemaless_reader(source, schema.parsed, None))
        event = _event(schema.family, datum)
    except _GARBAGE as error:
        raise AvroDecodeError(f"not a {schema.family}Event: {type(error).__name__}: {error}") from error
    left = len(record) - source.tell()
    if left:
        raise AvroDecodeError(f"{left} bytes left over after a {schema.family}Event")
    return event


def _writer_schema(value: bytes, resolve: ResolveId) -> tuple[WrittenSchema, int]:
    known = _BY_MARKER.get(value[:10])
    if known is not None:
        return known, 10
    if value[:1] == REGISTRY_MARKER and len(value) >= 5:
        return resolve(int.from_bytes(value[1:5], "big")), 5
    if value[:2] == SINGLE_OBJECT_MARKER and len(value) >= 10:
        raise AvroDecodeError(f"unknown schema fingerprint {value[2:10].hex()}")
    raise AvroDecodeError(f"neither single-object nor registry framing: begins with {value[:2].hex() or 'nothing'}")


def _event(family: Family, datum: dict[str, Any]) -> BatchEvent:
    batch = {name: value for name, value in datum["Batch"].items() if value is not None}
    if "Extra" in batch:
        batch.update(_unknown_fields(batch.pop("Extra")))
    event_vars = datum["EventVars"]
    extra = datum["Extra"]
    return BatchEvent(
        family,
        datum["EventName"],
        datum["EventTime"],
        datum["Region"],
        batch,
        tuple([EventVar(**var) for var in event_vars]) if event_vars else (),
        datum["EventVersion"],
        None if extra is None else _unknown_fields(extra),
    )
