"""Avro bytes -> BatchEvent for the records that are usual, cut out of the bytes themselves.

Shape   quick_reader(family, fields of the parsed schema) -> a reader, or None for a schema not shaped as ours are.
        reader(the bytes behind the framing) -> BatchEvent, or None: let fastavro decide
Bounds  it answers only where fastavro gives the same event. None for unknown fields at either level, for a branch,
        length or count that ours would not write, for an integer of more than nine bytes, for bytes that are missing,
        left over or no UTF-8. What is wrong with a record is never said here
Cost    a third of fastavro's, which asks a file object for each byte. Text is cut out of the record decoded once as
        Latin-1, which is right for ASCII; a record with other text has it set right at the end. What is usual of texts
        and integers is written out in the loop, since a call costs as much as either
Errors  none of its own; the functions below raise ValueError or IndexError for what is not read here
"""

from collections.abc import Callable
from typing import Any

from schemas.events import BatchEvent, EventVar, Family

QuickReader = Callable[[bytes], BatchEvent | None]

_BEFORE = ["EventVersion", "EventTime", "Region"]

_AFTER = ["EventName", "EventVars", "Extra"]

_EVENT_VARS = ("array", [("Name", "string"), ("Value", "string")])

_OPTIONAL_TEXT = ["null", "string"]

_MAX_VARINT = 9
"""Bytes: what they hold fits 64 bits, whatever they are."""

_STEPS = tuple([1 + byte // 2 if byte < 128 and byte % 2 == 0 else 0 for byte in range(256)])
"""First byte of a text -> bytes to its end; 0 where it does not tell: the length takes more bytes, or is negative."""

_TEXT, _LONG, _COUNTS, _VARIABLES, _NULL = range(5)

_KINDS: list[tuple[object, int]] = [("string", _TEXT), ("long", _LONG), ({"type": "map", "values": "long"}, _COUNTS)]

_Field = tuple[str, bool, int]
"""Name, whether it is optional, kind: a plain tuple, which the loop unpacks faster than a named one."""


def quick_reader(family: Family, fields: list[dict[str, Any]]) -> QuickReader | None:
    """Make the reader of a schema, if it is one of those that this module reads."""
    flat = _flat(fields)
    if flat is None:
        return None

    def read(record: bytes) -> BatchEvent | None:
        latin = str(record, "latin-1")
        try:
            batch, end, wide = _read(flat, record, latin)
            if end != len(record):
                return None
            if not latin.isascii() and len(latin.encode()) - end > wide:
                batch = {name: _utf8(value) if isinstance(value, str) else value for name, value in batch.items()}
        except (IndexError, ValueError):
            return None
        take = batch.pop
        version, time, region = take("EventVersion"), take("EventTime"), take("Region")
        return BatchEvent(family, take("EventName"), time, region, batch, take("EventVars"), version)

    return read


def _flat(fields: list[dict[str, Any]]) -> tuple[_Field, ...] | None:
    """The fields of the envelope and of `Batch` as they follow each other, if all are such as are read here."""
    names = [field["name"] for field in fields]
    if names != [*_BEFORE, "Batch", *_AFTER]:
        return None
    batch = _record_fields(fields[3]["type"])
    inside = [name for name, _ in batch]
    if not batch or len({*inside, *names}) != len(inside) + len(names) - ("Extra" in inside):
        return None
    written = [(field["name"], field["type"]) for field in fields]
    known = [_field(name, kind) for name, kind in (*written[:3], *batch, *written[4:])]
    shaped = all(field is not None for field in known) and all(
        kind == "string" for name, kind in written if name not in {"Batch", "EventVars", "Extra"}
    )
    return tuple([field for field in known if field is not None]) if shaped else None


def _record_fields(record: object) -> list[tuple[str, Any]]:
    """Names and types; none of what is no record."""
    if not isinstance(record, dict) or record["type"] != "record":
        return []
    return [(field["name"], field["type"]) for field in record["fields"]]


def _field(name: str, written: object) -> _Field | None:
    if name == "EventVars":
        shaped = isinstance(written, dict) and (written["type"], _record_fields(written.get("items"))) == _EVENT_VARS
        return (name, False, _VARIABLES) if shaped else None
    if name == "Extra":
        return (name, True, _NULL) if written == _OPTIONAL_TEXT else None
    optional = isinstance(written, list) and len(written) == 2 and written[0] == "null"
    inner = written[1] if isinstance(written, list) and optional else written
    kind = next((kind for one, kind in _KINDS if one == inner), None)
    return None if kind is None else (name, optional, kind)


def _read(flat: tuple[_Field, ...], record: bytes, latin: str) -> tuple[dict[str, Any], int, int]:
    """The fields that are not null, where they end, and how many bytes beyond ASCII their integers hold.

    Where the record holds no more of these than that, all of its text is ASCII.
    """
    found: dict[str, Any] = {}
    at = wide = 0
    for name, optional, kind in flat:
        if optional:
            branch = record[at]
            at += 1
            if not branch:
                continue
            if branch != 2:
                raise ValueError
        if kind == _TEXT:
            end = at + _STEPS[record[at]]
            if end > at:
                found[name] = latin[at + 1 : end]
                at = end
            else:
                found[name], at = _long_text(record, latin, at)
        elif kind == _LONG:
            byte = record[at]
            if byte < 128:
                found[name] = (byte >> 1) ^ -(byte & 1)
                at += 1
            else:
                found[name], end = _integer(record, at)
                wide += end - at - 1
                at = end
        else:
            found[name], at = _others(kind, record, at)
    return found, at, wide


def _others(kind: int, record: bytes, at: int) -> tuple[object, int]:
    if kind == _VARIABLES:
        return _event_vars(record, at) if record[at] else ((), at + 1)
    if kind == _COUNTS:
        return _counts(record, at)
    raise ValueError


def _long_text(record: bytes, latin: str, at: int) -> tuple[str, int]:
    """Text as Latin-1 reads it."""
    length, start = _natural(record, at)
    end = start + length
    return latin[start:end], end


def _utf8(latin: str) -> str:
    return latin if latin.isascii() else latin.encode("latin-1").decode()


def _utf8_text(record: bytes, at: int) -> tuple[str, int]:
    length, start = _natural(record, at)
    end = start + length
    return record[start:end].decode(), end


def _varint(record: bytes, at: int) -> tuple[int, int]:
    bits = shift = 0
    for byte in record[at : at + _MAX_VARINT]:
        at += 1
        bits |= (byte & 127) << shift
        if byte < 128:
            return bits, at
        shift += 7
    raise ValueError


def _integer(record: bytes, at: int) -> tuple[int, int]:
    bits = record[at]
    at += 1
    if bits > 127:
        bits, at = _varint(record, at - 1)
    return (bits >> 1) ^ -(bits & 1), at


def _natural(record: bytes, at: int) -> tuple[int, int]:
    number, at = _integer(record, at)
    if number < 0:
        raise ValueError
    return number, at


def _counts(record: bytes, at: int) -> tuple[dict[str, int], int]:
    """A map of integers."""
    counts: dict[str, int] = {}
    left, at = _natural(record, at)
    while left:
        for _ in range(left):
            name, at = _utf8_text(record, at)
            counts[name], at = _integer(record, at)
        left, at = _natural(record, at)
    return counts, at


def _event_vars(record: bytes, at: int) -> tuple[tuple[EventVar, ...], int]:
    event_vars: list[EventVar] = []
    left, at = _natural(record, at)
    while left:
        for _ in range(left):
            name, at = _utf8_text(record, at)
            text, at = _utf8_text(record, at)
            event_vars.append(EventVar(name, text))
        left, at = _natural(record, at)
    return tuple(event_vars), at
