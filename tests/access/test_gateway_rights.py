"""With the rights of `batch-events acls gateway` alone the gateway serves its clients; with one fewer it names it.

One cluster for all. Without one that it cannot do without it is not ready, and becomes ready once it has it.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from adapters.access import OF_SUBSCRIPTIONS, Kind, Operation, Part, Right, rights_of
from adapters.cmq_shell.client import CmqRefusedError
from adapters.gateway.journal.journal_record import SLOTS_TOPIC
from adapters.gateway.journal.trimming import Trimming
from adapters.gateway.registry.registry_decisions import SLOTS
from pipeline.cluster import Cluster
from pipeline.held_record import EVENTS, HeldState, held_key, write_state
from tests.access.gateway import Gateway, Work
from tests.access.place import SAMPLE, shown
from tests.access.rights import Rights
from tests.brokers.guarded import GuardedCluster, guarded_cluster
from tests.harness.command import wait_until
from tests.harness.kafka import committed_count, produce

pytestmark = [pytest.mark.native_cluster, pytest.mark.timeout(120)]

RIGHTS = rights_of(Part.GATEWAY, SAMPLE)
WIDE = {right for right in RIGHTS if right.name == OF_SUBSCRIPTIONS and right.kind is not Kind.GROUP}
"""They hold some of the others, and are for subscriptions that are made again."""

Step = Callable[[Work], None]

NEEDING: dict[tuple[str, Operation], tuple[Step, ...]] = {
    ("cmq.registry", Operation.WRITE): (Work.create_topic,),
    ("cmq-gateway.cmq.registry", Operation.WRITE): (Work.create_topic,),
    ("cmq.queue.", Operation.CREATE): (Work.create_queue,),
    ("cmq.queue.", Operation.WRITE): (Work.create_queue, Work.pass_on),
    ("cmq.queue.", Operation.READ): (Work.create_queue, Work.pass_on),
    ("cmq.queue.", Operation.ALTER_CONFIGS): (Work.create_queue, Work.set_queue),
    ("batch.", Operation.CREATE): (Work.create_topic,),
    ("batch.", Operation.WRITE): (Work.create_queue, Work.create_topic, Work.subscribe, Work.publish),
    ("batch.", Operation.READ): (Work.create_queue, Work.create_topic, Work.subscribe),
    (OF_SUBSCRIPTIONS, Operation.READ): (Work.create_queue, Work.create_topic, Work.subscribe),
}
"""Rights, and steps the last of which is refused without them."""

LATER = {("cmq.slots", Operation.DELETE), ("cmq.queue.", Operation.DELETE), ("batch.", Operation.DELETE)}
"""Without these nothing is refused: it is done once it may be."""

VITAL = [right for right in RIGHTS if right not in WIDE and right[1:3] not in NEEDING.keys() | LATER]


class Place:
    """The cluster, and what a super user does there."""

    def __init__(self, cluster: GuardedCluster, folder: Path) -> None:
        self.cluster = cluster
        self.rights = Rights(cluster)
        self.admin = AdminClient({"bootstrap.servers": cluster.bootstrap_servers, "log_level": 0})
        self._folder = folder

    def gateway(self) -> Gateway:
        return Gateway(self._folder, self.cluster)

    def topics(self) -> set[str]:
        return set(self.admin.list_topics(timeout=20).topics)

    def delete(self, name: str) -> None:
        """A topic, if it is there."""
        if name in self.topics():
            self.admin.delete_topics([name])[name].result(20)
            wait_until(lambda: name not in self.topics(), "the topic to be gone")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with guarded_cluster() as cluster:
        yield Place(cluster, tmp_path_factory.mktemp("gateway"))


def crashed(gateway: Gateway) -> str:
    """What it has said from its first fault on; nothing where it had none."""
    lines = list(gateway.lines)
    faults = [number for number, line in enumerate(lines) if "CRITICAL" in line or "Traceback" in line]
    return "\n".join(lines[max(0, faults[0] - 1) :][:40]) if faults else ""


def names_it(gateway: Gateway, right: Right) -> None:
    """It says what was refused, of what."""
    gateway.wait_for_line("AUTHORIZATION_FAILED", right.name, timeout_s=40)


def test_everything_works_with_these_rights_alone(place: Place) -> None:
    place.rights.only(RIGHTS)
    with place.gateway() as gateway:
        wait_until(gateway.ready, "to be ready", alive=[gateway])
        with gateway.work("all") as work:
            work.create_queue()
            work.pass_on()
            work.set_queue()
            work.create_topic()
            work.subscribe()
            work.publish()
            work.unsubscribe()
            work.delete_topic()
            work.delete_queue()
        wait_until(lambda: not {"cmq.queue.all", "batch.all"} & place.topics(), "both topics to be gone")
        assert not [line for line in gateway.lines if "refuse" in line or "AUTHORIZATION" in line]
        assert not crashed(gateway)
        assert gateway.terminate() == 0


@pytest.mark.parametrize("right", VITAL, ids=shown)
def test_without_a_right_that_all_calls_need_it_is_not_ready_and_says_why(right: Right, place: Place) -> None:
    if right.operation is Operation.CREATE:
        place.delete(right.name)
    place.rights.only(one for one in RIGHTS if one != right and one not in WIDE)
    with place.gateway() as gateway:
        names_it(gateway, right)
        wait_until(lambda: not gateway.ready(), "not to be ready", alive=[gateway])
        place.rights.give([right])
        wait_until(gateway.ready, "to be ready", alive=[gateway])
        with gateway.work(f"vital-{VITAL.index(right)}") as work:
            work.create_queue()
            work.pass_on()
        assert not crashed(gateway)
        assert gateway.terminate() == 0


@pytest.mark.parametrize("needing", NEEDING, ids=lambda needing: f"{needing[0]}-{needing[1]}")
def test_without_a_right_to_what_is_asked_for_that_is_refused_and_it_says_why(
    needing: tuple[str, Operation], place: Place
) -> None:
    (right,) = (one for one in RIGHTS if one[1:3] == needing and one not in WIDE)
    *before, refused = NEEDING[needing]
    name = f"asked-{[*NEEDING].index(needing)}"
    place.rights.only(one for one in RIGHTS if one not in WIDE)
    with place.gateway() as gateway:
        wait_until(gateway.ready, "to be ready", alive=[gateway])
        with gateway.work(name) as work:
            for step in before:
                step(work)
        assert gateway.terminate() == 0
    place.rights.only(one for one in RIGHTS if one != right and one not in WIDE)
    with place.gateway() as gateway:
        wait_until(gateway.ready, "to be ready", alive=[gateway])
        with gateway.work(name) as work:
            with pytest.raises(CmqRefusedError, match=r"6000|7000"):
                refused(work)
            names_it(gateway, right)
            place.rights.give([right])
            wait_until(lambda: done(refused, work), "it to be done", alive=[gateway])
        assert not crashed(gateway)
        assert gateway.terminate() == 0


def done(step: Step, work: Work) -> bool:
    """Whether it is not refused any more."""
    try:
        step(work)
    except CmqRefusedError:
        return False
    return True


def test_a_topic_that_it_may_not_delete_is_named_and_goes_once_it_may(place: Place) -> None:
    rights = [one for one in RIGHTS if one.operation is Operation.DELETE and one.prefixed]
    place.rights.only(one for one in RIGHTS if one not in rights)
    with place.gateway() as gateway:
        wait_until(gateway.ready, "to be ready", alive=[gateway])
        with gateway.work("kept") as work:
            work.create_queue()
            work.create_topic()
            work.delete_topic()
            work.delete_queue()
        for right in rights:
            names_it(gateway, right)
        assert {"cmq.queue.kept", "batch.kept"} <= place.topics()
        place.rights.give(rights)
        wait_until(lambda: not {"cmq.queue.kept", "batch.kept"} & place.topics(), "both topics to be gone")
        assert gateway.terminate() == 0


def test_slots_are_trimmed_with_the_right_to_delete_and_without_it_that_is_named(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    place.delete(SLOTS_TOPIC)
    place.admin.create_topics([NewTopic(SLOTS_TOPIC, SLOTS, 1)])[SLOTS_TOPIC].result(20)
    produce(place.cluster.bootstrap_servers, SLOTS_TOPIC, b"one", partition=5)
    right = Right(Kind.TOPIC, SLOTS_TOPIC, Operation.DELETE)
    assert right in RIGHTS
    place.rights.only(one for one in RIGHTS if one != right)
    trimming = Trimming(Cluster(place.cluster.as_user()))
    trimming.trim(5, 1)
    wait_until(lambda: "slot_not_trimmed" in caplog.messages, "the refusal")
    (refusal,) = [record for record in caplog.records if record.message == "slot_not_trimmed"]
    assert "TOPIC_AUTHORIZATION_FAILED" in vars(refusal)["error"]
    assert SLOTS_TOPIC in vars(refusal)["error"]
    place.rights.give([right])
    trimming.trim(5, 1)
    consumer = Consumer({"bootstrap.servers": place.cluster.bootstrap_servers, "group.id": "look", "log_level": 0})
    at = TopicPartition(SLOTS_TOPIC, 5)
    wait_until(lambda: consumer.get_watermark_offsets(at, timeout=20) == (1, 1), "the record to be gone")
    consumer.close()


def names_the_subscription(gateway: Gateway) -> bool:
    """Whether a refusal of something of its own is told; a topic in a transaction the client alone may name."""
    refusals = [line for line in gateway.lines if re.search("authorization[_ ]failed", line, re.IGNORECASE)]
    return any("cmq.again.http" in line for line in refusals)


HELD = "cmq.again.http.held"

OF_TOPICS = [right for right in RIGHTS if right in WIDE and right.kind is Kind.TOPIC]
WITHOUT = [*([right] for right in RIGHTS if right in WIDE), OF_TOPICS]
"""Without any right to it the topic is hidden, as if there were none."""


@pytest.mark.parametrize("lacked", WITHOUT, ids=lambda lacked: "-".join(one.operation for one in lacked))
def test_held_keys_of_a_former_subscription_of_the_name_are_released_or_the_right_is_named(
    lacked: list[Right], place: Place
) -> None:
    url, servers = "http://127.0.0.1:1/", place.cluster.bootstrap_servers
    place.rights.only(one for one in RIGHTS if one not in lacked)
    with place.gateway() as gateway:
        wait_until(gateway.ready, "to be ready", alive=[gateway])
        with gateway.work("again") as work:
            if "batch.again" not in place.topics():
                work.create_topic()
                place.admin.create_topics([NewTopic(HELD, 2, 1)])[HELD].result(20)
            produce(servers, HELD, write_state(HeldState(0, 1, 1, 1, 1, (0,), 1)), held_key(EVENTS, b"job"))
            with pytest.raises(CmqRefusedError, match="6000"):
                work.subscribe("http", url)
            wait_until(lambda: names_the_subscription(gateway), "the refusal to be named", alive=[gateway])
            place.rights.give(lacked)
            before = committed_count(servers, HELD)
            wait_until(lambda: done(lambda one: one.subscribe("http", url), work), "it to be made", alive=[gateway])
            assert committed_count(servers, HELD) == before + 1, "one key is released"
            work.unsubscribe("http")
        assert not crashed(gateway)
        assert gateway.terminate() == 0
