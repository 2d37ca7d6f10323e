"""Whether a reader with one schema can read what a writer with another has written, by Avro's schema resolution.

Shape   trouble(writer, reader) -> why not, or None. Records are written and read: one for each branch of the unions, so
        with everything, and without all that may be absent
Source  Avro 1.12 specification, "Schema Resolution", as fastavro implements it
"""

import json
from io import BytesIO
from typing import Any

from fastavro import parse_schema, schemaless_reader, schemaless_writer
from fastavro.read import SchemaResolutionError

Schema = dict[str, Any]
Datum = dict[str, Any]

BRANCHES = 4
"""As many as a union of ours may have; of a shorter one the last is taken again."""

UNREADABLE = (SchemaResolutionError, ValueError, TypeError, KeyError, EOFError, IndexError)


def trouble(writer: str, reader: str) -> str | None:
    """Why a record of the writer's cannot be read with the reader's schema, or says something else to it."""
    written_as, read_as = parse_schema(json.loads(writer)), parse_schema(json.loads(reader))
    for branch in range(BRANCHES):
        record = BytesIO()
        schemaless_writer(record, written_as, _record(json.loads(writer), branch))
        own = _read(record.getvalue(), written_as, None)
        try:
            other = _read(record.getvalue(), written_as, read_as)
        except UNREADABLE as error:
            return f"{type(error).__name__}: {error}"
        if changed := [name for name in own.keys() & other.keys() if own[name] != other[name]]:
            return f"{changed} are read as something else"
    return None


def _read(record: bytes, writer: Any, reader: Any) -> Datum:
    datum = schemaless_reader(BytesIO(record), writer, reader)
    assert isinstance(datum, dict)
    batch: Datum = datum.pop("Batch")
    return {**datum, **{f"Batch.{name}": value for name, value in batch.items()}}


def _record(schema: Schema, branch: int) -> Datum:
    return {field["name"]: _value(field["type"], branch) for field in schema["fields"]}


def _value(kind: Any, branch: int) -> Any:
    if isinstance(kind, list):
        return _value(kind[min(branch, len(kind) - 1)], branch)
    if isinstance(kind, str):
        return {"null": None, "string": "text", "long": 7, "double": 0.5, "boolean": True, "bytes": b"b"}[kind]
    match kind["type"]:
        case "record":
            return _record(kind, branch)
        case "array":
            return [_value(kind["items"], branch)]
        case "map":
            return {"key": _value(kind["values"], branch)}
    return _value(kind["type"], branch)
