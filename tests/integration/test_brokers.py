"""The brokers that everything else is tested on keep their own promises."""

import time
from collections.abc import Callable

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from tests.brokers.broker import Broker
from tests.brokers.killable import ClusterMaker
from tests.brokers.ready import BrokerStartError

TIMEOUT_S = 30.0


def create_topic(bootstrap_servers: str, topic: str, copies: int = 1) -> None:
    admin = AdminClient({"bootstrap.servers": bootstrap_servers})
    admin.create_topics([NewTopic(topic, num_partitions=1, replication_factor=copies)])[topic].result(TIMEOUT_S)


def publish(bootstrap_servers: str, topic: str, value: bytes, timeout_s: float = TIMEOUT_S) -> None:
    """Produce with acks=all and return when it is acknowledged; raise KafkaException when it is given up."""
    config = {"bootstrap.servers": bootstrap_servers, "enable.idempotence": True, "log_level": 0}
    producer = Producer({**config, "message.timeout.ms": int(timeout_s * 1000)})
    failures: list[KafkaError] = []
    producer.produce(topic, value, partition=0, on_delivery=lambda error, _: failures.append(error) if error else None)
    assert producer.flush(timeout_s + TIMEOUT_S) == 0
    if failures:
        raise KafkaException(failures[0])


def read_values(bootstrap_servers: str, topic: str, count: int) -> list[bytes | None]:
    """Read the first count records of partition 0 that are committed."""
    config = {"bootstrap.servers": bootstrap_servers, "group.id": f"readers-of-{topic}", "log_level": 0}
    consumer = Consumer({**config, "isolation.level": "read_committed"})
    consumer.assign([TopicPartition(topic, 0, 0)])
    messages = consumer.consume(count, TIMEOUT_S)
    consumer.close()
    return [message.value() for message in messages]


def eventually(condition: Callable[[], bool]) -> None:
    """Return when condition holds; fail if it does not within TIMEOUT_S."""
    give_up_at = time.monotonic() + TIMEOUT_S
    while not condition():
        assert time.monotonic() < give_up_at, "not in time"


def leader_of(bootstrap_servers: str, topic: str) -> int:
    admin = AdminClient({"bootstrap.servers": bootstrap_servers, "log_level": 0})
    return int(admin.list_topics(topic, timeout=TIMEOUT_S).topics[topic].partitions[0].leader)


def test_the_broker_takes_and_gives_records(broker: Broker, unique: Callable[[str], str]) -> None:
    """The session's broker takes a record and gives it back, on every tier."""
    topic = unique("records")
    if not broker.auto_creates_topics:
        create_topic(broker.bootstrap_servers, topic)
    publish(broker.bootstrap_servers, topic, b"one")
    assert read_values(broker.bootstrap_servers, topic, 1) == [b"one"]


@pytest.mark.real_broker
def test_a_forgotten_topic_is_an_error(broker: Broker, unique: Callable[[str], str]) -> None:
    """The session's broker makes no topic that nobody provisioned."""
    if broker.auto_creates_topics:
        pytest.skip("the given cluster makes topics, by whatever name")
    with pytest.raises(KafkaException):
        publish(broker.bootstrap_servers, unique("forgotten"), b"", timeout_s=2)


@pytest.mark.real_broker
def test_a_transaction_is_seen_when_it_is_committed(broker: Broker, unique: Callable[[str], str]) -> None:
    """The session's broker carries transactions, its internal topics being as few-partitioned as ours are."""
    topic = unique("transaction")
    create_topic(broker.bootstrap_servers, topic)
    producer = Producer({"bootstrap.servers": broker.bootstrap_servers, "transactional.id": topic})
    producer.init_transactions(TIMEOUT_S)
    for value, end in ((b"aborted", producer.abort_transaction), (b"committed", producer.commit_transaction)):
        producer.begin_transaction()
        producer.produce(topic, value)
        producer.flush(TIMEOUT_S)
        end(TIMEOUT_S)
    assert read_values(broker.bootstrap_servers, topic, 1) == [b"committed"]


@pytest.mark.native_cluster
def test_a_killed_broker_of_three_is_survived_and_comes_back(native_cluster: ClusterMaker) -> None:
    """Of three brokers one may be killed: records go on, and after its restart it follows again."""
    with native_cluster(brokers=3) as cluster:
        servers = cluster.bootstrap_servers
        create_topic(servers, "survivor", copies=3)
        publish(servers, "survivor", b"before")
        killed = leader_of(servers, "survivor")
        cluster.kill(killed)
        publish(servers, "survivor", b"while one is down")
        cluster.restart(killed)
        eventually(lambda: killed in in_sync_replicas(servers, "survivor"))
        assert read_values(servers, "survivor", 2) == [b"before", b"while one is down"]


def in_sync_replicas(bootstrap_servers: str, topic: str) -> list[int]:
    admin = AdminClient({"bootstrap.servers": bootstrap_servers, "log_level": 0})
    return list(admin.list_topics(topic, timeout=TIMEOUT_S).topics[topic].partitions[0].isrs)


@pytest.mark.native_cluster
def test_a_killed_single_broker_keeps_its_records(native_cluster: ClusterMaker) -> None:
    """Killed and restarted, a broker answers at the same address and has what it acknowledged."""
    with native_cluster() as cluster:
        create_topic(cluster.bootstrap_servers, "kept")
        publish(cluster.bootstrap_servers, "kept", b"one")
        cluster.kill(1)
        cluster.restart(1)
        assert read_values(cluster.bootstrap_servers, "kept", 1) == [b"one"]


@pytest.mark.native_cluster
def test_a_paused_broker_answers_nobody_until_it_is_resumed(native_cluster: ClusterMaker) -> None:
    """A paused broker keeps its port and says nothing; resumed, it goes on."""
    with native_cluster() as cluster:
        admin = AdminClient({"bootstrap.servers": cluster.bootstrap_servers, "log_level": 0})
        admin.list_topics(timeout=TIMEOUT_S)
        cluster.pause(1)
        with pytest.raises(KafkaException):
            admin.list_topics(timeout=1)
        cluster.resume(1)
        assert admin.list_topics(timeout=TIMEOUT_S).brokers.keys() == {1}


@pytest.mark.native_cluster
def test_a_broker_that_cannot_start_shows_its_log(native_cluster: ClusterMaker) -> None:
    """A setting that Kafka refuses is named in the error."""
    with pytest.raises(BrokerStartError, match=r"num\.io\.threads"), native_cluster(config={"num.io.threads": "0"}):
        pass
