"""What a dead letter's record says beside the original."""

from pipeline.dead_letter import dead_letter_headers
from pipeline.headers import Headers
from pipeline.ports import DeadLetter, Record

ORIGINAL: Headers = [("ce_id", b"an-id"), ("traceparent", b"00-ab-cd-01"), ("odd", None)]
RECORD = Record(3, 42, b"job-1", b"\xc3\x01", ORIGINAL, 1_529_073_797_250)

WHERE = [
    ("dl_source_topic", b"batch.job-message"),
    ("dl_source_partition", b"3"),
    ("dl_source_offset", b"42"),
    ("dl_source_timestamp_ms", b"1529073797250"),
]


def test_an_exhausted_event_tells_reason_status_attempts_and_times_after_its_own_headers() -> None:
    letter = DeadLetter(RECORD, "exhausted: status 503", 503, 177, 1_000, 86_016_000, b"try later")
    assert dead_letter_headers(letter, "batch.job-message") == [
        *ORIGINAL,
        ("dl_reason", b"exhausted: status 503"),
        ("dl_attempts", b"177"),
        *WHERE,
        ("dl_status", b"503"),
        ("dl_first_attempt_ms", b"1000"),
        ("dl_last_attempt_ms", b"86016000"),
        ("dl_excerpt", b"try later"),
    ]


def test_what_was_never_attempted_has_no_status_and_no_times() -> None:
    letter = DeadLetter(RECORD, "undecodable: unknown schema fingerprint é")
    assert dead_letter_headers(letter, "batch.job-message") == [
        *ORIGINAL,
        ("dl_reason", "undecodable: unknown schema fingerprint é".encode()),
        ("dl_attempts", b"0"),
        *WHERE,
    ]


def test_the_original_record_is_not_touched() -> None:
    before = list(ORIGINAL)
    dead_letter_headers(DeadLetter(RECORD, "x"), "t").append(("more", b""))
    assert RECORD.headers == before


def test_an_excerpt_goes_byte_for_byte() -> None:
    headers = dead_letter_headers(DeadLetter(RECORD, "x", excerpt=b"\xff\x00"), "t")
    assert ("dl_excerpt", b"\xff\x00") in headers
