"""Properties of librdkafka are librdkafka's to judge: `check` asks it, without a connection."""

import socket
from pathlib import Path

import pytest

from pipeline.client_properties import PROMISED
from tests.unit.adapters.configurations import Tree, faults_of, load, tree


def kafka(**properties: object) -> Tree:
    """A configuration with these properties, `_` standing for the dot."""
    given = {name.replace("_", "."): value for name, value in properties.items()}
    return tree(kafka={"bootstrap.servers": "localhost:9092"} | given)


REFUSED = [
    ("fetch.min.bytez", 1, 'No such configuration property: "fetch.min.bytez"'),
    ("bogus", "x", 'No such configuration property: "bogus"'),
    ("fetch.min.bytes", "abc", "'abc': Invalid value for configuration property \"fetch.min.bytes\""),
    ("security.protocol", "tls", '\'tls\': Invalid value "tls" for configuration property "security.protocol"'),
    ("linger.ms", True, "True: Invalid value for configuration property"),
    ("bootstrap.servers", ["a:1"], "['a:1']: is not a list of brokers"),
    ("client.id", ["a"], "['a']: must be text, a number, true or false"),
    ("default.topic.config", {"acks": "all"}, "{'acks': 'all'}: must be text, a number, true or false"),
    ("group.id", "mine", "'mine': is set by batch-events itself: it is the subscription's; leave it out"),
    ("transactional.id", "mine", "'mine': is set by batch-events itself: each input has its own; leave it out"),
    ("group.instance.id", "pod 0", "'pod 0': is no name for a member; allowed: 1 to 200 letters, digits"),
    ("group.instance.id", "..", "'..': is no name for a member"),
    ("group.instance.id", "", "'': is no name for a member"),
    ("metadata.broker.list", "a:9092", "'a:9092': is bootstrap.servers by its other name; write that"),
    ("error_cb", "print", "'print': is set by batch-events itself: errors are heard; leave it out"),
    ("partitioner", "random", "'random': must send one key to one partition, or events of a job lose their order"),
    ("acks", 1, "1: is fixed at 'all': an event that was acknowledged would be lost with one broker"),
    ("request.required.acks", 0, "0: is fixed at 'all': an event that was acknowledged"),
    ("enable.idempotence", False, "False: is fixed at True: an event sent again after an error would be there twice"),
    ("delivery.report.only.error", True, "True: is fixed at False: nobody would hear"),
    ("transaction.timeout.ms", 60_000, "60000: is fixed at 10000: what a killed process left open would hide later"),
    ("enable.auto.commit", True, "True: is fixed at False: an event would be committed before it is delivered"),
    ("auto.commit.enable", "true", "'true': is fixed at False: an event would be committed before it is delivered"),
    ("enable.auto.offset.store", True, "True: is fixed at False: an event would be committed before it is delivered"),
    ("offset.store.method", "file", "'file': is fixed at 'broker': another member could not go on"),
    ("isolation.level", "read_uncommitted", "'read_uncommitted': is fixed at 'read_committed': what an aborted"),
    ("auto.offset.reset", "latest", "'latest': is fixed at 'error': events would be left out, or sent again"),
    ("enable.partition.eof", True, "True: is fixed at False: the end of a partition would be taken for an error"),
    ("allow.auto.create.topics", True, "True: is fixed at False: a misspelt topic would come into being"),
]


@pytest.mark.parametrize(("name", "value", "reason"), REFUSED, ids=[name for name, _, _ in REFUSED])
def test_a_property_that_cannot_be_is_named(name: str, value: object, reason: str, tmp_path: Path) -> None:
    config = tree()
    config["kafka"][name] = value
    (fault,) = faults_of(tmp_path, config)
    assert fault.startswith(f"kafka.{name}: {reason}")


def test_every_property_that_cannot_be_is_named_at_once(tmp_path: Path) -> None:
    config = kafka(fetch_min_bytez=1, linger_mz=5, fetch_max_bytes="many", acks=0)
    assert [fault.partition(": ")[0] for fault in faults_of(tmp_path, config)] == [
        "kafka.fetch.min.bytez",
        "kafka.linger.mz",
        "kafka.fetch.max.bytes",
        "kafka.acks",
    ]


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        (
            {"security_protocol": "SASL_PLAINTEXT", "sasl_mechanism": "PLAIN"},
            "sasl.username and sasl.password must be set",
        ),
        ({"security_protocol": "SSL", "ssl_ca_location": "/nowhere/ca.pem"}, "ssl.ca.location failed"),
        ({"fetch_max_bytes": 1000, "message_max_bytes": 2000}, "`fetch.max.bytes` must be >= `message.max.bytes`"),
        (
            {"group_instance_id": "pod-0", "group_protocol": "Consumer"},
            "group.instance.id does not go with group.protocol",
        ),
        ({"session_timeout_ms": 60_000, "max_poll_interval_ms": 30_000}, "`max.poll.interval.ms`must be >= `session"),
    ],
)
def test_properties_that_do_not_fit_together_are_told(
    properties: dict[str, object], reason: str, tmp_path: Path
) -> None:
    (fault,) = faults_of(tmp_path, kafka(**properties))
    assert fault.startswith("kafka: ")
    assert reason in fault


@pytest.mark.parametrize("name", sorted(PROMISED))
def test_what_is_fixed_may_stand_there_as_it_is(name: str, tmp_path: Path) -> None:
    config = tree()
    config["kafka"][name] = PROMISED[name].value
    assert load(tmp_path, config).kafka[name] == PROMISED[name].value


ACCEPTED: list[dict[str, object]] = [
    {"fetch_min_bytes": 5, "linger_ms": 0.5, "client_id": "x", "debug": "broker"},
    {"enable_auto_commit": False, "acks": "all", "enable_idempotence": "true", "isolation_level": "READ_COMMITTED"},
    {"socket_keepalive_enable": True, "enable_ssl_certificate_verification": False},
    {"session_timeout_ms": 10_000, "group_protocol": "classic", "partition_assignment_strategy": "range"},
    {"group_instance_id": "batch-events-0", "group_protocol": "classic", "session_timeout_ms": 30_000},
    {"group_instance_id": 7},
    {"group_protocol": "consumer", "group_remote_assignor": "range"},
    {"security_protocol": "sasl_plaintext", "sasl_mechanism": "PLAIN", "sasl_username": "u", "sasl_password": "${P}"},
    {"message_max_bytes": 8 << 20, "fetch_max_bytes": 9 << 20, "message_timeout_ms": 60_000},
]


@pytest.mark.parametrize("properties", ACCEPTED)
def test_properties_that_librdkafka_takes_are_passed_on_as_they_are(
    properties: dict[str, object], tmp_path: Path
) -> None:
    settings = load(tmp_path, kafka(**properties), {"P": "x"})
    given = {name.replace("_", "."): value for name, value in properties.items()} | {"sasl.password": "x"}
    assert all(settings.kafka[name] == given[name] for name in settings.kafka if name in given)


@pytest.mark.parametrize(
    "servers",
    ["localhost", "localhost:9092", "a:1,b:2", "a:1, b:2", "[::1]:9092", "SASL_SSL://a:9092", "broker_1.local:65535"],
)
def test_bootstrap_servers_may_be_one_or_many(servers: str, tmp_path: Path) -> None:
    assert load(tmp_path, kafka(bootstrap_servers=servers)).kafka["bootstrap.servers"] == servers


@pytest.mark.parametrize(
    "servers", ["http://a:9092", "a:b", "a:0", "a:65536", "a b:1", ",", "a:1,", ":9092", "a:1;b:2", "::1:9092", 9092]
)
def test_bootstrap_servers_that_are_none_are_refused(servers: object, tmp_path: Path) -> None:
    (fault,) = faults_of(tmp_path, kafka(bootstrap_servers=servers))
    allowed = "is not a list of brokers; allowed: HOST:PORT, more of them after commas"
    assert fault == f"kafka.bootstrap.servers: {servers!r}: {allowed}"


@pytest.mark.parametrize(
    "text", ["topics: {partitions: 1}\n", "kafka:\n", "kafka: {bootstrap.servers: }\n", "kafka: {}\n"]
)
def test_missing_bootstrap_servers_are_told_once(text: str, tmp_path: Path) -> None:
    assert faults_of(tmp_path, text) == [
        "kafka.bootstrap.servers: is missing; allowed: HOST:PORT, more of them after commas"
    ]


def test_kafka_must_be_a_mapping(tmp_path: Path) -> None:
    assert faults_of(tmp_path, "kafka: localhost:9092\n") == ["kafka: 'localhost:9092': must be a mapping"]


def test_no_broker_is_called(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0)
        load(tmp_path, kafka(bootstrap_servers=f"127.0.0.1:{server.getsockname()[1]}"))
        with pytest.raises(BlockingIOError):
            server.accept()
