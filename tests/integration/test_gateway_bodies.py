"""The bodies of queue topics on a real broker: tails, single ones again, and topics that are not what they were."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from adapters.gateway.logs import body_readers, point_reader, tail_reader
from adapters.gateway.logs.log_facts import LogFacts
from tests.benchmarks.native_broker import create
from tests.brokers.broker import Broker
from tests.harness.bodies import Heard
from tests.integration.gateway_kafka import Stage, eventually, play

pytestmark = pytest.mark.real_broker

QUIET_S = 0.5
COUNT = 1_000


@pytest.fixture
def stage(broker: Broker) -> Stage:
    return Stage(broker.bootstrap_servers)


@pytest.fixture
def topic(stage: Stage, unique: Callable[[str], str]) -> str:
    name = unique("bodies")
    stage.create(name)
    return name


def numbered(first: int, end: int) -> list[bytes]:
    return [b"%d" % number for number in range(first, end)]


def test_a_follow_gives_what_is_there_and_what_comes_whole_and_in_order(stage: Stage, topic: str) -> None:
    async def work() -> None:
        heard = Heard()
        stage.put(topic, *numbered(0, 5))
        async with stage.readers() as readers:
            readers.follow(topic, 0, 2, heard)
            await heard.count(3)
            stage.put(topic, *numbered(5, 8))
            await heard.count(6)
        assert heard.offsets == [2, 3, 4, 5, 6, 7]
        assert [body.value for body in heard.bodies] == numbered(2, 8)
        assert [body.headers for body in heard.bodies] == [[("n", body.value)] for body in heard.bodies]
        assert all(body.timestamp_ms > 1_600_000_000_000 for body in heard.bodies)

    play(work)


def test_aborted_transactions_and_markers_are_left_out_and_committed_ones_come(stage: Stage, topic: str) -> None:
    async def work() -> None:
        heard = Heard()
        async with stage.readers() as readers:
            readers.follow(topic, 0, 0, heard)
            stage.transaction(topic, b"a", b"b", commit=False)
            stage.transaction(topic, b"c", commit=True)
            stage.put(topic, b"d")
            await heard.count(2)
            readers.want(topic, 0, [0, 2, 3, 4, 5])
            await heard.until(lambda: len(heard.missing) == 3 and len(heard.bodies) == 4)
        assert [body.value for body in heard.bodies] == [b"c", b"d", b"c", b"d"]
        assert sorted(heard.missing) == [0, 2, 4]
        assert heard.starts == []

    play(work)


def test_nothing_comes_after_unfollow_and_a_new_follow_begins_where_it_says(stage: Stage, topic: str) -> None:
    async def work() -> None:
        stage.put(topic, *numbered(0, 3_000))
        async with stage.readers() as readers:
            for round_ in range(25):
                first, second = Heard(), Heard()
                readers.follow(topic, 0, 0, first)
                readers.want(topic, 0, range(0, 3_000, 7))
                if round_ % 3:
                    await first.count(round_ * 50)
                readers.unfollow(topic, 0)
                seen = len(first.bodies), len(first.missing)
                readers.follow(topic, 0, 2_500, second)
                await second.count(500)
                assert (len(first.bodies), len(first.missing)) == seen
                assert second.offsets == list(range(2_500, 3_000))
                readers.unfollow(topic, 0)

    play(work)


def test_a_paused_partition_gives_nothing_while_others_go_on_and_resumed_it_leaves_nothing_out(
    stage: Stage, topic: str, unique: Callable[[str], str]
) -> None:
    async def work() -> None:
        other, paused, running = unique("other"), Heard(), Heard()
        stage.create(other)
        async with stage.readers() as readers:
            readers.follow(topic, 0, 0, paused)
            readers.set_paused(topic, 0, paused=True)
            readers.follow(other, 0, 0, running)
            stage.put(topic, *numbered(0, 10))
            stage.put(other, *numbered(0, 10))
            await running.count(10)
            await asyncio.sleep(QUIET_S)
            assert paused.bodies == []
            readers.set_paused(topic, 0, paused=False)
            await paused.count(10)
            readers.set_paused(topic, 0, paused=True)
            await asyncio.sleep(QUIET_S)
            stage.put(topic, *numbered(10, 20))
            await asyncio.sleep(QUIET_S)
            readers.set_paused(topic, 0, paused=False)
            await paused.count(20)
        assert paused.offsets == list(range(20))

    play(work)


def test_a_log_that_begins_later_is_told_and_read_from_there(stage: Stage, topic: str) -> None:
    async def work() -> None:
        heard = Heard()
        stage.put(topic, *numbered(0, 10))
        stage.trim(topic, 6)
        async with stage.readers() as readers:
            readers.follow(topic, 0, 2, heard)
            await heard.count(4)
            readers.want(topic, 0, [1, 2, 5, 6, 9])
            await heard.until(lambda: len(heard.missing) == 3 and len(heard.bodies) == 6)
        assert heard.starts == [6]
        assert heard.offsets == [6, 7, 8, 9, 6, 9]
        assert heard.missing == [1, 2, 5]

    play(work)


def test_a_log_that_has_expired_whole_is_told_and_what_comes_next_is_read(stage: Stage, topic: str) -> None:
    async def work() -> None:
        heard = Heard()
        stage.put(topic, *numbered(0, 10))
        stage.trim(topic, 10)
        async with stage.readers() as readers:
            readers.follow(topic, 0, 0, heard)
            readers.want(topic, 0, [3, 4])
            await heard.until(lambda: heard.starts == [10] and len(heard.missing) == 2)
            stage.put(topic, b"next")
            await heard.count(1)
        assert heard.offsets == [10]

    play(work)


def test_an_offset_beyond_the_logs_end_is_read_from_the_end_and_never_from_the_beginning(
    stage: Stage, topic: str
) -> None:
    async def work() -> None:
        heard = Heard()
        stage.put(topic, *numbered(0, 10))
        async with stage.readers() as readers:
            readers.follow(topic, 0, 50, heard)
            async with asyncio.timeout(10):
                while not heard.bodies:
                    stage.put(topic, b"new")
                    await asyncio.sleep(0.1)
        assert heard.offsets[0] >= 10
        assert {body.value for body in heard.bodies} == {b"new"}

    play(work)


def test_what_is_wanted_comes_again_in_order_and_wanted_twice_it_comes_twice(stage: Stage, topic: str) -> None:
    async def work() -> None:
        heard = Heard()
        stage.put(topic, *numbered(0, 2_000))
        async with stage.readers() as readers:
            readers.follow(topic, 0, 2_000, heard)
            readers.want(topic, 0, [1_999, 3, 1_000, 5])
            await heard.count(4)
            readers.want(topic, 0, [3])
            await heard.count(5)
        assert heard.offsets == [3, 5, 1_000, 1_999, 3]
        assert heard.bodies[0].value == b"3"

    play(work)


def test_what_lies_beyond_the_logs_end_is_missing_only_after_a_while(
    stage: Stage, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work() -> None:
        heard = Heard()
        stage.put(topic, b"0")
        async with stage.readers() as readers:
            readers.follow(topic, 0, 1, heard)
            readers.want(topic, 0, [0, 1])
            await heard.count(1)
            await asyncio.sleep(QUIET_S)
            assert heard.missing == []
            stage.put(topic, b"1")
            await heard.until(lambda: heard.offsets == [0, 1, 1])
            readers.want(topic, 0, [7])
            await heard.until(lambda: heard.missing == [7])

    monkeypatch.setattr(point_reader, "LATE_S", 4.0)
    play(work)


def test_many_partitions_wanted_at_once_all_come(stage: Stage, unique: Callable[[str], str]) -> None:
    async def work() -> None:
        topic = unique("wide")
        stage.create(topic, partitions=150)
        heards = [Heard() for _ in range(150)]
        async with stage.sender() as sender:
            await asyncio.gather(*[sender.send(topic, part, [b"a", b"b"], [[], []]) for part in range(150)])
        async with stage.readers() as readers:
            for part, heard in enumerate(heards):
                readers.follow(topic, part, 2, heard)
                readers.want(topic, part, [1])
            for heard in heards:
                await heard.count(1)
        assert all(heard.offsets == [1] and heard.bodies[0].value == b"b" for heard in heards)

    play(work)


def test_a_topic_that_is_deleted_ends_quietly_and_its_namesake_is_not_read(
    stage: Stage, topic: str, unique: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work() -> None:
        gone, other, alive = Heard(), unique("alive"), Heard()
        stage.create(other)
        stage.put(topic, *numbered(0, 3))
        facts = LogFacts(stage.cluster)
        before = (await facts.topic_ids([topic]))[topic]
        async with stage.readers() as readers:
            readers.follow(topic, 0, 0, gone, before)
            readers.follow(other, 0, 0, alive)
            await gone.count(3)
            stage.delete(topic)

            def ended() -> bool:
                return (topic, 0) not in readers._follows

            await eventually(ended)
            readers.set_paused(topic, 0, paused=True)  # who follows has heard nothing, and goes on
            readers.want(topic, 0, [1])
            stage.create(topic)
            stage.put(topic, *numbered(0, 9))
            stage.put(other, b"x")
            await alive.count(1)
            readers.follow(topic, 0, 3, gone, before)
            await eventually(ended)
            heard = len(gone.bodies)
            stage.put(topic, *numbered(0, 9))
            await asyncio.sleep(QUIET_S)
            assert len(gone.bodies) == heard
            anew = Heard()
            readers.follow(topic, 0, 0, anew, (await facts.topic_ids([topic]))[topic])
            await anew.count(18)

    monkeypatch.setattr(body_readers, "CHECK_S", 0.1)
    play(work)


def test_a_topic_that_is_followed_before_every_broker_knows_it_is_read(
    stage: Stage, unique: Callable[[str], str]
) -> None:
    async def work() -> None:
        async with stage.readers() as readers:
            for round_ in range(5):
                topic, heard = unique(f"fresh-{round_}"), Heard()
                stage.create(topic)
                readers.follow(topic, 0, 0, heard)
                stage.put(topic, b"v")
                await heard.count(1)

    play(work)


def test_what_goes_to_the_other_reader_and_back_is_read_once_and_in_order(
    stage: Stage, unique: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work() -> None:
        topic, heards = unique("moving"), [Heard() for _ in range(8)]
        stage.create(topic, partitions=8)
        async with stage.readers() as readers, stage.sender() as sender:
            for part, heard in enumerate(heards):
                readers.follow(topic, part, 0, heard)
            for round_ in range(240):
                part = round_ % (1 + round_ % 8)
                await sender.send(topic, part, [b"v"] * 3, [[]] * 3)
                readers.set_paused(topic, part, paused=round_ % 3 == 0)
                await asyncio.sleep(0.02)
            for part in range(8):
                readers.set_paused(topic, part, paused=False)
            ends = await LogFacts(stage.cluster).extents(topic, range(8))
            for part, heard in enumerate(heards):
                await heard.count(ends[part].end)
        assert all(heard.offsets == list(range(ends[part].end)) for part, heard in enumerate(heards))

    monkeypatch.setattr(tail_reader, "COOL_S", 0.2)
    monkeypatch.setattr(tail_reader, "SWEEP_S", 0.05)
    play(work)


def test_a_thousand_topics_are_followed_at_once_and_each_message_arrives(
    stage: Stage, unique: Callable[[str], str]
) -> None:
    async def work() -> None:
        topics = [unique("one-of-many") for _ in range(COUNT)]
        heards = [Heard() for _ in topics]
        for first in range(0, COUNT, 100):
            create(stage.servers, *topics[first : first + 100], partitions=1)
        before_mib = resident_mib()
        async with stage.readers() as readers, stage.sender() as sender:
            began_s = time.monotonic()
            for topic, heard in zip(topics, heards, strict=True):
                readers.follow(topic, 0, 0, heard)
            for first in range(0, COUNT, 100):
                await asyncio.gather(*[sender.send(topic, 0, [b"v"], [[]]) for topic in topics[first : first + 100]])
            for heard in heards:
                await heard.count(1)
            assert time.monotonic() - began_s < 60
            assert resident_mib() - before_mib < 100
        stage.delete(*topics)

    play(work)


def resident_mib() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / (1 << 20)
