"""Imports go one way, schemas <- pipeline <- adapters, and Kafka's client is spoken to in few places."""

import ast
import sys

import pytest

from tests.unit.house.modules import PACKAGES, imported, module_name, module_paths

MAY_IMPORT = {"schemas": {"schemas"}, "pipeline": {"schemas", "pipeline"}, "adapters": {*PACKAGES}}

PURE_LIBRARIES = {"binascii", "collections", "enum", "hashlib", "io", "json", "re", "reprlib", "typing"}
"""What schemas takes of the standard library: nothing that reaches files, network, time or processes."""

SPEAK_TO_KAFKA = {
    "pipeline.asking",
    "pipeline.cluster",
    "pipeline.held_reader",
    "pipeline.transactions",
    "pipeline.group_questions",
    "pipeline.kafka_errors",
    "pipeline.leaving",
    "pipeline.log_ends",
    "pipeline.log_reader",
    "pipeline.producer",
    "pipeline.resuming",
    "pipeline.shared_admin",
    "pipeline.source",
    "pipeline.starts",
    "pipeline.told_offsets",
    "pipeline.topic_access",
    "pipeline.topic_ids",
    "adapters.demo.play",
    "adapters.embedded",
    "adapters.gateway.logs.body_readers",
    "adapters.gateway.logs.kafka_queue_logs",
    "adapters.gateway.logs.log_facts",
    "adapters.gateway.logs.point_reader",
    "adapters.gateway.logs.producing",
    "adapters.gateway.logs.refusals",
    "adapters.gateway.logs.tail_reader",
    "adapters.gateway.journal.directory",
    "adapters.gateway.journal.journal_writer",
    "adapters.gateway.journal.membership",
    "adapters.gateway.journal.slot_reader",
    "adapters.gateway.journal.trimming",
    "adapters.gateway.logs.kafka_logs",
    "adapters.gateway.registry.registry_log",
    "adapters.gateway.logs.log_names",
    "adapters.gateway.registry.registry_view",
    "adapters.gateway.registry.registry_writer",
    "adapters.gateway.logs.topic_counts",
    "adapters.group_progress",
    "adapters.letters",
    "adapters.provision",
    "adapters.redrive",
    "adapters.registry",
    "adapters.rewind",
    "adapters.run_time",
    "adapters.settings_kafka",
    "adapters.subscribing",
    "adapters.topic_reader",
    "adapters.trace_facts",
    "adapters.trace_writer",
}


def top(name: str) -> str:
    return name.partition(".")[0]


def wrong_way(package: str, source: str) -> list[str]:
    """The imports of a module that its package may not make; relative ones would hide which way they go."""
    return [
        name
        for name in imported(source)
        if name.startswith(".") or (top(name) in {*PACKAGES, "tests"} and top(name) not in MAY_IMPORT[package])
    ]


@pytest.mark.parametrize("package", PACKAGES)
def test_no_import_goes_the_wrong_way(package: str) -> None:
    found = {module_name(path): wrong_way(package, path.read_text()) for path in module_paths(package)}
    assert {module: names for module, names in found.items() if names} == {}


@pytest.mark.parametrize(
    ("package", "source"),
    [
        ("schemas", "from pipeline.errors import PipelineError"),
        ("schemas", "import adapters"),
        ("schemas", "def f():\n    import pipeline.source as s\n    return s"),
        ("pipeline", "import os, adapters.cli"),
        ("pipeline", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from adapters import cli"),
        ("pipeline", "from . import errors"),
        ("pipeline", "from ..adapters import cli"),
        ("adapters", "from tests.harness import anything"),
    ],
)
def test_an_import_that_goes_the_wrong_way_is_seen(package: str, source: str) -> None:
    assert len(wrong_way(package, source)) == 1


@pytest.mark.parametrize("package", PACKAGES)
def test_nothing_is_imported_by_a_name_that_this_check_cannot_read(package: str) -> None:
    for path in module_paths(package):
        names = {node.id for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Name)}
        assert not names & {"__import__", "import_module"}, module_name(path)


def test_schemas_takes_nothing_that_reaches_outside_but_for_its_own_schema_files() -> None:
    outside = {
        (module_name(path), name)
        for path in module_paths("schemas")
        for name in imported(path.read_text())
        if top(name) in sys.stdlib_module_names and top(name) not in PURE_LIBRARIES
    }
    assert outside == {("schemas.avro", "importlib.resources")}


def test_schemas_opens_nothing() -> None:
    for path in module_paths("schemas"):
        calls = {
            node.func.id
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        }
        assert not calls & {"open", "print", "input", "exec", "eval"}, module_name(path)


def test_schemas_depends_on_codecs_and_models_alone() -> None:
    third_party = {
        top(name)
        for path in module_paths("schemas")
        for name in imported(path.read_text())
        if top(name) not in sys.stdlib_module_names and top(name) != "schemas"
    }
    assert third_party == {"fastavro", "msgspec", "pydantic", "pydantic_core"}


def test_kafkas_client_is_imported_in_the_modules_that_speak_to_it_and_nowhere_else() -> None:
    speaking = {
        module_name(path)
        for package in PACKAGES
        for path in module_paths(package)
        if "confluent_kafka" in map(top, imported(path.read_text()))
    }
    assert speaking == SPEAK_TO_KAFKA
