"""Lines for `publish`, one by one, as tests of single events want them."""

import json
from typing import Any

TIME = "2026-01-02T03:04:05Z"


def job_line(job_id: str, after: str = "RUNNING", before: str = "STARTING", **more: Any) -> dict[str, Any]:
    """A job's change; `more` are further fields of the line."""
    job = {"JobId": job_id, "JobName": "test job"}
    return {"Region": "ap-guangzhou", "Time": TIME, "Before": before, "After": after, "Job": job, **more}


def text_of(*lines: dict[str, Any]) -> bytes:
    """As `publish` reads them."""
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


def job_id_of(message: dict[str, Any]) -> str:
    """Whose event a message holds."""
    job_id: str = message["Events"][0]["Batch"]["JobId"]
    return job_id
