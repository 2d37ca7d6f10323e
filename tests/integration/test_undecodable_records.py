"""A record that nobody can decode goes to the dead letters as it came; the ones behind it are delivered."""

from collections.abc import Callable
from pathlib import Path

import pytest

from schemas.avro import AvroEncoder
from schemas.cmq_message import parse_text
from tests.brokers.broker import Broker
from tests.harness.command import invoke, wait_until
from tests.harness.kafka import Read, produce, read_all
from tests.harness.oracle import decoded
from tests.harness.sink import Sink
from tests.integration.changes import job_id_of, job_line, text_of
from tests.integration.setting import Setting

pytestmark = pytest.mark.real_broker

MIB = 1 << 20
PARTITION = 0

(EVENT,) = parse_text(
    b'{"Events":[{"EventVersion":"1.0","EventTime":"2026-01-02T03:04:05Z","Region":"ap-guangzhou",'
    b'"Batch":{"JobId":"job-by-hand","JobName":"x","JobState":"RUNNING"},"EventName":"JOB_RUNNING","EventVars":[]}]}'
)
BY_HAND = AvroEncoder().encode(EVENT)

UNDECODABLE: list[tuple[bytes | None, bytes | None, str]] = [
    (b"garbage", b"job-1", "undecodable: neither single-object nor registry framing: begins with 6761"),
    (b"", b"job-1", "undecodable: neither single-object nor registry framing: begins with nothing"),
    (None, b"job-1", "undecodable: a record without a value"),
    (b"\xff" * 100, None, "undecodable: neither single-object nor registry framing: begins with ffff"),
    (BY_HAND[:-5], b"\xff\x00", "undecodable: not a JobEvent: "),
    (BY_HAND + b"more", b"job-2", "undecodable: 4 bytes left over after a JobEvent"),
    (b"\xc3\x01" + b"a" * 30, b"job-2", "undecodable: unknown schema fingerprint 6161616161616161"),
    (b"\x00\x00\x00\x00\x07rest", b"job-2", "undecodable: schema id 7 cannot be resolved"),
]

HEADERS = {"ce_id": b"an-id", "ce_type": b"anything", "raw": b"\xff\xfe"}


def deliver_behind(setting: Setting, sink: Sink, queue: str, letters: int = 1) -> tuple[list[str], list[str]]:
    """Publish good events behind what is there and deliver them; who arrived in the queue, and at the sink.

    Args:
        letters: how many dead letters of each subscription to wait for, too.
    """
    assert setting.publish(text_of(*(job_line(f"job-behind{number}") for number in range(20)))).status == 0
    with setting.run() as running:
        wait_until(lambda: sink.accepted("/") >= 20, "the good ones at the sink", alive=[running])
        in_queue = f"cmq.queue.{queue}"
        wait_until(lambda: len(read_all(setting.servers, in_queue)) >= 20, "the good ones in the queue", timeout_s=30)
        for name in ("ops-queue", "billing"):
            topic = setting.dead_letter_topic(name)
            wait_until(lambda topic=topic: len(read_all(setting.servers, topic)) >= letters, "dead letters")  # type: ignore[misc]
        assert running.terminate() == 0, "\n".join(running.lines)
    messages = [decoded(record.value or b"") for record in read_all(setting.servers, in_queue)]
    return list(map(job_id_of, messages)), [job_id_of(decoded(request.body)) for request in sink.of("/")]


def setting_with_both(broker: Broker, unique: Callable[[str], str], folder: Path, sink: Sink, queue: str) -> Setting:
    one = Setting(folder, broker.bootstrap_servers, unique("job-message"))
    one.queue("ops-queue", queue)
    one.http("billing", sink.url("/"), notify_content_format="SIMPLIFIED")
    one.create_topics()
    return one


def test_undecodable_records_become_dead_letters_with_reason_and_original_and_those_behind_are_delivered(
    broker: Broker, unique: Callable[[str], str], tmp_path: Path
) -> None:
    queue = unique("ops")
    with Sink() as sink:
        setting = setting_with_both(broker, unique, tmp_path, sink, queue)
        for value, key, _ in UNDECODABLE:
            produce(setting.servers, setting.event_topic, value, key, PARTITION, HEADERS)
        arrived = deliver_behind(setting, sink, queue, letters=len(UNDECODABLE))

    for jobs in arrived:
        assert sorted(jobs) == sorted(f"job-behind{number}" for number in range(20))
    for name in ("ops-queue", "billing"):
        letters = sorted(read_all(setting.servers, setting.dead_letter_topic(name)), key=source_offset)
        assert len(letters) == len(UNDECODABLE)
        for offset, (letter, (value, key, reason)) in enumerate(zip(letters, UNDECODABLE, strict=True)):
            assert (letter.value, letter.key) == (value, key)
            assert letter.headers.items() >= HEADERS.items()
            assert letter.headers["dl_reason"].decode().startswith(reason)
            assert letter.headers["dl_source_topic"].decode() == setting.event_topic
            assert (letter.headers["dl_source_partition"], letter.headers["dl_source_offset"]) == (b"0", b"%d" % offset)
            assert letter.headers["dl_attempts"] == b"0"
            assert not {"dl_status", "dl_first_attempt_ms", "dl_last_attempt_ms"} & letter.headers.keys()


def source_offset(letter: Read) -> int:
    return int(letter.headers["dl_source_offset"])


def test_they_are_listed_and_shown(broker: Broker, unique: Callable[[str], str], tmp_path: Path) -> None:
    queue = unique("ops")
    with Sink() as sink:
        setting = setting_with_both(broker, unique, tmp_path, sink, queue)
        produce(setting.servers, setting.event_topic, b"garbage\xff", b"job-1", PARTITION, HEADERS)
        produce(setting.servers, setting.event_topic, None, None, PARTITION)
        deliver_behind(setting, sink, queue, letters=2)
    for name in ("ops-queue", "billing"):
        label = f"{setting.topic}/{name}"
        listed = invoke("dead-letters", "list", label, "--config", setting.file)
        shown = invoke("dead-letters", "show", label, "--config", setting.file)
        assert (listed.status, shown.status) == (0, 0)
        assert "  job-1  -  attempts 0  undecodable: neither single-object nor registry framing" in listed.stdout
        assert "  -  -  attempts 0  undecodable: a record without a value" in listed.stdout
        assert listed.stdout.splitlines()[-1] == f"2 dead letters of {label}"
        assert b"garbage\xff".hex() in shown.stdout


def test_an_event_that_somebody_else_produced_without_key_and_headers_is_delivered(
    broker: Broker, unique: Callable[[str], str], tmp_path: Path
) -> None:
    queue = unique("ops")
    with Sink() as sink:
        setting = setting_with_both(broker, unique, tmp_path, sink, queue)
        produce(setting.servers, setting.event_topic, BY_HAND)
        produce(setting.servers, setting.event_topic, b"garbage")
        in_queue, at_sink = deliver_behind(setting, sink, queue)
        ids = {request.msg_id for request in sink.of("/")}
    assert in_queue.count("job-by-hand") == at_sink.count("job-by-hand") == 1
    queue_ids = {r.headers["cmq_msg_id"].decode() for r in read_all(setting.servers, f"cmq.queue.{queue}")}
    assert ids == queue_ids


@pytest.mark.parametrize("size", [2 * MIB, 4 * MIB - 1000, 6 * MIB])
def test_an_undecodable_record_of_many_mib_that_compresses_well_holds_nobody_up(
    size: int, broker: Broker, unique: Callable[[str], str], tmp_path: Path
) -> None:
    """The topic's limit counts compressed bytes, so such a record may be there."""
    queue = unique("ops")
    with Sink() as sink:
        setting = setting_with_both(broker, unique, tmp_path, sink, queue)
        produce(setting.servers, setting.event_topic, b"\xff" * size, b"job-1", PARTITION)
        arrived = deliver_behind(setting, sink, queue)
    for jobs in arrived:
        assert len(set(jobs)) == 20
    for name in ("ops-queue", "billing"):
        (letter,) = read_all(setting.servers, setting.dead_letter_topic(name))
        assert letter.value == b"\xff" * size


def test_an_event_whose_message_is_too_large_for_the_queue_is_a_dead_letter_and_holds_nobody_up(
    broker: Broker, unique: Callable[[str], str], tmp_path: Path
) -> None:
    """It compresses well, so the event topic takes it; in Base64 it is a third larger than what a client sends."""
    large = job_line("job-large")
    large["Job"]["JobName"] = "x" * (13 * MIB)
    queue = unique("ops")
    setting = Setting(tmp_path, broker.bootstrap_servers, unique("job-message"))
    setting.queue("ops-queue", queue)
    setting.create_topics()
    assert setting.publish(text_of(large, *(job_line(f"job-behind{number}") for number in range(20)))).status == 0
    with setting.run() as running:
        topic = f"cmq.queue.{queue}"
        wait_until(lambda: len(read_all(setting.servers, topic)) >= 20, "those behind", alive=[running], timeout_s=20)
        assert running.terminate() == 0
    (letter,) = read_all(setting.servers, setting.dead_letter_topic("ops-queue"))
    assert letter.headers["dl_reason"].decode().startswith("refused by the broker: MSG_SIZE_TOO_LARGE")
