"""Messages into topics, and what is known of their logs, on a real broker."""

import asyncio
import os
import time
from collections.abc import Callable

import pytest
from confluent_kafka import KafkaException

from adapters.gateway.errors import CmqError, Row
from adapters.gateway.logs import sender as sender_module
from adapters.gateway.logs.log_facts import GONE, Extent, LogFacts
from adapters.gateway.logs.producing import ANY_PARTITION
from adapters.gateway.logs.refusals import refusal
from adapters.gateway.logs.sender import KafkaSender
from tests.brokers.broker import Broker
from tests.harness.kafka import read_all
from tests.integration.gateway_kafka import Stage, play

pytestmark = pytest.mark.real_broker

GONE_WITHIN_S = 20.0


@pytest.fixture
def stage(broker: Broker) -> Stage:
    return Stage(broker.bootstrap_servers)


@pytest.fixture
def topic(stage: Stage, unique: Callable[[str], str]) -> str:
    name = unique("sent")
    stage.create(name)
    return name


async def row_of(sender: KafkaSender, topic: str, *values: bytes) -> Row:
    with pytest.raises(CmqError) as refused:
        await sender.send(topic, 0, values, [[] for _ in values])
    return refused.value.row


async def gone_for(sender: KafkaSender, topic: str) -> None:
    """Return when a send is told that there is no queue; while the broker lets go of its log it may say try again."""
    async with asyncio.timeout(GONE_WITHIN_S):
        while (row := await row_of(sender, topic, b"x")) is not Row.NO_QUEUE:
            assert row is Row.INTERNAL


def test_what_was_sent_lies_where_the_answer_says_with_key_and_headers(stage: Stage, topic: str) -> None:
    async def work() -> None:
        async with stage.sender() as sender:
            first, second = await asyncio.gather(
                sender.send(topic, 0, [b"a", b"b"], [[("n", b"1")], [("n", b"2")]], b"key"),
                sender.send(topic, ANY_PARTITION, [b"c"], [[]]),
            )
            assert await sender.send(topic, 0, [], []) == []
        assert (first, second) == ([(0, 0), (0, 1)], [(0, 2)])
        records = read_all(stage.servers, topic)
        assert [(one.offset, one.key, one.value, one.headers) for one in records] == [
            (0, b"key", b"a", {"n": b"1"}),
            (1, b"key", b"b", {"n": b"2"}),
            (2, None, b"c", {}),
        ]

    play(work)


def test_an_unknown_topic_and_an_unknown_partition_are_no_queue_before_a_client_gives_up(
    stage: Stage, topic: str, unique: Callable[[str], str]
) -> None:
    async def work() -> None:
        async with stage.sender() as sender:
            began_s = time.monotonic()
            assert await row_of(sender, unique("nowhere"), b"x") is Row.NO_QUEUE
            with pytest.raises(CmqError) as refused:
                await sender.send(topic, 7, [b"x"], [[]])
            assert refused.value.row is Row.NO_QUEUE
            assert time.monotonic() - began_s < 8

    play(work)


def test_a_message_that_is_too_large_for_the_topic_is_refused_as_such_and_the_next_one_goes_through(
    stage: Stage, unique: Callable[[str], str]
) -> None:
    async def work() -> None:
        topic = unique("small")
        stage.create(topic, config={"max.message.bytes": "2000"})
        async with stage.sender() as sender:
            assert await row_of(sender, topic, os.urandom(16 << 20)) is Row.MESSAGE_TOO_BIG
            assert await row_of(sender, topic, os.urandom(20_000)) is Row.MESSAGE_TOO_BIG
            assert await sender.send(topic, 0, [b"x"], [[]]) == [(0, 0)]

    play(work)


def test_a_topic_that_is_created_after_it_was_asked_for_takes_messages(
    stage: Stage, unique: Callable[[str], str]
) -> None:
    async def work() -> None:
        topic = unique("late")
        async with stage.sender() as sender:
            assert await row_of(sender, topic, b"x") is Row.NO_QUEUE
            stage.create(topic)
            began_s = time.monotonic()
            assert await sender.send(topic, 0, [b"x"], [[]]) == [(0, 0)]
            assert time.monotonic() - began_s < 5

    play(work)


def test_a_deleted_topic_is_not_made_again_and_its_namesake_takes_messages(stage: Stage, topic: str) -> None:
    async def work() -> None:
        facts = LogFacts(stage.cluster)
        async with stage.sender() as sender:
            assert await sender.send(topic, 0, [b"x", b"y"], [[], []]) == [(0, 0), (0, 1)]
            stage.delete(topic)
            await gone_for(sender, topic)
            assert await row_of(sender, topic, b"x") is Row.NO_QUEUE
            assert await facts.topic_ids([topic]) == {topic: GONE}
            stage.create(topic)
            began_s = time.monotonic()
            assert await sender.send(topic, 0, [b"z"], [[]]) == [(0, 0)]
            assert time.monotonic() - began_s < 5

    play(work)


def test_a_topic_made_anew_behind_the_senders_back_takes_what_is_sent_in_order(stage: Stage, topic: str) -> None:
    async def work() -> None:
        async with stage.sender() as sender:
            await asyncio.gather(*[sender.send(topic, 0, [b"old"], [[]]) for _ in range(20)])
            stage.delete(topic)
            stage.create(topic)
            sent = await asyncio.gather(*[sender.send(topic, 0, [b"%d" % one], [[]]) for one in range(50)])
        assert sent == [[(0, offset)] for offset in range(50)]
        assert [record.value for record in read_all(stage.servers, topic)] == [b"%d" % one for one in range(50)]

    play(work)


def test_without_a_broker_a_send_fails_in_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    async def work() -> None:
        sender = KafkaSender(Stage("127.0.0.1:1").cluster, lambda _part: None)
        assert await row_of(sender, "any", b"x") is Row.INTERNAL
        await sender.close(0)

    monkeypatch.setattr(sender_module, "CONFIG", {**sender_module.CONFIG, "message.timeout.ms": 1_000})
    play(work)


def test_where_a_log_begins_and_ends_and_the_offsets_of_a_time_are_told(stage: Stage, topic: str) -> None:
    async def work() -> None:
        facts = LogFacts(stage.cluster)
        async with stage.sender() as sender:
            await sender.send(topic, 0, [b"a", b"b"], [[], []])
            await asyncio.sleep(0.05)
            between_ms = time.time_ns() // 1_000_000
            await asyncio.sleep(0.05)
            await sender.send(topic, 0, [b"c"], [[]])
        assert await facts.offsets_at(topic, [0], 0) == {0: 0}
        assert await facts.offsets_at(topic, [0], between_ms) == {0: 2}
        assert await facts.offsets_at(topic, [0], between_ms + 1_000_000) == {0: 3}
        stage.trim(topic, 1)
        assert await facts.extents(topic, [0]) == {0: Extent(1, 3)}
        assert await facts.extents(topic, []) == {}

    play(work)


def test_facts_of_a_topic_that_does_not_exist_are_refused_as_no_queue(
    stage: Stage, topic: str, unique: Callable[[str], str]
) -> None:
    async def work() -> None:
        facts, nowhere = LogFacts(stage.cluster), unique("nowhere")
        ids = await facts.topic_ids([topic, nowhere])
        assert ids[nowhere] == GONE
        assert len(ids[topic]) > 10
        with pytest.raises(KafkaException) as refused:
            await facts.extents(nowhere, [0])
        assert refusal(refused.value).row is Row.NO_QUEUE

    play(work)


def test_many_questions_at_once_are_all_answered(stage: Stage, topic: str) -> None:
    async def work() -> None:
        facts = LogFacts(stage.cluster)
        stage.put(topic, b"a")
        answers = await asyncio.gather(*[facts.extents(topic, [0]) for _ in range(100)])
        assert answers == [{0: Extent(0, 1)}] * 100

    play(work)
