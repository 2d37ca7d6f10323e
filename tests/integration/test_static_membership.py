"""Static members, those with a group.instance.id: the group waits for one that restarts; of two of a name one ends."""

import re
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.cluster import Cluster
from pipeline.errors import PipelineError
from pipeline.source import KafkaSource
from pipeline.subscription import Start
from tests.brokers.broker import Broker
from tests.contract.stage import PARTITIONS, Heard, KafkaStage
from tests.harness.command import Running, invoke, wait_until
from tests.harness.group_state import DurableState
from tests.harness.kafka import read_all
from tests.harness.oracle import expected, judge
from tests.harness.sink import Sink
from tests.integration.setting import Setting
from tests.integration.test_whole_path import ALL_RIGHT, of_json, simulated

pytestmark = pytest.mark.real_broker

SESSION_S = 50
"""Beyond what any test here waits: who takes partitions over before that has not waited for a session to end."""

WAIT_S = 30.0
INSTANCE_ID = "BATCH_EVENTS__KAFKA__GROUP_INSTANCE_ID"


def static(broker: Broker, unique: Callable[[str], str], folder: Path) -> Setting:
    setting = Setting(folder, broker.bootstrap_servers, unique("job-message"))
    setting.config["kafka"]["session.timeout.ms"] = SESSION_S * 1000
    return setting


def start(setting: Setting, pod: str) -> Running:
    return setting.run(env={INSTANCE_ID: pod})


def count(broker: Broker, topic: str) -> int:
    return len(read_all(broker.bootstrap_servers, topic))


def changes_of(member: Running) -> list[str]:
    """What it was given and what was taken from it, one line each."""
    found = (re.search(r"partitions_(?:assigned|revoked|lost) .*=\[\d.*", line) for line in list(member.lines))
    return [one[0] for one in found if one is not None]


def partitions_of(member: Running, name: str) -> set[str]:
    """What it owns of a subscription, were it alone to say."""
    owned: set[str] = set()
    for line in changes_of(member):
        if f"/{name} " in line:
            named = set(re.findall(r"\d+", line.partition("partitions=")[2]))
            owned = owned | named if "assigned" in line else owned - named
    return owned


def all_owned(members: list[Running], *names: str) -> bool:
    return all(sum(len(partitions_of(one, name)) for one in members) == 6 for name in names) and all(
        partitions_of(one, name) for one in members for name in names
    )


def test_a_member_that_restarts_in_order_or_not_finds_its_partitions_and_the_other_hears_nothing(
    broker: Broker, unique: Callable[[str], str], tmp_path: Path
) -> None:
    with Sink() as sink:
        setting = static(broker, unique, tmp_path)
        setting.http("billing", sink.url("/json"))
        setting.queue("ops", unique("ops"))
        setting.create_topics()
        lines = simulated(20, seed=3)
        with start(setting, "pod-0") as stays, start(setting, "pod-1") as goes:
            members = [stays, goes]
            wait_until(lambda: all_owned(members, "billing", "ops"), "all to own partitions", alive=members)
            heard, own = changes_of(stays), {name: partitions_of(goes, name) for name in ("billing", "ops")}
            assert goes.terminate() == 0
            with start(setting, "pod-1") as back:
                wait_until(lambda: {one: partitions_of(back, one) for one in own} == own, "its partitions", WAIT_S)
                back.kill()
            with start(setting, "pod-1") as again:
                wait_until(lambda: {one: partitions_of(again, one) for one in own} == own, "its partitions", WAIT_S)
                assert setting.publish(b"\n".join(lines)).status == 0
                wanted = expected(lines)
                wait_until(lambda: sink.accepted("/json") >= len(wanted), "all", WAIT_S, alive=[stays, again])
                assert changes_of(stays) == heard
                assert (again.terminate(), stays.terminate()) == (0, 0)
        assert judge(wanted, of_json(sink.of("/json"))) == ALL_RIGHT


def test_a_member_that_comes_back_knows_its_held_keys(
    broker: Broker, unique: Callable[[str], str], tmp_path: Path
) -> None:
    lines = simulated(60, seed=5)
    wanted = expected(lines)
    mended = [False]

    def answer(_path: str, msg_id: str, _attempt: int) -> int:
        return 503 if not mended[0] and zlib.crc32(msg_id.encode()) % 20 == 0 else 200

    with Sink(answer) as sink:
        setting = static(broker, unique, tmp_path)
        setting.http("billing", sink.url("/json"), retry_schedule_s=[8.2, 0.1, 0.1, 0.1])
        setting.create_topics()
        assert setting.publish(b"\n".join(lines)).status == 0
        names = broker.bootstrap_servers, f"cmq.{setting.topic}.billing", setting.event_topic
        with start(setting, "pod-0") as first:
            held_topic = f"cmq.{setting.topic}.billing.held"
            wait_until(
                lambda: len(DurableState.of(*names, held_topic).held) > 5, "keys held", alive=[first], every_s=0.2
            )
            assert first.terminate() == 0
        mended[0] = True
        with start(setting, "pod-0") as back:
            wait_until(lambda: sink.accepted("/json") >= len(wanted), "all callbacks", alive=[back])
            assert back.terminate() == 0
        requests = sink.of("/json")
        assert judge(wanted, of_json([one for one in requests if one.accepted])) == ALL_RIGHT


def test_of_two_processes_of_one_name_the_older_ends_and_says_why(
    broker: Broker, unique: Callable[[str], str], tmp_path: Path
) -> None:
    lines = simulated(20, seed=3)
    with Sink() as sink:
        setting = static(broker, unique, tmp_path)
        setting.http("billing", sink.url("/json"))
        setting.create_topics()
        with start(setting, "pod-0") as older:
            wait_until(lambda: all_owned([older], "billing"), "the older to own all", alive=[older])
            with start(setting, "pod-0") as newer:
                wait_until(lambda: all_owned([newer], "billing"), "the newer to own all", WAIT_S, alive=[newer])
                assert older.process.wait(WAIT_S) == 4
                reason = older.wait_for_line("subscription_failed", "Static consumer fenced")
                assert "our group.instance.id is 'pod-0', which no other process may have" in reason
                assert setting.publish(b"\n".join(lines)).status == 0
                wanted = expected(lines)
                wait_until(lambda: sink.accepted("/json") >= len(wanted), "all callbacks", WAIT_S, alive=[newer])
                assert newer.terminate() == 0
        assert judge(wanted, of_json(sink.of("/json"))) == ALL_RIGHT


def test_of_two_processes_of_one_name_the_older_one_of_a_queue_ends_too(
    broker: Broker, unique: Callable[[str], str], tmp_path: Path
) -> None:
    lines, queue = simulated(20, seed=3), unique("ops")
    setting = static(broker, unique, tmp_path)
    setting.queue("ops", queue)
    setting.create_topics()
    with start(setting, "pod-0") as older:
        wait_until(lambda: all_owned([older], "ops"), "the older to own all", alive=[older])
        with start(setting, "pod-0") as newer:
            wait_until(lambda: all_owned([newer], "ops"), "the newer to own all", WAIT_S, alive=[newer])
            assert setting.publish(b"\n".join(lines)).status == 0
            assert older.process.wait(WAIT_S) == 4
            older.wait_for_line("subscription_failed", "'pod-0', which no other process may have")
            wanted = len(expected(lines))
            wait_until(
                lambda: count(broker, f"cmq.queue.{queue}") >= wanted,
                "all in the queue",
                WAIT_S,
                alive=[newer],
                every_s=0.3,
            )
            assert newer.terminate() == 0
    assert count(broker, f"cmq.queue.{queue}") == wanted


def test_both_inputs_of_a_subscription_are_members_and_the_command_that_redrives_is_a_passing_one(
    broker: Broker, unique: Callable[[str], str], tmp_path: Path
) -> None:
    lines = simulated(20, seed=8)
    wanted = expected(lines)
    mended = [False]

    def answer(_path: str, msg_id: str, _attempt: int) -> int:
        return 500 if not mended[0] and zlib.crc32(msg_id.encode()) % 10 == 0 else 200

    with Sink(answer) as sink:
        setting = static(broker, unique, tmp_path)
        setting.http("billing", sink.url("/json"), retry_schedule_s=[0.05])
        setting.create_topics()
        assert setting.publish(b"\n".join(lines)).status == 0
        letters = setting.dead_letter_topic("billing")
        with start(setting, "pod-0") as running:
            wait_until(
                lambda: sink.accepted("/json") + count(broker, letters) >= len(wanted),
                "all",
                alive=[running],
                every_s=0.3,
            )
            mended[0] = True
            redrive = ("dead-letters", "redrive", f"{setting.topic}/billing", "--config", setting.file)
            counts = [
                re.search(r"(\d+) dead letters of", invoke(*redrive, env={INSTANCE_ID: "pod-0"}).stdout)
                for _ in range(2)
            ]
            wait_until(lambda: sink.accepted("/json") >= len(wanted), "the redriven ones", WAIT_S, alive=[running])
            assert running.terminate() == 0
        assert [one and int(one[1]) for one in counts] == [count(broker, letters), 0]


def test_a_member_whose_name_was_taken_lets_go_of_its_partitions_and_says_so(
    broker: Broker, unique: Callable[[str], str]
) -> None:
    stage = KafkaStage(broker.bootstrap_servers, unique)
    cluster = Cluster({"bootstrap.servers": broker.bootstrap_servers, "group.instance.id": "pod-0"})

    def member() -> tuple[KafkaSource, Heard]:
        heard = Heard()
        source = KafkaSource(cluster, stage.events, stage.group, Start(), heard, lambda _reason: None, ".events")
        wait_until(lambda: source.poll(1, 0.1) == [] and len(heard.starts) == PARTITIONS, "partitions", WAIT_S)
        return source, heard

    (older, heard), (newer, _) = member(), member()
    with pytest.raises(PipelineError, match=r"our group.instance.id is 'pod-0.events', which no other process may"):
        wait_until(lambda: older.poll(1, 0.1) != [], "the older to hear of it", WAIT_S)
    assert heard.revoked == [set(range(PARTITIONS))]
    older.close()
    newer.close()
