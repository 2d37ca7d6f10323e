"""What a schema registry says about our schemas, and what becomes of it when it says something else."""

import base64
import json
from collections.abc import Iterator

import pytest

from adapters import registry as module
from adapters.registry import RegistryIds
from adapters.settings import SchemaRegistrySettings
from pipeline.errors import PipelineError
from schemas.avro import LATEST, AvroEncoder, decode_avro
from schemas.cmq_message import parse_text
from schemas.errors import AvroDecodeError
from schemas.events import Family
from tests.harness.schema_registry import SchemaRegistry
from tests.unit.schemas.samples import GUIDE_SAMPLE

(EVENT,) = parse_text(GUIDE_SAMPLE)
UNKNOWN_ID = 4711


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[SchemaRegistry]:
    monkeypatch.setattr(module, "TRIES", 1)
    with SchemaRegistry(first_id=100) as one:
        yield one


def ids_of(server: SchemaRegistry, **more: object) -> RegistryIds:
    return RegistryIds(SchemaRegistrySettings.model_validate({"url": server.url, **more}))


def test_the_writer_registers_a_schema_for_each_family_under_its_record_name(server: SchemaRegistry) -> None:
    ids = ids_of(server).ids()
    assert sorted(ids.values()) == [100, 101, 102, 103, 104]
    assert set(server.subjects) == {f"batch_events.{family}Event" for family in Family}
    assert {family: server.schemas[one] for family, one in ids.items()} == {f: LATEST[f].text for f in Family}


def test_registering_again_gives_the_same_ids(server: SchemaRegistry) -> None:
    assert ids_of(server).ids() == ids_of(server).ids()


def test_without_auto_register_schemas_are_only_looked_up(server: SchemaRegistry) -> None:
    registered = ids_of(server).ids()
    server.asked.clear()
    assert ids_of(server, auto_register=False).ids() == registered
    assert not any("/versions" in asked for asked in server.asked)


def test_without_auto_register_a_schema_that_the_registry_lacks_is_a_clear_error(server: SchemaRegistry) -> None:
    reason = (
        "the registry does not have our schema, and schema_registry.auto_register is false; "
        "`batch-events topics --apply` registers it"
    )
    with pytest.raises(
        PipelineError, match=rf"^schema registry at {server.url}: batch_events\.[A-Za-z]+Event: {reason}$"
    ):
        ids_of(server, auto_register=False).ids()


def test_a_framed_record_is_read_by_its_id_which_is_asked_for_once(server: SchemaRegistry) -> None:
    record = AvroEncoder(ids_of(server).ids()).encode(EVENT)
    assert record[:1] == b"\x00"
    reader = ids_of(server)
    server.asked.clear()
    for _ in range(3):
        assert decode_avro(record, reader.resolve) == EVENT
    assert server.asked == [f"GET /schemas/ids/{int.from_bytes(record[1:5], 'big')}"]


def test_what_was_asked_before_is_known_when_the_registry_is_down(server: SchemaRegistry) -> None:
    record = AvroEncoder(ids_of(server).ids()).encode(EVENT)
    reader = ids_of(server)
    assert decode_avro(record, reader.resolve) == EVENT
    server.stop()
    assert decode_avro(record, reader.resolve) == EVENT
    with pytest.raises(PipelineError, match=f"schema registry at {server.url}: schema id {UNKNOWN_ID}: "):
        reader.resolve(UNKNOWN_ID)


def test_the_shipped_schemas_are_known_from_the_start(server: SchemaRegistry) -> None:
    record = AvroEncoder(ids_of(server).ids()).encode(EVENT)
    reader = ids_of(server)
    assert reader.known() == 5
    server.stop()
    assert decode_avro(record, reader.resolve) == EVENT


def test_a_registry_that_has_none_of_them_is_no_error_at_the_start(server: SchemaRegistry) -> None:
    assert ids_of(server).known() == 0


def test_an_unknown_id_is_an_undecodable_record(server: SchemaRegistry) -> None:
    with pytest.raises(AvroDecodeError, match=f"^schema id {UNKNOWN_ID} is unknown to the registry$"):
        ids_of(server).resolve(UNKNOWN_ID)


def test_an_id_that_is_registered_later_is_found(server: SchemaRegistry) -> None:
    reader = ids_of(server)
    with pytest.raises(AvroDecodeError):
        reader.resolve(100)
    assert server.add(LATEST[Family.JOB].text) == 100
    assert reader.resolve(100).family is Family.JOB


OTHER_SCHEMAS = [
    '"string"',
    '{"type": "record", "name": "Other", "fields": []}',
    '{"type": "record", "name": "JobEvent", "fields": [{"name": "Batch", "type": "string"}]}',
    '{"type": "record", "name": "JobEvent", "fields": [{"name": "Batch", "type": "Nowhere"}]}',
    '{"type": "record"}',
    '{"type": "nonsense"}',
    "[]",
    "5",
    "null",
    "syntax = proto3;",
    "",
]


@pytest.mark.parametrize("text", OTHER_SCHEMAS)
def test_the_id_of_another_schema_is_an_undecodable_record(text: str, server: SchemaRegistry) -> None:
    schema_id = server.add(text)
    with pytest.raises(AvroDecodeError, match=f"^schema id {schema_id} is not an event's: "):
        ids_of(server).resolve(schema_id)


BROKEN = [
    (200, b"<html>a proxy</html>"),
    (200, b"[]"),
    (200, b""),
    (404, b"not found"),
    (404, b'{"error_code": 404, "message": "HTTP 404 Not Found"}'),
    (401, b'{"error_code": 401, "message": "Unauthorized"}'),
    (500, b'{"error_code": 50001, "message": "Error in the backend"}'),
    (503, b""),
]


@pytest.mark.parametrize("answer", BROKEN, ids=[str(one) for one in BROKEN])
def test_what_no_registry_says_is_an_error_and_no_verdict_on_a_record(
    answer: tuple[int, bytes], server: SchemaRegistry
) -> None:
    """Else a proxy that is broken for a minute would send a minute's events to the dead letters."""
    server.broken = answer
    reader = ids_of(server)
    for ask in (lambda: reader.resolve(1), reader.known, reader.ids):
        with pytest.raises(PipelineError, match=f"^schema registry at {server.url}: "):
            ask()
    server.broken = None
    schema_id = server.add(LATEST[Family.JOB].text)
    assert reader.resolve(schema_id).family is Family.JOB


def test_user_and_password_are_sent_and_not_shown(server: SchemaRegistry) -> None:
    reader = ids_of(server, username="reader", password="hunter2")  # noqa: S106  a test's
    reader.known()
    assert server.credentials == ["Basic " + base64.b64encode(b"reader:hunter2").decode()] * 5
    server.broken = (401, json.dumps({"error_code": 401, "message": "Unauthorized"}).encode())
    with pytest.raises(PipelineError) as caught:
        reader.resolve(1)
    assert "hunter2" not in str(caught.value)
    assert "Unauthorized" in str(caught.value)


def test_a_registry_that_is_down_is_named(server: SchemaRegistry) -> None:
    server.stop()
    with pytest.raises(PipelineError, match=f"^schema registry at {server.url}: .*Connection refused"):
        ids_of(server).known()
