"""The Kafka topics of queues and topics: made, adopted, set and deleted. All calls block.

Shape   KafkaLogs(cluster): existing(), create(spec), describe(names), set_config(name, config), delete(name, before_s)
Fence   none: Kafka deletes by name, whatever has become of the name. So delete() looks at the clock last thing before
        it asks, and does not ask when the decision to delete is older than the name's quarantine allows
Errors  KafkaException
"""

import time
from collections.abc import Iterable, Mapping
from concurrent.futures import Future

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # public names that the package does not list
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewTopic,
    ResourceType,
)

from pipeline.cluster import Cluster
from pipeline.kafka_errors import kafka_error
from pipeline.topics import TopicSpec

ANSWER_S = 5.0
APPEARS_S = 3.0
ASK_AGAIN_S = 0.02


class KafkaLogs:
    """Asks through the client that the process has for such questions."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    def existing(self) -> dict[str, int]:
        """The names of all topics, and how many partitions each has."""
        topics = self._admin().list_topics(timeout=ANSWER_S).topics
        return {name: len(topic.partitions) for name, topic in topics.items()}

    def create(self, spec: TopicSpec) -> bool:
        """Make a topic; False: it is there already, and is left as it is."""
        new = NewTopic(spec.name, spec.partitions, spec.replication_factor, config=spec.config)
        answer = self._admin().create_topics([new], operation_timeout=ANSWER_S, request_timeout=ANSWER_S)[spec.name]
        return not _refused_as(answer, KafkaError.TOPIC_ALREADY_EXISTS)

    def describe(self, name: str) -> tuple[str, int]:
        """Id and number of partitions of a topic; of one that was just made, once the brokers know of it."""
        until_s = time.monotonic() + APPEARS_S
        while True:
            answer = self._admin().describe_topics(TopicCollection([name]), request_timeout=ANSWER_S)[name]
            try:
                found = answer.result()
            except KafkaException as error:
                unknown = kafka_error(error).code() == KafkaError.UNKNOWN_TOPIC_OR_PART
                if not unknown or time.monotonic() > until_s:
                    raise
                time.sleep(ASK_AGAIN_S)
            else:
                return str(found.topic_id), len(found.partitions)

    def ids(self, names: Iterable[str]) -> dict[str, str]:
        """The ids of those of these topics that exist."""
        wanted = list(names)
        if not wanted:
            return {}
        answers = self._admin().describe_topics(TopicCollection(wanted), request_timeout=ANSWER_S)
        return {
            name: str(answer.result().topic_id)
            for name, answer in answers.items()
            if not _refused_as(answer, KafkaError.UNKNOWN_TOPIC_OR_PART)
        }

    def set_config(self, names: Iterable[str], config: Mapping[str, str]) -> None:
        """Set some properties of topics."""
        entries = [
            ConfigEntry(key, value, incremental_operation=AlterConfigOpType.SET) for key, value in config.items()
        ]
        wanted = [ConfigResource(ResourceType.TOPIC, name, incremental_configs=entries) for name in names]
        if wanted:
            for answer in self._admin().incremental_alter_configs(wanted, request_timeout=ANSWER_S).values():
                answer.result()

    def delete(self, name: str, before_s: float) -> bool:
        """Delete a topic, if there is one; False: it is later than before_s (monotonic), and nothing was done."""
        admin = self._admin()
        if time.monotonic() >= before_s:
            return False
        answer = admin.delete_topics([name], operation_timeout=ANSWER_S, request_timeout=ANSWER_S)[name]
        _refused_as(answer, KafkaError.UNKNOWN_TOPIC_OR_PART)
        return True

    def _admin(self) -> AdminClient:
        return self._cluster.shared_admin.client()


def _refused_as(answer: Future[object], code: int) -> bool:
    """Wait for an answer; whether it is this error. Any other is raised."""
    try:
        answer.result()
    except KafkaException as error:
        if kafka_error(error).code() != code:
            raise
        return True
    return False
