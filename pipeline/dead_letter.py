"""The record of a dead letter: the original bytes and headers, and why.

Shape   dead_letter_headers(letter, source topic) -> headers for the record in `cmq.<topic>.<subscription>.dead-letter`
Form    value and key as they were; the original headers first, then ours, all with the prefix `dl_`
"""

from pipeline.headers import Headers
from pipeline.ports import DeadLetter

PREFIX = "dl_"


def dead_letter_headers(letter: DeadLetter, source_topic: str) -> Headers:
    """The original headers, then ours."""
    record = letter.record
    ours: list[tuple[str, object]] = [
        ("reason", letter.reason),
        ("attempts", letter.attempts),
        ("source_topic", source_topic),
        ("source_partition", record.partition),
        ("source_offset", record.offset),
        ("source_timestamp_ms", record.timestamp_ms),
        ("status", letter.status),
        ("first_attempt_ms", letter.first_attempt_ms),
        ("last_attempt_ms", letter.last_attempt_ms),
    ]
    headers: Headers = [(f"{PREFIX}{name}", str(value).encode()) for name, value in ours if value is not None]
    if letter.excerpt:
        headers.append((f"{PREFIX}excerpt", letter.excerpt))
    return [*record.headers, *headers]
