"""Avro's fingerprints, computed a second time from the specification alone.

Source  Avro 1.12 specification, "Parsing Canonical Form for Schemas" and "Schema Fingerprints"
"""

import json
from typing import Any

_EMPTY = 0xC15D213AA4D7A795
_PRIMITIVES = {"null", "boolean", "int", "long", "float", "double", "bytes", "string"}
_ORDER = ("name", "type", "fields", "symbols", "items", "values", "size")


def crc_64_avro(data: bytes) -> int:
    fingerprint = _EMPTY
    for byte in data:
        fingerprint ^= byte
        for _ in range(8):
            fingerprint = (fingerprint >> 1) ^ (_EMPTY if fingerprint & 1 else 0)
    return fingerprint


def canonical_form(schema: Any) -> str:
    return json.dumps(_canonical(schema, ""), separators=(",", ":"), ensure_ascii=False)


def marker(schema_text: str) -> bytes:
    """What begins a record in single-object encoding."""
    fingerprint = crc_64_avro(canonical_form(json.loads(schema_text)).encode())
    return b"\xc3\x01" + fingerprint.to_bytes(8, "little")


def _canonical(schema: Any, namespace: str) -> Any:
    if isinstance(schema, str):
        return schema if schema in _PRIMITIVES or "." in schema or not namespace else f"{namespace}.{schema}"
    if isinstance(schema, list):
        return [_canonical(branch, namespace) for branch in schema]
    if schema["type"] in _PRIMITIVES:
        return schema["type"]
    namespace = schema.get("namespace", namespace)
    kept: dict[str, Any] = {"type": schema["type"]}
    if "name" in schema:
        kept["name"] = _canonical(schema["name"], namespace)
    if "fields" in schema:
        fields = schema["fields"]
        kept["fields"] = [{"name": f["name"], "type": _canonical(f["type"], namespace)} for f in fields]
    for name in ("items", "values"):
        if name in schema:
            kept[name] = _canonical(schema[name], namespace)
    return {name: kept[name] for name in _ORDER if name in kept}
