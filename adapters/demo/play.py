"""Plays the story through the real parts: producer, queue subscription, HTTP subscription.

Shape   play(story, seconds) -> Played: what was published, what arrived where; everything counted at its destination
"""

import threading
import time
from typing import NamedTuple

from confluent_kafka import Consumer, Message, TopicPartition

from adapters.demo.callback_server import CallbackServer, Request
from adapters.demo.story import TOPIC, changes
from adapters.embedded import EmbeddedCluster
from adapters.provision import needed
from adapters.settings import Settings
from adapters.wiring import Delivering
from pipeline.cluster import Cluster
from pipeline.lifecycle import Change
from pipeline.producer import LifecycleProducer, ProducerSettings
from pipeline.stop import ExitStatus, StopRequest
from pipeline.topics import queue_topic

QUEUE = "ops"
REFUSED_REQUEST = 3
POLL_S = 0.1


class Played(NamedTuple):
    """What happened.

    Attributes:
        published: each change with the number of records it became.
        queue: the records of the queue topic.
        requests: the POSTs that reached the callback endpoint.
        status: how the delivering process ended.
        seconds: from the first publish to the last arrival.
    """

    published: list[tuple[Change, int]]
    queue: list[Message]
    requests: list[Request]
    status: ExitStatus
    seconds: float

    @property
    def events(self) -> int:
        """How many events were published."""
        return sum(count for _, count in self.published)


def settings_for(servers: str, callback_url: str) -> Settings:
    """The demo's configuration, as a file would say it."""
    return Settings.model_validate(
        {
            "kafka": {"bootstrap.servers": servers},
            "http": {"listen": "127.0.0.1:0"},
            "stop_grace_s": 5,
            "subscriptions": [
                {"topic": TOPIC, "name": "ops-queue", "protocol": "queue", "endpoint": QUEUE},
                {
                    "topic": TOPIC,
                    "name": "callback",
                    "protocol": "http",
                    "endpoint": callback_url,
                    "retry_schedule_s": [0.3, 1, 2],
                    "allow_private_addresses": True,
                },
            ],
        }
    )


def play(timeout_s: float) -> Played:
    """Play it all; waits for arrivals, timeout_s at most."""
    callback = CallbackServer(REFUSED_REQUEST)
    with EmbeddedCluster() as cluster:
        settings = settings_for(cluster.bootstrap_servers, callback.url)
        for spec in needed(settings):
            cluster.create(spec.name)
        stop = StopRequest(settings.stop_grace_s)
        delivering = Delivering(settings, [one.subscription() for one in settings.subscriptions], stop, None)
        status: list[ExitStatus] = []
        thread = threading.Thread(target=lambda: status.append(delivering.run()), name="demo-run", daemon=True)
        thread.start()
        began_s = time.monotonic()
        published = _publish(settings)
        queue = _arrivals(settings, callback, sum(count for _, count in published), began_s + timeout_s)
        took_s = time.monotonic() - began_s
        stop.request()
        thread.join()
    callback.close()
    return Played(published, queue, callback.requests, status[0], took_s)


def _publish(settings: Settings) -> list[tuple[Change, int]]:
    with LifecycleProducer(ProducerSettings(settings.kafka, settings.topics.prefix)) as producer:
        return [(change, producer.publish(change, request)) for change, request in changes()]


def _arrivals(settings: Settings, callback: CallbackServer, expected: int, until_s: float) -> list[Message]:
    """Read the queue, as its gateway would, until both subscribers have what was published."""
    reader = Consumer(Cluster(settings.kafka).consumer_config("demo-reader") | {"fetch.wait.max.ms": 50})
    topic = queue_topic(QUEUE)
    partitions = reader.list_topics(topic, timeout=POLL_S * 100).topics[topic].partitions
    reader.assign([TopicPartition(topic, partition, 0) for partition in partitions])
    arrived: list[Message] = []
    while time.monotonic() < until_s and (len(arrived) < expected or len(callback.accepted()) < expected):
        message = reader.poll(POLL_S)
        if message is not None and message.error() is None:
            arrived.append(message)
    reader.close()
    return arrived
