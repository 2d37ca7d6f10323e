"""Which dead letters are meant, and how a person sees them."""

import json

import pytest
from confluent_kafka import Message

from adapters.letters import Letter, LetterFilter
from pipeline.dead_letter import dead_letter_headers
from pipeline.free_text import TEXT
from pipeline.ports import DeadLetter, Record
from schemas.avro import no_registry
from tests.unit.pipeline.records import encode, job_event

TIME_MS = 1_767_323_045_000
"""2026-01-02T03:04:05Z."""


def letter(
    name: str = "JOB_FAILED", key: bytes | None = b"job-1", reason: str = "exhausted: status 503", value: bytes = b""
) -> Letter:
    record = Record(2, 41, key, value or encode(job_event(name)), [("ce_id", b"x")], TIME_MS - 5_000)
    dead = DeadLetter(record, reason, 503, 3, TIME_MS - 4_000, TIME_MS - 1_000, b"busy")
    headers = dead_letter_headers(dead, "batch.job-message")
    message = Message(
        topic="dead", partition=1, offset=7, key=key, value=record.value, headers=headers, timestamp=(1, TIME_MS)
    )
    return Letter(message, no_registry)


MEANT: list[tuple[LetterFilter, bool]] = [
    (LetterFilter(), True),
    (LetterFilter(key="job-1"), True),
    (LetterFilter(key="job-11"), False),
    (LetterFilter(event_name="JOB_FAILED"), True),
    (LetterFilter(event_name="JOB_SUCCEED"), False),
    (LetterFilter(reason="status 503"), True),
    (LetterFilter(reason="exhausted"), True),
    (LetterFilter(reason="status 500"), False),
    (LetterFilter(since_ms=TIME_MS), True),
    (LetterFilter(since_ms=TIME_MS + 1), False),
    (LetterFilter(until_ms=TIME_MS), False),
    (LetterFilter(until_ms=TIME_MS + 1), True),
    (LetterFilter(since_ms=TIME_MS - 1, until_ms=TIME_MS + 1, key="job-1", event_name="JOB_FAILED", reason="5"), True),
    (LetterFilter(since_ms=TIME_MS - 1, until_ms=TIME_MS + 1, key="job-2", event_name="JOB_FAILED", reason="5"), False),
]


@pytest.mark.parametrize(("meant", "is_so"), MEANT)
def test_a_filter_takes_what_fits_all_of_it(meant: LetterFilter, is_so: bool) -> None:  # noqa: FBT001  a table
    assert meant.takes(letter()) is is_so


def test_what_is_no_event_has_no_name_and_can_be_found_by_its_reason() -> None:
    broken = letter(value=b"garbage", reason="undecodable: garbage", key=None)
    assert (broken.event_name, broken.key) == ("-", "")
    assert LetterFilter(reason="undecodable").takes(broken)
    assert not LetterFilter(event_name="JOB_FAILED").takes(broken)


def test_a_text_is_shown_as_it_is() -> None:
    headers = dead_letter_headers(DeadLetter(Record(0, 0, None, b"", [TEXT], TIME_MS), "exhausted: status 503"), "t")
    for value, shown in [("any text: 世界".encode(), {"text": "any text: 世界"}), (b"\xff", {"value_hex": "ff"})]:
        one = Letter(Message(topic="dead", partition=1, offset=7, value=value, headers=headers), no_registry)
        assert one.event_name == "-"
        whole = json.loads(one.whole())
        assert {name: whole[name] for name in ("text", "value_hex") if name in whole} == shown


def test_a_line_says_where_whose_which_and_why() -> None:
    assert letter().line() == "1:7  job-1  JOB_FAILED  attempts 3  exhausted: status 503"


def test_the_whole_says_everything_that_is_known_of_it() -> None:
    whole = json.loads(letter().whole())
    assert whole.pop("message")["Events"][0]["Batch"]["JobId"] == "job-1"
    assert whole == {
        "partition": 1,
        "offset": 7,
        "key": "job-1",
        "reason": "exhausted: status 503",
        "attempts": "3",
        "source_topic": "batch.job-message",
        "source_partition": "2",
        "source_offset": "41",
        "source_timestamp_ms": str(TIME_MS - 5_000),
        "status": "503",
        "first_attempt_ms": str(TIME_MS - 4_000),
        "last_attempt_ms": str(TIME_MS - 1_000),
        "excerpt": "busy",
        "written": "2026-01-02T03:04:05.000+00:00",
    }
