"""Brokers and topics that go, come back, grow, or hold what is no record."""

from confluent_kafka import ElectionType, Producer, TopicPartition
from confluent_kafka.admin import NewPartitions, NewTopic  # type: ignore[attr-defined]  # they forgot __all__

from tests.faults.case import Expect, case
from tests.faults.kill_points import CLOCKS
from tests.faults.scene import Scene, simulated
from tests.harness.conduct import slowly
from tests.harness.oracle import expected

OFFSETS = "__consumer_offsets"
THREE = {"topics": {"partitions": 6, "replication_factor": 3}}


@case("broker restart", "The only broker is stopped and comes back while events flow.", brokers=1, clocks=CLOCKS)
def broker_restart(scene: Scene) -> None:
    scene.sink.answer = lambda *_: slowly(0.02)
    scene.publish(100)
    scene.start()
    scene.wait_accepted(100)
    scene.cluster.restart(1)
    scene.note_fault()
    scene.publish(20, seed=2)
    scene.finish()


@case(
    "broker stands still",
    "The only broker is frozen beyond the session time-out: attempts cease until commits are acknowledged again.",
    brokers=1,
    clocks=CLOCKS,
)
def broker_frozen(scene: Scene) -> None:
    scene.sink.answer = lambda *_: slowly(0.2)
    scene.publish(100)
    member = scene.start()
    scene.wait_accepted(100)
    scene.note_fault()
    scene.cluster.pause(1)
    seen: list[int] = []

    def quiet() -> bool:
        seen.append(len(scene.requests))
        return len(seen) > 20 and seen[-20] == seen[-1]

    scene.wait(quiet, "attempts to cease", every_s=0.1)
    assert scene.accepted < len(scene.sent), "it went on without an acknowledged commit"
    scene.cluster.resume(1)
    assert member in scene.running
    scene.finish()


@case(
    "kill -9 of the leader",
    "One of three brokers is killed, acks=all, two in-sync replicas: the others lead on.",
    brokers=3,
    clocks=CLOCKS + ", broker session 3 s",
    config=THREE,
)
def leader_killed(scene: Scene) -> None:
    scene.sink.answer = lambda *_: slowly(0.02)
    scene.publish(100)
    scene.start()
    scene.wait_accepted(100)
    topic = scene.admin.list_topics(scene.setting.event_topic, timeout=10).topics[scene.setting.event_topic]
    scene.note_fault()
    scene.cluster.kill(topic.partitions[0].leader)
    scene.publish(20, seed=2)
    scene.finish()


def coordinator(scene: Scene) -> int:
    """The broker that leads the group's partition of the committed offsets; an admin client remembers old answers."""
    java_hash = 0
    for character in scene.group.encode():
        java_hash = (31 * java_hash + character) & 0xFFFF_FFFF
    partitions = scene.admin.list_topics(OFFSETS, timeout=10).topics[OFFSETS].partitions
    return partitions[min(java_hash, (1 << 32) - java_hash) % len(partitions)].leader  # of its absolute value


def coordinator_elected(scene: Scene) -> int:
    """Ask for the brokers to lead again what they led at first, as far as they have caught up."""
    offsets = scene.admin.list_topics(OFFSETS, timeout=10).topics[OFFSETS].partitions
    scene.admin.elect_leaders(ElectionType.PREFERRED, [TopicPartition(OFFSETS, one) for one in offsets]).result(20)
    return coordinator(scene)


@case(
    "coordinator moving",
    "The broker that coordinates the group is killed, comes back, and is given its office again while all brokers "
    "live: events flow on, commits wait for whoever is in office.",
    brokers=3,
    clocks=CLOCKS + ", broker session 3 s",
    config=THREE,
)
def coordinator_moving(scene: Scene) -> None:
    scene.sink.answer = lambda *_: slowly(0.1)
    scene.publish(60)
    scene.start()
    scene.wait_committed()
    first = coordinator(scene)
    asked = scene.admin.describe_consumer_groups([scene.group], request_timeout=10)[scene.group].result(20)
    assert asked.coordinator is not None
    assert asked.coordinator.id == first
    scene.note_fault()
    scene.cluster.kill(first)
    scene.wait(lambda: coordinator(scene) not in {first, -1}, "another coordinator", every_s=0.1)
    scene.cluster.restart(first)
    scene.publish(40, seed=2)
    scene.note_fault()
    scene.wait(lambda: coordinator_elected(scene) == first, "the first coordinator", every_s=0.2)
    scene.sink.answer = lambda *_: 200
    scene.publish(20, seed=3)
    scene.finish()


def recreate(scene: Scene, partitions: int = 6) -> None:
    """Delete the event topic and make it again."""
    topic = scene.setting.event_topic
    scene.admin.delete_topics([topic])[topic].result(20)
    scene.wait(lambda: topic not in scene.admin.list_topics(timeout=10).topics, "the topic to be gone")

    def made() -> bool:
        try:
            scene.admin.create_topics([NewTopic(topic, partitions, 1)])[topic].result(20)
        except Exception:  # noqa: BLE001  still being deleted
            return topic in scene.admin.list_topics(timeout=10).topics
        return True

    scene.wait(made, "the topic to be made again", every_s=0.2)


@case(
    "topic made anew while stopped",
    "The event topic was deleted and created: old offsets and maps are void, the new log is read from its start.",
)
def recreated_while_stopped(scene: Scene) -> None:
    scene.publish()
    scene.start()
    scene.finish()
    recreate(scene)
    scene.publish(40, seed=2)
    scene.start()
    scene.finish()


@case(
    "topic made anew while running",
    "The same under a running owner: it notices, says so, and reads the new log from its start.",
)
def recreated_while_running(scene: Scene) -> None:
    scene.publish()
    scene.start()
    scene.wait(scene.all_arrived, "the first half")
    recreate(scene)
    scene.publish(40, seed=2)
    scene.finish()


@case(
    "partitions added",
    "The event topic grows while events flow: the new partitions are read from their start.",
    clocks="metadata looked at every second",
    config={"kafka": {"topic.metadata.refresh.interval.ms": 1000}},
)
def partitions_added(scene: Scene) -> None:
    scene.publish()
    scene.start()
    scene.wait(scene.all_arrived, "the first half")
    scene.setting.config["topics"] = {"partitions": 8, "replication_factor": 1}
    for topic in (scene.held_topic, scene.dead_letters, scene.setting.event_topic):
        scene.admin.create_partitions([NewPartitions(topic, 8)])[topic].result(20)
    scene.publish(40, seed=2)
    scene.finish()


def copy_in_transactions(scene: Scene, jobs: int, abort_every: int) -> None:
    """Publish events in transactions of one, with aborted ones between."""
    lines = simulated(jobs, 3)
    records = scene.publish_aside(lines)
    recreate(scene)
    producer = Producer({"bootstrap.servers": scene.servers, "transactional.id": scene.setting.topic, "linger.ms": 0})
    producer.init_transactions(20)
    for number, record in enumerate(records):
        for committed in (False, True) if number % abort_every == 0 else (True,):
            producer.begin_transaction()
            producer.produce(
                scene.setting.event_topic, record.value, record.key, record.partition, headers=dict(record.headers)
            )
            if committed:
                producer.commit_transaction(20)
            else:
                producer.flush(20)
                producer.abort_transaction(20)
    producer.close()
    scene.sent += expected(lines)


@case(
    "aborted transactions and gaps",
    "Every event came in a transaction of its own, every other one was first aborted: markers and aborted records are "
    "no events, and nobody waits for them.",
)
def aborted_transactions(scene: Scene) -> None:
    copy_in_transactions(scene, 15, 2)
    member = scene.start()
    scene.wait_accepted(len(scene.sent) // 2)
    scene.kill(member)
    scene.finish()


@case(
    "offsets deleted",
    "The group's offsets have expired: it begins at the earliest record, as `start` says; nothing is lost.",
    queue=None,
    expect=Expect(),
)
def offsets_deleted(scene: Scene) -> None:
    scene.publish(30)
    scene.start()
    scene.finish()
    scene.admin.delete_consumer_groups([scene.group])[scene.group].result(20)
    scene.note_fault()
    accepted = len(scene.requests)
    scene.publish(10, seed=2)
    scene.start()
    scene.wait(lambda: len(scene.requests) >= accepted + len(scene.sent), "everything once more")
    scene.finish()
