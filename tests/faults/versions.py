"""Records of older and newer schema versions, as a schema registry keeps them."""

import copy
import json
from collections.abc import Callable
from io import BytesIO
from typing import Any

from fastavro import parse_schema, schemaless_writer

from schemas.avro import LATEST
from schemas.events import Family
from tests.faults.brokers import recreate
from tests.faults.case import case
from tests.faults.scene import Scene
from tests.faults.streams import job_line
from tests.harness.kafka import produce_many
from tests.harness.oracle import expected, expected_message
from tests.harness.schema_registry import SchemaRegistry

Schema = dict[str, Any]

OLDER_LACKS = {"Priority", "Zone", "TaskMetrics", "Extra"}
NEWER_HAS = {"name": "Weight", "type": ["null", "double"], "default": None}


def job_schema(change: Callable[[list[Schema]], list[Schema]]) -> Schema:
    """The schema of a job's event, with other fields in its Batch."""
    schema: Schema = copy.deepcopy(json.loads(LATEST[Family.JOB].text))
    batch = next(field["type"] for field in schema["fields"] if field["name"] == "Batch")
    batch["fields"] = change(batch["fields"])
    return schema


def encoded(schema: Schema, schema_id: int, line: bytes) -> bytes:
    """The record that a writer with this schema makes of a line."""
    message = expected_message(json.loads(line))
    assert message is not None
    out = BytesIO(b"\x00" + schema_id.to_bytes(4, "big"))
    out.seek(5)
    schemaless_writer(out, parse_schema(schema), message["Events"][0] | {"Extra": None})
    return out.getvalue()


@case(
    "older and newer schema versions",
    "One key's events, written in turn by a version before ours, whose schema lacks fields, by ours, and by one after "
    "ours, whose schema has more: all are read by their writer's schema, in order, the new field passed on.",
)
def schema_versions(scene: Scene) -> None:
    with SchemaRegistry() as registry:
        scene.setting.config["schema_registry"] = {"url": registry.url}
        older = job_schema(lambda fields: [one for one in fields if one["name"] not in OLDER_LACKS])
        newer = job_schema(lambda fields: [*fields[:-1], NEWER_HAS, fields[-1]])
        ids = [registry.add(json.dumps(schema)) for schema in (older, newer)]
        more: list[dict[str, Any]] = [{}, {"Priority": 1, "Zone": "z"}, {"Priority": 2, "Weight": 0.5}]
        lines = [job_line(f"job-{number // 3 % 20}", number, **more[number % 3]) for number in range(300)]
        ours = {one.headers["ce_time"]: one for one in scene.publish_aside(lines)}
        recreate(scene)
        records = []
        for number, line in enumerate(lines):
            record = ours[json.loads(line)["Time"].encode()]
            value = record.value
            if number % 3 != 1:
                value = encoded(*((older, ids[0]) if number % 3 == 0 else (newer, ids[1])), line)
            records.append((value, record.key, record.partition, record.headers))
        produce_many(scene.servers, scene.setting.event_topic, records)
        scene.sent += expected(lines)
        scene.finish()
