"""Lines for `publish` that no simulation would make."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import chain, zip_longest
from typing import Any

BEGIN = datetime(2026, 1, 2, tzinfo=UTC)


def job_line(job_id: str, number: int, **more: Any) -> bytes:
    """A job that runs, for the n-th time."""
    time = (BEGIN + timedelta(seconds=number)).strftime("%Y-%m-%dT%H:%M:%SZ")
    job = {"JobId": job_id, "JobName": "a job", **more}
    return json.dumps({"Region": "ap-guangzhou", "Time": time, "Before": None, "After": "RUNNING", "Job": job}).encode()


def of_one_job(job_id: str, count: int) -> list[bytes]:
    """Many events of one key."""
    return [job_line(job_id, number) for number in range(count)]


def of_many_jobs(count: int) -> list[bytes]:
    """One event of each of many keys."""
    return [job_line(f"job-{number:06d}", number) for number in range(count)]


def with_one_hot_job(count: int) -> list[bytes]:
    """Many events of one key, and half as many of others between."""
    others: Iterator[bytes] = (job_line(f"job-{number % 50:06d}", number) for number in range(count // 2))
    mixed = chain.from_iterable(zip_longest(of_one_job("job-hot", count), others))
    return [line for line in mixed if line is not None]
