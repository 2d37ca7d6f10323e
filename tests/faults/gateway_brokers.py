"""What happens to the gateway's brokers, topics and offsets."""

import time

from confluent_kafka import ConsumerGroupTopicPartitions, TopicPartition
from confluent_kafka.admin import AdminClient

from tests.faults.gateway_case import gateway_case
from tests.faults.gateway_scene import GatewayScene
from tests.harness.command import wait_until


@gateway_case("broker restart", "The only broker is killed and comes back under load.", brokers=1)
def broker_restarted(scene: GatewayScene) -> None:
    scene.begin()
    for _ in range(2):
        at_s = time.time()
        scene.cluster.kill(1)
        scene.cluster.restart(1)
        scene.until_served(at_s)
        scene.flow(2)


@gateway_case(
    "a queue deleted and created again",
    "Under running owners, as soon as its name is free again: nothing of its former messages is there, nothing of the "
    "new ones is taken for deleted.",
)
def queue_made_anew(scene: GatewayScene) -> None:
    scene.begin(queues=2)
    queue = next(iter(scene.load.successes))
    scene.load.delete_queue(queue)
    scene.load.create(queue)
    scene.flow(3)


@gateway_case(
    "idle for longer than offsets are kept",
    "Every replica is down until a group's offsets have expired on this broker: no deleted message comes back.",
    brokers=1,
    clocks="offsets kept for a minute",
    broker_config={"offsets.retention.minutes": "1", "offsets.retention.check.interval.ms": "1000"},
)
def offsets_expired(scene: GatewayScene) -> None:
    scene.begin()
    admin = AdminClient({"bootstrap.servers": scene.cluster.bootstrap_servers})
    for one in list(scene.replicas):
        scene.stop(one)
    marker = ConsumerGroupTopicPartitions("idle", [TopicPartition("cmq.slots", 0, 1)])
    admin.alter_consumer_group_offsets([marker])["idle"].result(20)

    def expired() -> bool:
        asked = admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions("idle")])["idle"].result(20)
        return not asked.topic_partitions

    assert not expired()
    wait_until(expired, "offsets to expire", 100, 1.0)
    scene.start(3)
    scene.flow(2)
