"""`check --online` asks brokers and registry, one line each, and its status says whether all is as it should be."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from adapters.settings_file import load_settings
from schemas.events import Family
from tests.access.document import blocks
from tests.brokers.broker import Broker
from tests.brokers.ports import free_port
from tests.harness.command import Result, invoke
from tests.harness.schema_registry import SchemaRegistry
from tests.integration.changes import job_line, text_of
from tests.integration.setting import Setting
from tests.unit.callback.certificates import authority

SUBJECTS = [f"batch_events.{family}Event" for family in Family]


@pytest.fixture
def registry() -> Iterator[SchemaRegistry]:
    with SchemaRegistry() as one:
        yield one


@pytest.fixture
def setting(broker: Broker, unique: Callable[[str], str], tmp_path: Path, registry: SchemaRegistry) -> Setting:
    one = Setting(tmp_path, broker.bootstrap_servers, unique("job-message"))
    one.config["schema_registry"] = {"url": registry.url, "auto_register": False}
    one.queue("ops-queue", unique("ops"))
    one.http("billing", "http://127.0.0.1:1/")
    return one


def check(setting: Setting) -> Result:
    return invoke("check", "--online", "--config", setting.file)


def findings(result: Result) -> list[str]:
    """What is said beyond what `check` says anyway."""
    return result.stdout.splitlines()[3:]


def answer(setting: Setting, line: str) -> bool:
    """Whether a line says how many brokers answer."""
    return re.fullmatch(rf"brokers {re.escape(setting.servers)}: [1-9]\d* answer", line) is not None


@pytest.mark.real_broker
def test_what_is_missing_is_told_then_created_and_registered_by_one_step_then_fine(setting: Setting) -> None:
    before = check(setting)
    assert before.status == 1
    assert answer(setting, findings(before)[0])
    missing = f"Kafka has no topic '{setting.event_topic}'; `batch-events topics --apply`"
    assert any(line.startswith(f"topic {setting.event_topic}: {missing}") for line in findings(before))
    wanting = "not registered; the registry would take it, `batch-events topics --apply`"
    assert [line for line in findings(before) if line.startswith("schema ")] == [
        f"schema {subject}: {wanting}" for subject in SUBJECTS
    ]

    compared = invoke("topics", "--config", setting.file)
    assert compared.stdout.splitlines()[-5:] == [f"schema {subject}: missing" for subject in SUBJECTS]
    applied = invoke("topics", "--apply", "--config", setting.file)
    assert applied.stdout.splitlines()[-5:] == [f"schema {subject}: registered" for subject in SUBJECTS]

    after = check(setting)
    assert after.status == 0, after
    assert answer(setting, findings(after)[0])
    assert all(line.endswith(": ok") or ": registered as " in line for line in findings(after)[1:])
    assert len(findings(after)) == 1 + 5 + 2 + len(SUBJECTS)
    assert setting.publish(text_of(job_line("job-1"))).status == 0


@pytest.mark.real_broker
def test_topics_that_differ_and_a_schema_that_is_not_compatible_are_told(
    setting: Setting, registry: SchemaRegistry
) -> None:
    setting.create_topics()
    setting.config["topics"]["retention_s"] = 60
    for http in setting.config["subscriptions"][1:]:
        http["max_age_s"] = 30
    subject = SUBJECTS[0]
    registry.subjects[subject] = [registry.add('{"type": "record", "name": "Other", "fields": []}')]
    registry.strict.add(subject)
    result = check(setting)
    assert result.status == 1
    retention = "retention.ms: is 259200000, configured 60000"
    assert f"topic {setting.event_topic}: {retention}" in findings(result)
    assert f"schema {subject}: not registered, and not compatible with what is" in findings(result)


@pytest.mark.real_broker
def test_a_registry_that_is_down_is_one_line_beside_the_brokers_own(setting: Setting, registry: SchemaRegistry) -> None:
    setting.create_topics()
    registry.stop()
    result = check(setting)
    assert (result.status, result.stderr) == (1, "")
    assert answer(setting, findings(result)[0])
    assert findings(result)[-1].startswith(f"schema registry at {registry.url}: batch_events.")
    assert "Connection refused" in findings(result)[-1]


def test_brokers_that_do_not_answer_are_one_line_beside_the_registrys_own(
    tmp_path: Path, registry: SchemaRegistry
) -> None:
    setting = Setting(tmp_path, f"127.0.0.1:{free_port()}", "job-message", schema_registry={"url": registry.url})
    result = check(setting)
    assert result.status == 1
    first, *schemas = result.stdout.splitlines()[1:]
    assert first.startswith(f"no broker answers at {setting.servers}: ")
    assert schemas == [f"schema {subject}: not registered yet, the registry would take it" for subject in SUBJECTS]


def test_a_faulty_configuration_is_status_2_and_asks_nobody(tmp_path: Path) -> None:
    setting = Setting(tmp_path, "127.0.0.1:1", "job-message", colour="red")
    result = check(setting)
    assert result.status == 2
    assert [line.partition(":")[0] for line in result.stdout.splitlines()] == ["colour"]


def test_the_documents_example_of_a_registry_is_accepted(tmp_path: Path) -> None:
    (example,) = blocks("Schema registry")
    example = example.replace("/etc/batch-events/registry-ca.pem", authority(tmp_path).file)
    file = tmp_path / "batch-events.yaml"
    file.write_text(yaml.safe_dump({"kafka": {"bootstrap.servers": "localhost:9092"}} | yaml.safe_load(example)))
    settings = load_settings(str(file), {"REGISTRY_PASSWORD": "x"})
    assert settings.schema_registry is not None
    assert settings.schema_registry.auto_register is False
