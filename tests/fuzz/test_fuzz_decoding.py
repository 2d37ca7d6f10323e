"""Everything that reads from outside, with bytes that were never meant for it: its named error, and no other.

Runs for BATCH_EVENTS_TEST_FUZZ_S seconds in all (2 by default), shared by the readers. A failure names the seed;
BATCH_EVENTS_TEST_FUZZ_SEED takes it again.
"""

import json
import os
import random
import time
from collections.abc import Callable

import pytest

from pipeline.change_lines import parse_line
from pipeline.errors import ChangeError
from pipeline.lifecycle import event_of
from pipeline.ports import Push, Record
from pipeline.transform import QueueMessage, Refusal, Transform, Unwanted
from schemas.avro import LATEST, AvroEncoder, WrittenSchema, decode_avro
from schemas.cmq_message import message_body, message_text, parse_body, parse_text
from schemas.errors import AvroDecodeError, AvroEncodeError, CmqMessageError, NotificationsError
from schemas.events import BatchEvent, Family
from schemas.notifications import parse_notifications
from tests.fuzz.mutation import mutated
from tests.unit.pipeline.records import http_subscription, queue_subscription
from tests.unit.schemas.both_ways import assert_same_both_ways
from tests.unit.schemas.samples import FULL_BATCH, STATE_FIELDS, full_event

SECONDS = float(os.environ.get("BATCH_EVENTS_TEST_FUZZ_S", "2"))
SEED = int(os.environ.get("BATCH_EVENTS_TEST_FUZZ_SEED", "0")) or random.SystemRandom().getrandbits(32)

EVENTS = [full_event(family) for family in Family]
ENCODER = AvroEncoder()
FRAMING = AvroEncoder({family: number for number, family in enumerate(Family)})
RECORDS = [ENCODER.encode(event) for event in EVENTS]
FRAMED = [FRAMING.encode(event) for event in EVENTS]
BARE = [
    bytes([number]) + ENCODER.encode(BatchEvent(family, "X", "", "", FULL_BATCH[family], event.event_vars))[10:]
    for number, (family, event) in enumerate(zip(Family, EVENTS, strict=True))
] + [bytes([number]) + record[10:] for number, record in enumerate(RECORDS)]
NOTIFICATIONS = [
    {
        "TopicName": "job-message",
        "EventConfigs": [
            {"EventName": name, "EventVars": [{"Name": "who", "Value": "me"}]} for name in ("JOB_FAILED", "TaskFailed")
        ],
    },
    {"topic_name": "env", "event_configs": [{"event_name": "ComputeNodeCreated"}]},
]
LINES = [
    json.dumps(
        {
            "Region": "ap-guangzhou",
            "Time": "2026-01-02T11:04:05.5+08:00",
            "Before": None,
            "After": FULL_BATCH[family].get(STATE_FIELDS[family] or "", "CREATED"),
            "Attempt": 1,
            "Sequence": "1",
            family: FULL_BATCH[family],
            "Notifications": NOTIFICATIONS,
        }
    ).encode()
    for family in Family
]
WRAPPERS = [
    json.dumps(document).encode()
    for document in (
        NOTIFICATIONS,
        {"notifications": NOTIFICATIONS},
        {"Job": {"JobName": "x", "Notifications": NOTIFICATIONS}},
    )
]


def resolve(schema_id: int) -> WrittenSchema:
    return LATEST[list(Family)[schema_id % len(Family)]]


PUSHES = Transform(http_subscription(), resolve=resolve)
MESSAGES = Transform(queue_subscription(), resolve=resolve)


def read_record(value: bytes) -> None:
    event = decode_avro(value, resolve)
    message_text(event)
    message_body(event)


def read_both_ways(bare: bytes) -> None:
    """The first byte chooses the schema."""
    assert_same_both_ways(resolve(int.from_bytes(bare[:1], "big")), bare[1:])


def send_record(value: bytes) -> None:
    record = Record(0, 0, value[:4], value, [("ce_id", value[-4:])], 0)
    assert isinstance(PUSHES.push(record), Push | Refusal | Unwanted)
    assert isinstance(MESSAGES.queue_message(record), QueueMessage | Refusal | Unwanted)


def read_line(line: bytes) -> None:
    change = parse_line(line).change
    event = event_of(change)
    if event is not None:
        ENCODER.encode(event)


def read_notifications(text: bytes) -> None:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return
    parse_notifications(document)


def read_text(text: bytes) -> None:
    parse_text(text)
    parse_text(text.decode("utf-8", "surrogateescape"))


Reader = tuple[Callable[[bytes], object], list[bytes], tuple[type[Exception], ...]]

READERS: dict[str, Reader] = {
    "avro": (read_record, RECORDS + FRAMED, (AvroDecodeError,)),
    "avro both ways": (read_both_ways, BARE, ()),
    "transform": (send_record, RECORDS + FRAMED, ()),
    "message text": (read_text, [message_text(event) for event in EVENTS], (CmqMessageError,)),
    "message body": (parse_body, [message_body(event) for event in EVENTS], (CmqMessageError,)),
    "change line": (read_line, LINES, (ChangeError, AvroEncodeError)),
    "notifications": (read_notifications, WRAPPERS, (NotificationsError,)),
}


def surprise(reader: str, chance: random.Random, seconds: float) -> str | None:
    """The first input that is met with another error than the named one, if any is found in time."""
    read, originals, named = READERS[reader]
    end_s = time.monotonic() + seconds
    while time.monotonic() < end_s:
        for _ in range(50):
            value = mutated(chance, originals)
            try:
                read(value)
            except named:
                pass
            except Exception as error:  # noqa: BLE001  whatever it is, it is the finding
                return f"{type(error).__name__}: {error}\nfor {value!r}"
    return None


@pytest.mark.timeout(SECONDS + 60)
@pytest.mark.parametrize("reader", READERS)
def test_a_reader_of_bytes_raises_its_named_error_and_no_other(reader: str) -> None:
    found = surprise(reader, random.Random(SEED), SECONDS / len(READERS))  # noqa: S311  to be drawn again
    if found is not None:
        pytest.fail(f"BATCH_EVENTS_TEST_FUZZ_SEED={SEED}: {found}", pytrace=False)


@pytest.mark.parametrize("reader", READERS)
def test_what_is_mutated_was_good(reader: str) -> None:
    read, originals, _ = READERS[reader]
    for value in originals:
        read(value)


def test_a_surprise_is_found_and_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    def fragile(value: bytes) -> int:
        return len(value) // (len(value) % 7)

    monkeypatch.setitem(READERS, "avro", (fragile, RECORDS, (AvroDecodeError,)))
    found = surprise("avro", random.Random(1), 5.0)  # noqa: S311
    assert found is not None
    assert found.startswith("ZeroDivisionError: integer")
