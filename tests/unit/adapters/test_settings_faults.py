"""Everything that is wrong is told at once, a line each: path, value, reason, what is allowed."""

from pathlib import Path
from typing import Any

import pytest

from tests.unit.adapters.configurations import HTTP, QUEUE, faults_of, load, tree

BAD_EVERYWHERE = """\
kafka:
  bootstrap.servers: "http://broker:9092"
  fetch.min.bytez: 1
  sasl.password: hunter2
topics: {partitions: 0, partitons: 3}
colour: red
stop_grace_s: 5
stop_grace_s: 6
subscriptions:
  - {topic: job-message, name: ops-queue, protocol: queue, endpoint: ops}
  - {topic: job-message, name: ops-queue, protocol: queue, endpoint: Ops}
  - {topic: job-message, name: billing, protocol: http, endpoint: billing, events: [JOB_FAILED, JOB_STARTED]}
  - {topic: 9-lives, name: audit, protocol: htp, endpoint: "https://audit.example.com/"}
  - {name: audit}
  - audit
http: {listen: "${LISTEN}"}
"""

ALL_OF_IT = [
    "stop_grace_s: is there twice, again in line 8",
    "kafka.sasl.password: ***: stands in the file; allowed: a reference, ${NAME} or ${file:/path}",
    "BATCH_EVENTS__SUBSCRIPTIONS__9__NAME: there is no '9' in a list of 6",
    "http.listen: ${LISTEN}: is not set in the environment",
    "topics.partitions: 0: must be greater than or equal to 1",
    "topics.partitons: is not a key of the configuration; allowed: prefix, partitions, replication_factor, retention_s",
    "subscriptions[2].endpoint: 'billing': must be an http:// or https:// URL with a host",
    "subscriptions[2].events[1]: 'JOB_STARTED': is not an event name (such as JOB_FAILED)",
    "subscriptions[3].topic: '9-lives': must begin with a letter and hold only letters, digits, '-' and '_'",
    "subscriptions[3].protocol: 'htp': is no protocol; allowed: queue, http",
    "subscriptions[4].topic: is missing",
    "subscriptions[4].protocol: is missing; allowed: queue, http",
    "subscriptions[5]: 'audit': must be a mapping",
    (
        "colour: is not a key of the configuration; allowed: kafka, topics, queues, dead_letters, trace, "
        "subscriptions, subscribed, http, stop_grace_s, topic_owner, schema_registry, gateway"
    ),
    (
        "kafka.bootstrap.servers: 'http://broker:9092': is not a list of brokers; "
        "allowed: HOST:PORT, more of them after commas"
    ),
    'kafka.fetch.min.bytez: No such configuration property: "fetch.min.bytez"',
    "subscriptions[1].name: 'ops-queue': job-message/ops-queue is there twice, first in subscriptions[0]",
    (
        "subscriptions[1].endpoint: 'Ops': is the same queue as 'ops', "
        "CMQ's queue names being unique regardless of case; write one"
    ),
]


def test_all_faults_are_told_at_once_with_path_value_and_what_is_allowed(tmp_path: Path) -> None:
    environ = {"BATCH_EVENTS__SUBSCRIPTIONS__9__NAME": "x"}
    assert sorted(faults_of(tmp_path, BAD_EVERYWHERE, environ)) == sorted(ALL_OF_IT)


def test_every_fault_is_one_line(tmp_path: Path) -> None:
    multiline = tree(HTTP | {"endpoint": "https://a\nb", "notify_strategy": "A\nB"}, **{"x\ny": 1})
    assert all("\n" not in fault for fault in faults_of(tmp_path, multiline))


def test_a_long_value_is_cut(tmp_path: Path) -> None:
    (fault,) = faults_of(tmp_path, tree(HTTP | {"endpoint": "https://example.com/" + "x" * 2000}))
    assert fault.endswith(": is 2020 characters long, allowed are 500")
    assert len(fault) < 250


@pytest.mark.parametrize(
    ("subscription", "path"),
    [
        (QUEUE | {"timeout_s": 5}, "subscriptions[0].timeout_s"),
        (HTTP | {"signing_secrets": "x"}, "subscriptions[0].signing_secrets"),
        (HTTP | {"http": {"endpoint": "x"}}, "subscriptions[0].http"),
    ],
)
def test_an_unknown_key_of_a_subscription_is_named_with_those_of_its_protocol(
    subscription: dict[str, Any], path: str, tmp_path: Path
) -> None:
    faults = [fault for fault in faults_of(tmp_path, tree(subscription)) if "is not a key" in fault]
    (fault,) = faults
    assert fault.startswith(f"{path}: is not a key of the configuration; allowed: topic, name, events, start, protocol")
    assert ("timeout_s" in fault.partition("allowed")[2]) == (subscription["protocol"] == "http")


def test_an_unknown_key_of_the_registry_is_named(tmp_path: Path) -> None:
    faults = faults_of(tmp_path, tree(schema_registry={"url": "http://registry:8081", "uri": "x"}))
    assert faults == [
        (
            "schema_registry.uri: is not a key of the configuration; "
            "allowed: url, auto_register, username, password, ca_file"
        )
    ]


@pytest.mark.parametrize("key", ["topic", "name", "endpoint"])
def test_what_a_subscription_must_have_is_missed(key: str, tmp_path: Path) -> None:
    for one in (QUEUE, HTTP):
        without = {name: value for name, value in one.items() if name != key}
        assert faults_of(tmp_path, tree(without)) == [f"subscriptions[0].{key}: is missing"]


def test_what_follows_from_a_fault_is_not_told_again(tmp_path: Path) -> None:
    """A reference that leads nowhere leaves an empty value: that it is no URL is no news."""
    config = tree(HTTP | {"endpoint": "${ENDPOINT}", "signing_secret": ["${A}", "${B}"]})
    assert faults_of(tmp_path, config) == [
        "subscriptions[0].endpoint: ${ENDPOINT}: is not set in the environment",
        "subscriptions[0].signing_secret[0]: ${A}: is not set in the environment",
        "subscriptions[0].signing_secret[1]: ${B}: is not set in the environment",
    ]


def test_what_is_right_has_no_faults(tmp_path: Path) -> None:
    assert len(load(tmp_path, tree(QUEUE, HTTP)).subscriptions) == 2
