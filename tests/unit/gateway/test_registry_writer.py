"""The registry's writer when Kafka does not do as it should, and when whoever asked has gone."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, cast

import pytest
from confluent_kafka import KafkaError, KafkaException

from adapters.gateway.peers.peer_messages import CreateQueueRequest, DeleteQueueRequest, Made, SetQueueRequest
from adapters.gateway.registry import registry_writer
from adapters.gateway.registry.registry_log import AppendedRecord, RegistryLog
from adapters.gateway.registry.registry_plan import Plan, Sizes
from adapters.gateway.registry.registry_writer import RegistryWriter
from adapters.gateway.slot_ports import SlotLostError
from pipeline.cmq_registry import QueueAttributes
from pipeline.kafka_errors import NOTHING
from pipeline.topics import TopicSpec
from tests.unit.gateway.replicas import FakeView, until

if TYPE_CHECKING:
    from adapters.gateway.logs.kafka_logs import KafkaLogs

LIMIT_S = 20.0


class FakeLog:
    """The registry's log in memory. `fails`: what the next append raises, after it has or has not written."""

    about = NOTHING

    def __init__(self) -> None:
        self.records: list[tuple[bytes, bytes | None]] = []
        self.opened = 0
        self.closed = 0
        self.fails: KafkaException | None = None
        self.writes_before_it_fails = False
        self.gate = threading.Event()
        self.gate.set()
        self.at_gate = threading.Event()

    def open(self) -> None:
        self.opened += 1

    def append(self, records: Sequence[AppendedRecord]) -> None:
        self.at_gate.set()
        assert self.gate.wait(LIMIT_S)
        fails, self.fails = self.fails, None
        if fails is None or self.writes_before_it_fails:
            self.records += records
        if fails is not None:
            raise fails

    def close(self) -> None:
        self.closed += 1


class FakeLogs:
    """Kafka's topics in memory."""

    def __init__(self) -> None:
        self.topics: dict[str, int] = {}
        self.deleted: list[str] = []
        self.refuses_deletes = False
        self.refuses_config = False

    def existing(self) -> dict[str, int]:
        return dict(self.topics)

    def create(self, spec: TopicSpec) -> bool:
        return self.topics.setdefault(spec.name, spec.partitions) is not None

    def describe(self, name: str) -> tuple[str, int]:
        return f"id of {name}", self.topics[name]

    def ids(self, names: Iterable[str]) -> dict[str, str]:
        return {name: f"id of {name}" for name in names if name in self.topics}

    def set_config(self, names: Iterable[str], config: Mapping[str, str]) -> None:
        assert config
        if list(names) and self.refuses_config:
            raise KafkaException(KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED))

    def delete(self, name: str, before_s: float) -> bool:
        assert before_s
        if self.refuses_deletes:
            raise KafkaException(KafkaError(KafkaError._TRANSPORT))
        self.deleted.append(name)
        self.topics.pop(name, None)
        return True


class FakeTimes:
    def __init__(self) -> None:
        self.now_s = 1_000

    @staticmethod
    def monotonic_s() -> float:
        return 0.0

    def now_ms(self) -> int:
        return 1000 * self.now_s


class Stage:
    def __init__(self) -> None:
        self.log = FakeLog()
        self.logs = FakeLogs()
        self.times = FakeTimes()
        self.view = FakeView(self.log.records)
        self.writer = RegistryWriter(
            self.view,
            cast("RegistryLog", self.log),
            cast("KafkaLogs", self.logs),
            Plan(Sizes()),
            times=self.times,
        )

    async def create(self, name: str = "q") -> object:
        return await self.writer.manage(CreateQueueRequest(name, "id", QueueAttributes()))


def on_stage(play: Callable[[Stage], Awaitable[None]]) -> None:
    async def run() -> None:
        async with asyncio.timeout(LIMIT_S):
            await play(Stage())

    asyncio.run(run())


def lost() -> KafkaException:
    return KafkaException(KafkaError(KafkaError._TIMED_OUT))


@pytest.mark.parametrize("written", [True, False])
def test_a_change_of_unknown_outcome_is_said_to_be_so_and_can_be_asked_again(written: bool) -> None:  # noqa: FBT001
    async def play(stage: Stage) -> None:
        stage.log.fails, stage.log.writes_before_it_fails = lost(), written
        with pytest.raises(SlotLostError):
            await stage.create()
        assert await stage.create() == Made("id")
        assert stage.log.opened == 2
        assert {key for key, _ in stage.log.records} == {b"queue:q"}
        entry = stage.view.state.queue("q")
        assert entry is not None
        assert entry.queue_id == "id"

    on_stage(play)


def test_a_change_that_nobody_waits_for_any_more_does_not_meet_the_next_one() -> None:
    async def play(stage: Stage) -> None:
        await stage.create("first")
        stage.log.gate.clear()
        stage.log.at_gate.clear()
        asked = asyncio.create_task(stage.create("second"))
        await until(stage.log.at_gate.is_set)
        asked.cancel()
        await asyncio.wait([asked])
        assert asked.cancelled()
        stage.log.gate.set()
        await stage.create("third")
        assert stage.log.opened == 2  # which shuts the one that was left behind out

    on_stage(play)


def test_kafka_that_does_not_return_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry_writer, "STEP_S", 0.1)

    async def play(stage: Stage) -> None:
        stage.log.gate.clear()
        with pytest.raises(SlotLostError):
            await stage.create()
        stage.log.gate.set()
        await until(lambda: stage.log.records)

    on_stage(play)


def test_a_kafka_topic_that_could_not_be_deleted_goes_before_its_name_is_free() -> None:
    async def play(stage: Stage) -> None:
        await stage.create()
        stage.logs.refuses_deletes = True
        await stage.writer.manage(DeleteQueueRequest("q"))
        assert "cmq.queue.q" in stage.logs.topics
        stage.times.now_s += 31
        await stage.writer.tidy()
        assert len(stage.view.state.gone()) == 1
        stage.logs.refuses_deletes = False
        await stage.writer.tidy()
        assert stage.logs.deleted == ["cmq.queue.q"]
        assert stage.view.state.gone() == []

    on_stage(play)


def test_what_is_found_is_adopted_even_without_the_right_to_configure_it() -> None:
    async def play(stage: Stage) -> None:
        stage.logs.refuses_config = True
        stage.logs.topics |= {"cmq.queue.ops": 2, "cmq.queue.a.held": 1, "batch.t": 6, "batch.queue": 6, "other": 1}
        await stage.writer.tidy()
        assert [(one.name, one.partitions) for one in stage.view.state.queues()] == [("ops", 2)]
        assert [one.name for one in stage.view.state.topics()] == ["t"]
        await stage.writer.tidy()
        assert len(stage.log.records) == 2

    on_stage(play)


def test_a_released_name_is_not_adopted_from_what_is_left_of_its_kafka_topic() -> None:
    async def play(stage: Stage) -> None:
        await stage.create()
        stage.logs.refuses_deletes = True
        await stage.writer.manage(DeleteQueueRequest("q"))
        await stage.writer.close()
        await stage.writer.tidy()
        assert stage.view.state.queue("q") is None

    on_stage(play)


def test_changes_are_made_one_after_the_other() -> None:
    async def play(stage: Stage) -> None:
        await stage.create()
        changes: list[dict[str, int]] = [{"polling_wait_s": 3}, {"visibility_timeout_s": 4}, {"rewind_s": 5}]
        await asyncio.gather(*(stage.writer.manage(SetQueueRequest("q", change)) for change in changes))
        entry = stage.view.state.queue("q")
        assert entry is not None
        assert entry.attributes == QueueAttributes(polling_wait_s=3, visibility_timeout_s=4, rewind_s=5)

    on_stage(play)


@pytest.mark.parametrize("taken_over", [True, False])
def test_partitions_that_an_operator_has_added_are_read_soon(
    monkeypatch: pytest.MonkeyPatch, *, taken_over: bool
) -> None:
    async def play(stage: Stage) -> None:
        await stage.create("Q")
        await stage.create("other")
        stage.logs.topics["cmq.queue.q"] = 3
        if taken_over:
            await stage.writer.close()
        else:
            monkeypatch.setattr(registry_writer, "GROWN_EACH_S", 0.0)
        await stage.writer.tidy()
        partitions = [entry.partitions for entry in stage.view.state.queues()]
        assert (stage.view.state.queues()[0].name, partitions) == ("Q", [3, 1])
        written = len(stage.log.records)
        await stage.writer.tidy()
        assert len(stage.log.records) == written

    on_stage(play)
