"""A schema registry through confluent-kafka's own client.

Shape   RegistryIds(settings): ids() for the writer, resolve(id) for the reader. Answers are kept, so that a registry
        that is down stops only what it was never asked before; known() asks, at start, for the schemas that we ship.
        states() and register() are for people's commands
        Imported only where a registry is configured: the client comes with the extra `registry`
Subject `<record name>` of each family (RecordNameStrategy): one topic carries all five
Errors  PipelineError when the registry refuses, does not answer, or answers with something else: `run` waits then,
        registry_wait.py;
        AvroDecodeError for an id that the registry itself says it does not have, or that is no schema of an event
Bounds  an answer may take TIMEOUT_S, and is asked for TRIES times, a few seconds apart
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, TypeVar

from confluent_kafka.schema_registry import Schema, SchemaRegistryClient, SchemaRegistryError
from fastavro.schema import SchemaParseException
from httpx2 import HTTPError

from adapters.settings import SchemaRegistrySettings
from pipeline.errors import PipelineError
from schemas.avro import LATEST, WrittenSchema, load_schema, shipped_schemas
from schemas.errors import AvroDecodeError
from schemas.events import Family

TIMEOUT_S = 5
TRIES = 3

NO_SUBJECT, NO_VERSION, NO_SCHEMA = 40401, 40402, 40403
"""The registry's own codes. A 404 without one comes from something else that answers at its address."""

_NO_ANSWER_OF_A_REGISTRY = (ValueError, KeyError, TypeError, AttributeError)
_NO_SCHEMA_OF_AN_EVENT = (*_NO_ANSWER_OF_A_REGISTRY, IndexError, RecursionError, SchemaParseException)

Answer = TypeVar("Answer")


class SchemaState(NamedTuple):
    """Of a schema that writes: its id, if it is registered, else whether the registry would take it."""

    subject: str
    schema_id: int | None
    compatible: bool


class RegistryIds:
    """What a registry says about our schemas."""

    def __init__(self, settings: SchemaRegistrySettings) -> None:
        self._settings = settings
        self._client = SchemaRegistryClient(_client_config(settings))
        self._resolved: dict[int, WrittenSchema] = {}

    def ids(self) -> dict[Family, int]:
        """The registry's id of the schema that writes, by family; registered if need be and allowed."""
        return {family: self._id(schema) for family, schema in LATEST.items()}

    def states(self) -> Iterator[SchemaState]:
        """What the registry says about each schema that writes; nothing is registered."""
        for schema in _writing():
            schema_id = self._id_if_known(schema)
            yield SchemaState(_subject(schema), schema_id, schema_id is not None or self._is_compatible(schema))

    def register(self) -> dict[str, int]:
        """Register the schemas that write, whatever auto_register says; the id of each subject."""
        return {_subject(schema): self._registered(schema) for schema in _writing()}

    def known(self) -> int:
        """Ask which of the shipped schemas the registry has, so that their ids need no further question."""
        for schema in shipped_schemas():
            schema_id = self._id_if_known(schema)
            if schema_id is not None:
                self._resolved[schema_id] = schema
        return len(self._resolved)

    def resolve(self, schema_id: int) -> WrittenSchema:
        """The schema of an id."""
        schema = self._resolved.get(schema_id)
        if schema is None:
            schema = self._resolved[schema_id] = self._fetched(schema_id)
        return schema

    def _id(self, schema: WrittenSchema) -> int:
        if self._settings.auto_register:
            return self._registered(schema)
        schema_id = self._id_if_known(schema)
        if schema_id is None:
            reason = (
                "the registry does not have our schema, and schema_registry.auto_register is false; "
                "`batch-events topics --apply` registers it"
            )
            raise self._error(f"{_subject(schema)}: {reason}")
        return schema_id

    def _registered(self, schema: WrittenSchema) -> int:
        asked = Schema(schema.text, "AVRO")
        return self._asked(lambda: int(self._client.register_schema(_subject(schema), asked)), _subject(schema))

    def _is_compatible(self, schema: WrittenSchema) -> bool:
        asked = Schema(schema.text, "AVRO")
        try:
            return self._asked(lambda: bool(self._client.test_compatibility(_subject(schema), asked)), _subject(schema))
        except _NotThereError:  # the first of its subject
            return True

    def _id_if_known(self, schema: WrittenSchema) -> int | None:
        try:
            asked = Schema(schema.text, "AVRO")
            return self._asked(lambda: _id_of(self._client.lookup_schema(_subject(schema), asked)), _subject(schema))
        except _NotThereError:
            return None

    def _fetched(self, schema_id: int) -> WrittenSchema:
        what = f"schema id {schema_id}"
        try:
            text = self._asked(lambda: str(self._client.get_schema(schema_id).schema_str), what)
        except _NotThereError as error:
            raise AvroDecodeError(f"{what} is unknown to the registry") from error
        try:
            return load_schema(text)
        except _NO_SCHEMA_OF_AN_EVENT as error:
            raise AvroDecodeError(f"{what} is not an event's: {type(error).__name__}: {error}") from error

    def _asked(self, ask: Callable[[], Answer], what: str) -> Answer:
        try:
            return ask()
        except SchemaRegistryError as error:
            if error.error_code in {NO_SUBJECT, NO_VERSION, NO_SCHEMA}:
                raise _NotThereError from error
            raise self._error(f"{what}: {error}") from error
        except HTTPError as error:
            raise self._error(f"{what}: {str(error) or type(error).__name__}") from error
        except _NO_ANSWER_OF_A_REGISTRY as error:
            raise self._error(f"{what}: not a registry's answer: {type(error).__name__}") from error

    def _error(self, reason: str) -> PipelineError:
        return PipelineError(f"schema registry at {self._settings.url}: {reason}")


class _NotThereError(Exception):
    """The registry says that it has no such thing."""


def _client_config(settings: SchemaRegistrySettings) -> dict[str, Any]:
    config: dict[str, Any] = {"url": settings.url, "timeout": TIMEOUT_S, "max.retries": TRIES - 1}
    if settings.username is not None:
        config["basic.auth.user.info"] = f"{settings.username}:{settings.password or ''}"
    if settings.ca_file is not None:
        config["ssl.ca.location"] = settings.ca_file
    return config


def _writing() -> list[WrittenSchema]:
    """The schemas that write, in the order of the families: which files a folder lists first is anybody's guess."""
    return [LATEST[family] for family in Family]


def _subject(schema: WrittenSchema) -> str:
    return f"batch_events.{schema.family}Event"


def _id_of(registered: Any) -> int:  # noqa: ANN401  untyped there
    return int(registered.schema_id)
