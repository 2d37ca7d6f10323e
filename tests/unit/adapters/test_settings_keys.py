"""Every key of every model: its default, what it takes, and what it refuses."""

import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from adapters.settings import (
    GatewayKeySettings,
    GatewaySettings,
    HttpSubscriptionSettings,
    QueueSubscriptionSettings,
    SchemaRegistrySettings,
    Settings,
)
from pipeline.retry import NotifyStrategy
from pipeline.subscription import BodyEncoding, OnExhausted, OnRefused, Start
from schemas.cmq_push import ContentFormat
from tests.unit.adapters.configurations import HTTP, QUEUE, Tree, faults_of, load, tree

DAY_S = 86_400

DEFAULTS = {
    "topics.prefix": "batch.",
    "topics.partitions": 6,
    "topics.replication_factor": 3,
    "topics.retention_s": 3 * DAY_S,
    "queues.partitions": 1,
    "queues.retention_s": 4 * DAY_S,
    "dead_letters.retention_s": 14 * DAY_S,
    "trace.partitions": 6,
    "trace.retention_s": 3 * DAY_S,
    "http.listen": "127.0.0.1:8080",
    "stop_grace_s": 25.0,
    "topic_owner": 0,
    "subscriptions": (),
    "subscribed.body_encoding": BodyEncoding.BASE64,
    "subscribed.concurrency": 64,
    "subscribed.timeout_s": 15.0,
    "subscribed.allow_private_addresses": False,
    "schema_registry": None,
    "gateway": None,
}

HTTP_DEFAULTS = {
    "events": None,
    "start": Start("earliest"),
    "notify_strategy": NotifyStrategy.EXPONENTIAL_DECAY_RETRY,
    "notify_content_format": ContentFormat.JSON,
    "body_encoding": BodyEncoding.BASE64,
    "retry_schedule_s": None,
    "concurrency": 64,
    "timeout_s": 15.0,
    "allow_private_addresses": False,
    "on_exhausted": OnExhausted.DEAD_LETTER,
    "on_refused": OnRefused.RETRY,
    "max_age_s": 172_800.0,
    "signing_secret": (),
    "ca_file": None,
    "client_certificate_file": None,
    "client_key_file": None,
    "trace": False,
}

REQUIRED = {"kafka", "topic", "name", "protocol", "endpoint", "url"}


def value_of(settings: BaseModel, path: str) -> Any:
    value: Any = settings
    for step in path.split("."):
        value = getattr(value, step)
    return value


def nested(path: str, value: object) -> Tree:
    """`topics.partitions`, 12 -> a configuration that says so."""
    section, _, key = path.partition(".")
    return tree(**{section: {key: value} if key else value})


def keys_of(model: type[BaseModel], prefix: str = "") -> set[str]:
    """Every key that a model takes, sections resolved."""
    found: set[str] = set()
    for name, field in model.model_fields.items():
        section = field.annotation
        inner = isinstance(section, type) and issubclass(section, BaseModel)
        found |= keys_of(section, f"{prefix}{name}.") if inner else {prefix + name}  # type: ignore[arg-type]
    return found


def test_the_tables_here_name_every_key() -> None:
    assert keys_of(Settings) == set(DEFAULTS) | {"kafka"}
    assert keys_of(HttpSubscriptionSettings) == set(HTTP_DEFAULTS) | REQUIRED - {"kafka", "url"}
    assert keys_of(QueueSubscriptionSettings) == {"topic", "name", "protocol", "endpoint", "events", "start"}
    assert keys_of(SchemaRegistrySettings) == {"url", "auto_register", "username", "password", "ca_file"}


def test_every_key_stands_in_the_readmes_reference() -> None:
    """Its first column; `kafka` and `subscriptions` are told by what stands below them."""
    readme = (Path(__file__).parents[3] / "README.md").read_text(encoding="utf-8")
    reference = readme.partition("## Configuration")[2].partition("\n## ")[0]
    told = {
        key for row in re.findall(r"^\| (`[^|]+) \|", reference, re.MULTILINE) for key in re.findall(r"`(.+?)`", row)
    }
    ours = keys_of(Settings) - {"subscriptions", "schema_registry", "gateway"}
    ours |= {f"schema_registry.{name}" for name in SchemaRegistrySettings.model_fields}
    ours |= keys_of(GatewaySettings, "gateway.")
    ours |= {f"gateway.keys.*.{name}" for name in GatewayKeySettings.model_fields}
    ours |= {f"subscriptions[].{name}" for name in HttpSubscriptionSettings.model_fields}
    assert told == ours


@pytest.mark.parametrize("path", DEFAULTS)
def test_a_key_that_is_absent_or_empty_has_its_default(path: str, tmp_path: Path) -> None:
    for config in (tree(), nested(path, None)):
        assert value_of(load(tmp_path, config), path) == DEFAULTS[path]


@pytest.mark.parametrize("path", HTTP_DEFAULTS)
def test_a_key_of_an_http_subscription_that_is_absent_or_empty_has_its_default(path: str, tmp_path: Path) -> None:
    for one in (HTTP, HTTP | {path: None}):
        (subscription,) = load(tmp_path, tree(one)).subscriptions
        assert value_of(subscription, path) == HTTP_DEFAULTS[path]


def test_subscriptions_may_be_empty_or_absent(tmp_path: Path) -> None:
    kafka: Tree = {"kafka": {"bootstrap.servers": "localhost:9092"}}
    for config in (kafka, kafka | {"subscriptions": None}, kafka | {"subscriptions": []}):
        assert load(tmp_path, config).subscriptions == ()


ACCEPTED = [
    ("topics.prefix", "", ""),
    ("topics.prefix", "x" * 100, "x" * 100),
    ("topics.partitions", 1, 1),
    ("topics.partitions", 100_000, 100_000),
    ("topics.partitions", "12", 12),
    ("topics.replication_factor", 32_767, 32_767),
    ("topics.retention_s", 1, 1),
    ("queues.partitions", 12, 12),
    ("queues.retention_s", 1_296_000, 1_296_000),
    ("dead_letters.retention_s", 100 * 365 * DAY_S, 100 * 365 * DAY_S),
    ("trace.partitions", 100_000, 100_000),
    ("trace.retention_s", 1, 1),
    ("http.listen", "0.0.0.0:0", "0.0.0.0:0"),
    ("http.listen", "[::1]:65535", "[::1]:65535"),
    ("http.listen", "localhost:80", "localhost:80"),
    ("stop_grace_s", 0.5, 0.5),
    ("topic_owner", 1_300_000_000, 1_300_000_000),
]


@pytest.mark.parametrize(("path", "given", "value"), ACCEPTED)
def test_a_key_takes_what_is_within_its_limits(path: str, given: object, value: object, tmp_path: Path) -> None:
    assert value_of(load(tmp_path, nested(path, given)), path) == value


WHOLE = "must be a whole number"
AT_LEAST_1 = "must be greater than or equal to 1"
LISTEN = "must be HOST:PORT, an IPv6 host in brackets"
PREFIX = "must be at most 100 letters, digits, '.', '_' and '-'"

REFUSED = [
    ("topics.prefix", "a b", PREFIX),
    ("topics.prefix", "x" * 101, PREFIX),
    ("topics.prefix", "batch.\n", PREFIX),
    ("topics.prefix", 5, "must be text"),
    ("topics.partitions", 0, AT_LEAST_1),
    ("topics.partitions", 100_001, "must be less than or equal to 100000"),
    ("topics.partitions", 1.5, WHOLE),
    ("topics.partitions", "six", WHOLE),
    ("topics.partitions", True, "must be a number"),
    ("topics.partitions", [6], WHOLE),
    ("topics.replication_factor", 0, AT_LEAST_1),
    ("topics.replication_factor", 32_768, "must be less than or equal to 32767"),
    ("topics.retention_s", -1, AT_LEAST_1),
    ("topics.retention_s", 2**62, "must be less than or equal to 3153600000"),
    ("queues.partitions", 0, AT_LEAST_1),
    ("queues.retention_s", 0, AT_LEAST_1),
    ("dead_letters.retention_s", 0, AT_LEAST_1),
    ("trace.partitions", 0, AT_LEAST_1),
    ("trace.retention_s", 0, AT_LEAST_1),
    ("http.listen", "8080", LISTEN),
    ("http.listen", ":8080", LISTEN),
    ("http.listen", "::1:8080", LISTEN),
    ("http.listen", "127.0.0.1:65536", LISTEN),
    ("http.listen", "127.0.0.1:\uff18\uff10", LISTEN),
    ("http.listen", "127.0.0.1:²", LISTEN),
    ("http.listen", 8080, "must be text"),
    ("stop_grace_s", 0, "must be greater than 0"),
    ("stop_grace_s", float("inf"), "must be a finite number"),
    ("stop_grace_s", float("nan"), "must be a finite number"),
    ("stop_grace_s", 86_401, "must be less than or equal to 86400"),
    ("stop_grace_s", "soon", "must be a number"),
    ("topic_owner", -1, "must be greater than or equal to 0"),
    ("topic_owner", 10**15 + 1, "must be less than or equal to 1000000000000000"),
    ("subscriptions", {"a": 1}, "must be a list"),
    ("topics", 6, "must be a mapping"),
    ("http", "127.0.0.1:8080", "must be a mapping"),
    ("schema_registry", "http://localhost:8081", "must be a mapping"),
]


@pytest.mark.parametrize(("path", "given", "reason"), REFUSED)
def test_a_key_refuses_what_is_outside_and_says_what_is_allowed(
    path: str, given: object, reason: str, tmp_path: Path
) -> None:
    assert faults_of(tmp_path, nested(path, given)) == [f"{path}: {given!r}: {reason}"]


REFUSED_OF_HTTP = [
    ("retry_schedule_s", 5, "must be a list"),
    ("concurrency", 0, AT_LEAST_1),
    ("concurrency", 10_001, "must be less than or equal to 10000"),
    ("concurrency", False, "must be a number"),
    ("timeout_s", 0, "must be greater than 0"),
    ("timeout_s", 301, "must be less than or equal to 300"),
    ("timeout_s", float("nan"), "must be a finite number"),
    ("notify_strategy", "RETRY", "must be 'BACKOFF_RETRY' or 'EXPONENTIAL_DECAY_RETRY'"),
    ("notify_content_format", "XML", "must be 'JSON' or 'SIMPLIFIED'"),
    ("body_encoding", "utf-8", "must be 'base64' or 'plain'"),
    ("trace", "perhaps", "must be true or false"),
    ("on_exhausted", "ignore", "must be 'dead-letter' or 'drop'"),
    ("allow_private_addresses", "perhaps", "must be true or false"),
    ("ca_file", "/nowhere/ca.pem", "cannot be read: No such file or directory"),
]


@pytest.mark.parametrize(("path", "given", "reason"), REFUSED_OF_HTTP)
def test_a_key_of_an_http_subscription_refuses_what_is_outside(
    path: str, given: object, reason: str, tmp_path: Path
) -> None:
    assert faults_of(tmp_path, tree(HTTP | {path: given})) == [f"subscriptions[0].{path}: {given!r}: {reason}"]


@pytest.mark.parametrize("gap", [-1, 86_401, float("inf"), True, "x"])
def test_a_gap_of_a_retry_schedule_that_is_none_is_named_by_its_position(gap: object, tmp_path: Path) -> None:
    (fault,) = faults_of(tmp_path, tree(HTTP | {"retry_schedule_s": [0, 0.5, gap]}))
    assert fault.startswith(f"subscriptions[0].retry_schedule_s[2]: {gap!r}: must be ")


def test_a_retry_schedule_may_be_empty_and_then_there_is_one_attempt(tmp_path: Path) -> None:
    (one,) = load(tmp_path, tree(HTTP | {"retry_schedule_s": []})).subscriptions
    http = one.subscription().http
    assert http is not None
    assert http.retry.retries == 0


def test_a_ca_file_without_certificates_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    file.write_text("nothing")
    (fault,) = faults_of(tmp_path, tree(HTTP | {"ca_file": str(file)}))
    assert fault.endswith("holds no certificates in PEM form")


def test_a_subscription_becomes_the_pipelines_policy(tmp_path: Path) -> None:
    more = {"notify_content_format": "SIMPLIFIED", "concurrency": 3, "timeout_s": 1, "on_exhausted": "drop"}
    queue, http = (one.subscription() for one in load(tmp_path, tree(QUEUE, HTTP | more)).subscriptions)
    assert (queue.label, queue.queue_name, queue.http) == ("job-message/ops-queue", "ops", None)
    assert http.http is not None
    assert http.http.endpoint == HTTP["endpoint"]
    assert http.http.content_format is ContentFormat.SIMPLIFIED
    assert (http.http.concurrency, http.http.timeout_s, http.http.on_exhausted) == (3, 1.0, OnExhausted.DROP)


def test_settings_cannot_be_changed(tmp_path: Path) -> None:
    settings = load(tmp_path, tree())
    with pytest.raises(ValueError, match="frozen"):
        settings.stop_grace_s = 1.0  # type: ignore[misc]
