"""How to reach Kafka, and what every client of ours sets.

Shape   Cluster(properties): producer_config, consumer_config, transactional_config as dicts for librdkafka. What the
        operator writes under `kafka:` wins over the defaults, except where a promise rests on them, and reaches the
        kind of client that it is meant for (client_properties.py)
"""

import logging
from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient

from pipeline.client_properties import CONSUMER_ONLY, INSTANCE_ID, PRODUCER_ONLY, PROMISED
from pipeline.errors import PipelineError, TopicRefusedError
from pipeline.kafka_errors import NOTHING, About, is_access, is_unreachable, translate
from pipeline.log_ends import LogEnds
from pipeline.shared_admin import SharedAdmin
from pipeline.topic_access import TopicAccess
from pipeline.topic_ids import TopicIds

log = logging.getLogger(__name__)

Properties = dict[str, Any]

_DEFAULTS: Properties = {
    "reconnect.backoff.max.ms": 1_000,  # the default of 10 s is waited for after a broker has long come back
}
_PRODUCER_DEFAULTS: Properties = _DEFAULTS | {
    "compression.type": "lz4",
    "linger.ms": 5,
    # A batch fits into what is fetched of a partition, so that a consumer gets the events of all its partitions, and of
    # many keys, in turn: of the default, 1 MB, it gets 2,000 events of one partition, then 2,000 of the next.
    "batch.size": 64 << 10,
    "partitioner": "murmur2_random",  # as Java clients do: one key, one partition, whoever produces
    "message.max.bytes": 15 << 20,  # the topic's own limit, of what is compressed, is the one that counts
    "queue.buffering.max.kbytes": 16 << 10,  # bounds memory; a message above message.max.bytes would never fit
    "queue.buffering.max.messages": 100_000,
}
_PRODUCER_PROMISED = ("enable.idempotence", "acks", "allow.auto.create.topics")

_CONSUMER_DEFAULTS: Properties = _DEFAULTS | {
    # Take-over after a crash on a stock broker decides: 5 to 6 s here, 45 s with the broker-driven protocol,
    # which a client cannot shorten. README, "Decisions".
    "group.protocol": "classic",
    "session.timeout.ms": 6000,
    "heartbeat.interval.ms": 2000,
    "partition.assignment.strategy": "cooperative-sticky",
    "fetch.queue.backoff.ms": 10,  # the default of one second stalls a fast consumer
    "queued.min.messages": 4_000,  # the default, 100,000 a partition, is memory for nothing
    "queued.max.messages.kbytes": 2 << 10,
    "fetch.message.max.bytes": 64 << 10,
    "fetch.max.bytes": 1 << 20,
    "receive.message.max.bytes": 64 << 20,
}
_CONSUMER_PROMISED = (
    "enable.auto.commit",
    "enable.auto.offset.store",
    "auto.offset.reset",  # where to start is ours to decide, and to say
    "isolation.level",
    "enable.partition.eof",
    "allow.auto.create.topics",
)
# The broker-driven protocol refuses these on the client.
_CLASSIC_ONLY = ("session.timeout.ms", "heartbeat.interval.ms", "partition.assignment.strategy")
# Within a transaction its own time-out counts; a longer one is refused.
_OUTSIDE_TRANSACTIONS = ("message.timeout.ms", "delivery.timeout.ms")


def _promised(names: tuple[str, ...]) -> Properties:
    return {name: PROMISED[name].value for name in names}


class Cluster:
    """One Kafka cluster as the configuration describes it."""

    def __init__(self, properties: Mapping[str, Any]) -> None:
        self._properties = dict(properties)
        self._refusal: KafkaError | None = None
        self.shared_admin = SharedAdmin(self.admin)
        self.topic_ids = TopicIds(self.shared_admin)
        self.log_ends = LogEnds(self.shared_admin)
        self.topic_access = TopicAccess(self.admin)

    @property
    def servers(self) -> str:
        """The bootstrap servers, for messages to people."""
        return str(self._properties.get("bootstrap.servers", ""))

    def session_s(self) -> tuple[float, float]:
        """The session time-out and the heartbeat interval of our members, in seconds.

        With the broker-driven protocol the broker sets both; its defaults are assumed.
        """
        config = self.consumer_config("")
        if config["group.protocol"] == "consumer":
            return 45.0, 5.0
        return float(config["session.timeout.ms"]) / 1000, float(config["heartbeat.interval.ms"]) / 1000

    def note(self, error: KafkaError) -> None:
        """For a client's error_cb: a refusal is told there alone, its calls only say that no broker answers."""
        if is_access(error):
            self._refusal = error

    def explain(self, error: KafkaError | KafkaException, about: About = NOTHING) -> PipelineError:
        """The error of ours that says what a client of this cluster met; raise it `from` the original."""
        if self._refusal is not None and is_unreachable(error):
            return translate(self._refusal, self.servers, about)
        return translate(error, self.servers, about)

    def topic_refused(self, topics: Iterable[str]) -> TopicRefusedError | None:
        """The error that names those of these topics that we have no right to see, if there are any."""
        refused = self.topic_access.refused(topics)
        return TopicRefusedError(self.servers, sorted(refused)) if refused else None

    def admin(self) -> AdminClient:
        """A new admin client."""
        own = self._own(CONSUMER_ONLY | PRODUCER_ONLY)
        return AdminClient(_DEFAULTS | own | {"logger": log, "error_cb": self.note})

    def producer_config(self, **more: object) -> Properties:
        """For an idempotent producer with acks=all."""
        own = self._own(CONSUMER_ONLY)
        return {**_PRODUCER_DEFAULTS, **own, **_promised(_PRODUCER_PROMISED), "error_cb": self.note, **more}

    def transactional_config(self, transactional_id: str, **more: object) -> Properties:
        """For a transactional producer. An open transaction hides later messages from readers: 10 s at most."""
        more = _promised(("transaction.timeout.ms",)) | more | {"transactional.id": transactional_id}
        config = self.producer_config(**more)
        return {name: value for name, value in config.items() if name not in _OUTSIDE_TRANSACTIONS}

    def consumer_config(self, group: str, on_error: Callable[[Any], None] | None = None) -> Properties:
        """For a consumer that nobody waits for when it has gone: it has no group.instance.id."""
        own = self._own(PRODUCER_ONLY)
        config = {**_CONSUMER_DEFAULTS, **own, **_promised(_CONSUMER_PROMISED), "group.id": group}
        if config["group.protocol"] == "consumer":
            config = {name: value for name, value in config.items() if name not in _CLASSIC_ONLY or name in own}
        if on_error is not None:
            config["error_cb"] = on_error
        return config

    def member_config(self, group: str, suffix: str, on_error: Callable[[Any], None]) -> Properties:
        """For a member of a subscription's group; the suffix tells it from the process's other ones there.

        With a group.instance.id it is a static member: the group keeps its partitions for it while it restarts.
        """
        config = self.consumer_config(group, on_error)
        if INSTANCE_ID in self._properties:
            config[INSTANCE_ID] = f"{self._properties[INSTANCE_ID]}{suffix}"
        return config

    def _own(self, foreign: AbstractSet[str]) -> Properties:
        """The operator's properties, but for those of the other kind of client and those that are not the operator's.

        A promised one must not even stand there under its other name: of two names librdkafka heeds the last.
        """
        left_out = foreign | PROMISED.keys() | {"group.id", INSTANCE_ID, "transactional.id"}
        return {name: value for name, value in self._properties.items() if name not in left_out}
