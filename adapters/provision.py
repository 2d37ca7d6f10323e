"""The Kafka topics that a configuration needs: what there should be, what there is, and creating what is missing.

Shape   needed(settings) -> specs; TopicAdmin reads and creates through confluent-kafka's admin client
Errors  BrokerUnreachableError, AccessRefusedError; what Kafka refuses to create is told topic by topic
"""

import time
from concurrent.futures import Future
from typing import Any

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # public names that the package does not list
    ConfigResource,
    NewTopic,
    ResourceType,
)

from adapters.settings import HttpSubscriptionSettings, QueueSubscriptionSettings, Settings
from pipeline.cluster import Cluster
from pipeline.errors import PipelineError
from pipeline.group_questions import members, within
from pipeline.kafka_errors import About, describe, kafka_error
from pipeline.topics import (
    DEAD_LETTER_EXTRA_BYTES,
    EVENT_MAX_BYTES,
    QUEUE_FACTOR,
    TRACE_MAX_BYTES,
    TRACE_TOPIC,
    ActualTopic,
    TopicSpec,
    dead_letter_topic,
    event_topic,
    held_spec,
    held_topic,
    queue_topic,
    topic_spec,
)

ANSWER_S = 10.0
KNOWN_S = 5.0
_LOOK_AGAIN_S = 0.02


def needed(settings: Settings) -> list[TopicSpec]:
    """Every topic of the configuration: event topics, queues, dead letters, traces."""
    topics, replicas = settings.topics, settings.topics.replication_factor
    letters_ms = settings.dead_letters.retention_s * 1000
    letter_bytes = EVENT_MAX_BYTES + DEAD_LETTER_EXTRA_BYTES
    specs: dict[str, TopicSpec] = {}
    for one in settings.subscriptions:
        name = event_topic(one.topic, topics.prefix)
        specs[name] = topic_spec(name, topics.partitions, replicas, topics.retention_s * 1000, EVENT_MAX_BYTES)
        if isinstance(one, QueueSubscriptionSettings):
            name = queue_topic(one.endpoint)
            limit = QUEUE_FACTOR * EVENT_MAX_BYTES
            specs[name] = topic_spec(
                name, settings.queues.partitions, replicas, settings.queues.retention_s * 1000, limit
            )
        else:
            name = held_topic(one.topic, one.name)
            specs[name] = held_spec(name, topics.partitions, replicas)
        name = dead_letter_topic(one.topic, one.name)
        specs[name] = topic_spec(name, topics.partitions, replicas, letters_ms, letter_bytes)
    if any(isinstance(one, HttpSubscriptionSettings) and one.trace for one in settings.subscriptions):
        trace = settings.trace
        kept_ms = trace.retention_s * 1000
        specs[TRACE_TOPIC] = topic_spec(TRACE_TOPIC, trace.partitions, replicas, kept_ms, TRACE_MAX_BYTES)
    return list(specs.values())


class TopicAdmin:
    """Reads and creates topics."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._admin = cluster.admin()
        self.brokers = 0
        """How many there were at the last answer."""

        self.partitions: dict[str, int] = {}
        """How many each topic had when existing() was answered last."""

    def existing(self, timeout_s: float = ANSWER_S) -> set[str]:
        """The names of all topics."""
        try:
            answer = self._admin.list_topics(timeout=timeout_s)
        except KafkaException as error:
            raise self._explained(error) from error
        self.brokers = len(answer.brokers)
        self.partitions = {name: len(topic.partitions) for name, topic in answer.topics.items()}
        return set(answer.topics)

    def _explained(self, error: KafkaException) -> PipelineError:
        self._admin.poll(0)  # a refusal is told to the client's callback alone
        return self._cluster.explain(error)

    def actual(self, names: list[str]) -> dict[str, ActualTopic]:
        """What those of these topics are that exist."""
        try:
            answer = self._admin.list_topics(timeout=ANSWER_S)
            self.brokers, metadata = len(answer.brokers), answer.topics
            found = [name for name in names if name in metadata]
            asked = [ConfigResource(ResourceType.TOPIC, name) for name in found]
            answers = self._admin.describe_configs(asked, request_timeout=ANSWER_S) if asked else {}
            configs = {resource.name: self._config(resource.name, future) for resource, future in answers.items()}
        except KafkaException as error:
            raise self._explained(error) from error
        return {
            name: ActualTopic(
                len(metadata[name].partitions),
                max((len(part.replicas) for part in metadata[name].partitions.values()), default=0),
                {key: str(entry.value) for key, entry in configs[name].items()},
            )
            for name in found
        }

    def allowed(self, names: list[str]) -> dict[str, frozenset[str] | None]:
        """What we may do with those of these topics that exist, as AclOperation names it; None: hidden from us."""
        answers = self._admin.describe_topics(
            TopicCollection(names), include_authorized_operations=True, request_timeout=ANSWER_S
        )
        found: dict[str, frozenset[str] | None] = {}
        for name, answer in answers.items():
            try:
                operations = answer.result().authorized_operations or []
                found[name] = frozenset(one.name for one in operations)
            except KafkaException as error:
                code = kafka_error(error).code()
                if code == KafkaError.TOPIC_AUTHORIZATION_FAILED:
                    found[name] = None
                elif code != KafkaError.UNKNOWN_TOPIC_OR_PART:
                    raise self._explained(error) from error
        return found

    def refused_groups(self, names: list[str]) -> set[str]:
        """Those of these groups that we may not even see."""
        asked = {name: members(self._admin, name) for name in names}
        return {name for name, answer in asked.items() if _is_refused(answer)}

    def _config(self, name: str, answer: Future[Any]) -> dict[str, Any]:
        try:
            config: dict[str, Any] = answer.result()
        except KafkaException as error:
            raise self._cluster.explain(error, About((name,))) from error
        return config

    def create(self, specs: list[TopicSpec]) -> dict[str, str | None]:
        """Create topics; for each, why it was not created, or None. A broker knows of those that were."""
        if not specs:
            return {}
        new = [NewTopic(s.name, s.partitions, s.replication_factor, config=s.config) for s in specs]
        answers = self._admin.create_topics(new, operation_timeout=ANSWER_S, request_timeout=ANSWER_S)
        results: dict[str, str | None] = {}
        for name, future in answers.items():
            try:
                future.result()
                results[name] = None
            except KafkaException as error:
                there = kafka_error(error).code() == KafkaError.TOPIC_ALREADY_EXISTS  # somebody else was quicker
                results[name] = None if there else describe(error)
        if created := {name for name, reason in results.items() if reason is None}:
            self._until_known(created)
        return results

    def _until_known(self, names: set[str]) -> None:
        """The controller answers before brokers have heard: who asks one next would be told that there is none."""
        until_s = time.monotonic() + KNOWN_S
        while not names <= self.existing() and time.monotonic() < until_s:
            time.sleep(_LOOK_AGAIN_S)


def _is_refused(asked: "Future[Any]") -> bool:
    try:
        within(asked, ANSWER_S)
    except KafkaException as error:
        return kafka_error(error).code() == KafkaError.GROUP_AUTHORIZATION_FAILED
    return False
