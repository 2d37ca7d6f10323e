"""Partitions that were paused, all that a client has, and go on."""

import time
from collections.abc import Callable

import pytest
from confluent_kafka import Consumer, TopicPartition

from pipeline.cluster import Cluster
from pipeline.resuming import resume
from tests.brokers.broker import Broker
from tests.harness.kafka import produce_many
from tests.integration.gateway_kafka import Stage

pytestmark = pytest.mark.real_broker

ASLEEP_S = 0.3
"""The thread that fetches has found nothing to do by then; it looks again a second after that."""

TRIES = 3


def took_s(consumer: Consumer, place: TopicPartition) -> float:
    """From a resume to the first message."""
    while not consumer.consume(500, 0.05):
        pass
    consumer.pause([place])
    asleep_s = time.monotonic() + ASLEEP_S
    while time.monotonic() < asleep_s:
        assert consumer.poll(0.02) is None
    began_s = time.monotonic()
    resume(consumer, [place])
    while consumer.poll(0.02) is None:
        pass
    return time.monotonic() - began_s


def test_it_goes_on_at_once_where_a_resume_alone_takes_most_of_a_second(
    broker: Broker, unique: Callable[[str], str]
) -> None:
    topic = unique("paused")
    Stage(broker.bootstrap_servers).create(topic)
    produce_many(broker.bootstrap_servers, topic, ((b"x" * 1000, None, 0, {}) for _ in range(5_000)))
    consumer = Consumer(Cluster({"bootstrap.servers": broker.bootstrap_servers}).consumer_config(topic))
    place = TopicPartition(topic, 0, 0)
    consumer.assign([place])
    try:
        assert min(took_s(consumer, place) for _ in range(TRIES)) < 0.4
    finally:
        consumer.close()
