"""Records that no encoder of ours would write."""

from io import BytesIO
from typing import Any

from fastavro import schemaless_writer

from schemas.avro import LATEST
from schemas.events import Family


def job_record(*, batch_extra: str | None = None, envelope_extra: str | None = None, name: str = "JOB_FAILED") -> bytes:
    """A job's event whose unknown fields are any text at all."""
    schema = LATEST[Family.JOB]
    out = BytesIO()
    out.write(schema.marker)
    batch = {"JobId": "job-1", "JobName": "", "JobState": "FAILED", "Extra": batch_extra}
    datum: dict[str, Any] = {
        "EventVersion": "1.0",
        "EventTime": "2018-06-15T14:43:17Z",
        "Region": "ap-guangzhou",
        "Batch": batch,
        "EventName": name,
        "EventVars": [],
        "Extra": envelope_extra,
    }
    schemaless_writer(out, schema.parsed, datum)
    return out.getvalue()


def nested(depth: int) -> str:
    """JSON of lists in lists."""
    return "[" * depth + "]" * depth
