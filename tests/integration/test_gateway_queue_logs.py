"""Whether a dead letter lies in its target, on a real broker."""

from collections.abc import Callable

import pytest
from confluent_kafka import Producer

from adapters.gateway.errors import CmqError, Row
from adapters.gateway.leases.queue_logs import SOURCE_OFFSET, SOURCE_PARTITION, SOURCE_TOPIC_ID
from adapters.gateway.logs.kafka_queue_logs import KafkaQueueLogs
from adapters.gateway.logs.log_facts import LogFacts
from pipeline.headers import Headers
from pipeline.topics import queue_topic
from tests.brokers.broker import Broker
from tests.integration.gateway_kafka import LIMIT_S, Stage, play

pytestmark = pytest.mark.real_broker

SOURCE: Headers = [(SOURCE_TOPIC_ID, b"k1"), (SOURCE_PARTITION, b"0"), (SOURCE_OFFSET, b"7")]
ANOTHER: Headers = [(SOURCE_TOPIC_ID, b"k1"), (SOURCE_PARTITION, b"0"), (SOURCE_OFFSET, b"8")]


def test_a_dead_letter_is_found_behind_an_open_transaction_too(broker: Broker, unique: Callable[[str], str]) -> None:
    stage = Stage(broker.bootstrap_servers)
    name = unique("dead")
    stage.create(queue_topic(name))
    stage.put(queue_topic(name), b"first")  # so the broker knows of the topic

    async def work() -> None:
        async with stage.sender() as sender:
            logs = KafkaQueueLogs(stage.cluster, LogFacts(stage.cluster), sender.send, lambda _: 1)
            ends = await logs.ends(name)
            assert list(ends) == [1]
            producer = Producer(stage.cluster.transactional_config(unique("open")))
            producer.init_transactions(LIMIT_S)
            producer.begin_transaction()
            producer.produce(queue_topic(name), b"of a subscription", partition=0)
            producer.flush(LIMIT_S)
            await logs.bury(name, b"body", SOURCE)
            assert await logs.is_buried(name, ends, SOURCE)
            assert not await logs.is_buried(name, ends, ANOTHER)
            assert not await logs.is_buried(name, [3], SOURCE)
            producer.abort_transaction()
            producer.close()

    play(work)


def test_of_a_target_that_is_gone_it_is_said_so(broker: Broker, unique: Callable[[str], str]) -> None:
    stage = Stage(broker.bootstrap_servers)

    async def work() -> None:
        async with stage.sender() as sender:
            logs = KafkaQueueLogs(stage.cluster, LogFacts(stage.cluster), sender.send, lambda _: 1)
            with pytest.raises(CmqError) as refused:
                await logs.is_buried(unique("gone"), [0], SOURCE)
            assert refused.value.row is Row.NO_QUEUE

    play(work)
