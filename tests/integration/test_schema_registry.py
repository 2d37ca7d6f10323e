"""With `schema_registry.url`: records carry the registry's framing, `run` reads them, a registry that is away is told.

The registry is a small HTTP server of ours that answers as the real one does; broker and commands are real.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from schemas.avro import AvroEncoder
from schemas.cmq_message import parse_text
from schemas.events import Family
from tests.brokers.broker import Broker
from tests.harness.command import Running, invoke, wait_until
from tests.harness.kafka import produce, read_all
from tests.harness.oracle import decoded
from tests.harness.schema_registry import SchemaRegistry
from tests.harness.sink import Sink
from tests.integration.changes import job_id_of, job_line, text_of
from tests.integration.setting import Setting

pytestmark = pytest.mark.real_broker

FIRST_ID = 70_000  # more than two bytes

(BY_HAND,) = parse_text(
    b'{"Events":[{"EventVersion":"1.0","EventTime":"2026-01-02T03:04:05Z","Region":"ap-guangzhou",'
    b'"Batch":{"JobId":"job-by-hand","JobName":"x","JobState":"RUNNING"},"EventName":"JOB_RUNNING","EventVars":[]}]}'
)


class Place:
    """A topic with a queue and an HTTP subscription, its sink, and a registry."""

    def __init__(self, broker: Broker, unique: Callable[[str], str], folder: Path, sink: Sink) -> None:
        self.registry = SchemaRegistry(FIRST_ID)
        self.registry.start()
        self.sink = sink
        self.queue_topic = f"cmq.queue.{unique('ops')}"
        registry = {"url": self.registry.url}
        self.setting = Setting(folder, broker.bootstrap_servers, unique("job-message"), schema_registry=registry)
        self.setting.queue("ops-queue", self.queue_topic.removeprefix("cmq.queue."))
        self.setting.http("billing", sink.url("/"), notify_content_format="SIMPLIFIED")
        self.setting.create_topics()

    def values(self) -> list[bytes]:
        return [record.value or b"" for record in read_all(self.setting.servers, self.setting.event_topic)]

    def arrived(self) -> list[set[str]]:
        """Whose events have arrived in the queue, and at the sink."""
        in_queue = [decoded(record.value or b"") for record in read_all(self.setting.servers, self.queue_topic)]
        return [set(map(job_id_of, in_queue)), {job_id_of(decoded(one.body)) for one in self.sink.of("/")}]

    def letters(self, name: str) -> list[dict[str, bytes]]:
        topic = self.setting.dead_letter_topic(name)
        return [letter.headers for letter in read_all(self.setting.servers, topic)]


@pytest.fixture
def place(broker: Broker, unique: Callable[[str], str], tmp_path: Path) -> Iterator[Place]:
    with Sink() as sink:
        one = Place(broker, unique, tmp_path, sink)
        yield one
        one.registry.stop()


def test_records_carry_the_registrys_framing_and_are_delivered(place: Place) -> None:
    env = {"ComputeEnv": {"EnvId": "env-1", "EnvName": "x"}, "After": "CREATED", "Before": None}
    line = {name: value for name, value in job_line("job-1").items() if name != "Job"} | env
    assert place.setting.publish(text_of(job_line("job-1"), line)).status == 0
    ids = {subject: known[0] for subject, known in place.registry.subjects.items()}
    framing = {b"\x00" + ids[f"batch_events.{family}Event"].to_bytes(4, "big") for family in ("Job", "ComputeEnv")}
    assert {value[:5] for value in place.values()} == framing
    with place.setting.run() as running:
        wait_until(lambda: place.sink.accepted("/") == 2, "both", alive=[running])
        wait_until(lambda: len(read_all(place.setting.servers, place.queue_topic)) == 2, "both in the queue")
        assert running.terminate() == 0
    names = {decoded(request.body)["Events"][0]["EventName"] for request in place.sink.of("/")}
    assert names == {"JOB_RUNNING", "COMPUTE_ENV_CREATED"}


def test_records_of_before_the_registry_are_delivered_beside_those_of_after(place: Place) -> None:
    registry = place.setting.config.pop("schema_registry")
    assert place.setting.publish(text_of(job_line("job-before"))).status == 0
    place.setting.config["schema_registry"] = registry
    assert place.setting.publish(text_of(job_line("job-after"))).status == 0
    assert {value[:1] for value in place.values()} == {b"\xc3", b"\x00"}
    with place.setting.run() as running:
        wait_until(lambda: place.arrived() == [{"job-before", "job-after"}] * 2, "both", alive=[running])
        assert running.terminate() == 0


def test_an_unknown_id_is_a_dead_letter_and_those_behind_it_are_delivered(place: Place) -> None:
    other = place.registry.add('{"type": "record", "name": "Other", "fields": []}')
    for schema_id in (4711, other):
        value = b"\x00" + schema_id.to_bytes(4, "big") + b"rest"
        produce(place.setting.servers, place.setting.event_topic, value, b"job-1")
    assert place.setting.publish(text_of(*(job_line(f"job-{number}") for number in range(10)))).status == 0
    with place.setting.run() as running:
        behind = {f"job-{number}" for number in range(10)}
        wait_until(lambda: place.arrived() == [behind, behind], "those behind", alive=[running])
        for name in ("ops-queue", "billing"):
            wait_until(lambda name=name: len(place.letters(name)) == 2, "dead letters", alive=[running])  # type: ignore[misc]
        assert running.terminate() == 0
    for name in ("ops-queue", "billing"):
        reasons = sorted(letter["dl_reason"].decode() for letter in place.letters(name))
        assert reasons[0] == "undecodable: schema id 4711 is unknown to the registry"
        assert reasons[1].startswith(f"undecodable: schema id {other} is not an event's: ")


def test_an_id_is_asked_for_once_and_works_on_when_the_registry_is_away(place: Place) -> None:
    assert place.setting.publish(text_of(job_line("job-1"), job_line("job-2"))).status == 0
    with place.setting.run() as running:
        wait_until(lambda: place.arrived() == [{"job-1", "job-2"}] * 2, "the first", alive=[running])
        place.registry.stop()
        produce(place.setting.servers, place.setting.event_topic, framed(place), b"job-by-hand")
        everybody = {"job-1", "job-2", "job-by-hand"}
        wait_until(lambda: place.arrived() == [everybody] * 2, "one more", alive=[running])
        assert running.probe("/ready") == (200, "ok\n")
        assert running.terminate() == 0
    assert not [asked for asked in place.registry.asked if asked.startswith("GET /schemas/ids/")], "looked up at start"


def framed(place: Place) -> bytes:
    """A record that another producer might write, framed with the id that the registry gave."""
    ids = {family: place.registry.subjects[f"batch_events.{family}Event"][0] for family in Family}
    return AvroEncoder(ids).encode(BY_HAND)


@pytest.mark.parametrize("name", ["run", "publish"])
def test_a_registry_that_is_down_at_the_start_is_one_clear_error_and_status_2(name: str, place: Place) -> None:
    place.registry.stop()
    result = invoke(name, "--config", place.setting.file, stdin=text_of(job_line("job-1", Notifications=[])))
    assert result.status == 2
    (error,) = [line for line in result.stderr.splitlines() if line.startswith("batch-events: ")]
    assert error.startswith(f"batch-events: schema registry at {place.registry.url}: batch_events.")
    assert "Connection refused" in error


def test_dead_letters_are_listed_without_the_registry_and_shown_as_they_are(place: Place) -> None:
    value = b"\x00" + (4711).to_bytes(4, "big") + b"rest"
    produce(place.setting.servers, place.setting.dead_letter_topic("billing"), value, b"job-1")
    place.registry.stop()
    for action in ("list", "show"):
        result = invoke("dead-letters", action, f"{place.setting.topic}/billing", "--config", place.setting.file)
        assert result.status == 0
    assert f'"value_hex": "{value.hex()}"' in result.stdout


def until_silent(place: Place, running: Running) -> None:
    """The first event arrives; the registry falls silent; a record comes whose schema it was never asked for."""
    running.wait_for_line("partitions_assigned", "/billing")
    assert place.setting.publish(text_of(job_line("job-0"))).status == 0
    wait_until(lambda: place.arrived() == [{"job-0"}] * 2, "the first", alive=[running])
    place.registry.stop()
    late = place.registry.add(place.registry.schemas[place.registry.subjects["batch_events.JobEvent"][0]])
    value = b"\x00" + late.to_bytes(4, "big") + framed(place)[5:]
    produce(place.setting.servers, place.setting.event_topic, value, b"job-by-hand")
    for name in ("ops-queue", "billing"):
        running.wait_for_line("not_ready", name, "schema registry at", "Connection refused")


def test_an_id_that_cannot_be_asked_for_now_is_waited_for(place: Place) -> None:
    """It is no dead letter, and the process goes on by itself when the registry answers."""
    with place.setting.run() as running:
        until_silent(place, running)
        assert running.probe("/live")[0] == 200
        assert running.probe("/ready")[0] == 503
        assert place.arrived() == [{"job-0"}] * 2
        place.registry.start()
        wait_until(lambda: place.arrived() == [{"job-0", "job-by-hand"}] * 2, "the late one", alive=[running])
        wait_until(lambda: running.probe("/ready") == (200, "ok\n"), "to be ready", alive=[running])
        assert running.terminate() == 0
    assert place.letters("ops-queue") == place.letters("billing") == []


def test_a_process_that_stops_while_it_waits_for_the_registry_says_that_work_is_left(place: Place) -> None:
    with place.setting.run() as running:
        until_silent(place, running)
        assert running.terminate() == 3
    place.registry.start()
    with place.setting.run() as running:
        wait_until(lambda: place.arrived() == [{"job-0", "job-by-hand"}] * 2, "the late one", alive=[running])
        assert running.terminate() == 0
    assert place.letters("ops-queue") == place.letters("billing") == []


def test_decode_asks_the_configurations_registry(place: Place, tmp_path: Path) -> None:
    assert place.setting.publish(text_of(job_line("job-1"))).status == 0
    record = tmp_path / "record"
    record.write_bytes(place.values()[0])
    result = invoke("decode", str(record), "--config", place.setting.file)
    assert result.status == 0
    assert job_id_of(json.loads(result.stdout)) == "job-1"
    elsewhere = invoke("decode", str(record), cwd=tmp_path.parent)
    assert elsewhere.status == 1
    assert elsewhere.stderr.endswith("cannot be resolved: schema_registry.url is not configured\n")
