"""Questions of a group's coordinator through an admin client: who is in a group, and what it has committed.

Shape   members(admin, group), commits(admin, group, partitions) -> Future of one answer; within(future, seconds);
        answer(shared_admin, question, seconds) asks through the shared client, and lets go of one that does not answer
Limit   no question has a time limit of its own. librdkafka ends the process (`eonce->refcnt > 0`, its issue 4605) when
        the coordinator comes back after a question to it has timed out, as after any broker's restart. Who asks waits
        as long as it likes, and lets the answer come when it comes
Errors  KafkaException from the future: the answer is no; from within() and answer() also _TIMED_OUT: there is none yet
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from confluent_kafka import ConsumerGroupTopicPartitions, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient

from pipeline.kafka_errors import no_answer
from pipeline.shared_admin import SharedAdmin

if TYPE_CHECKING:
    from concurrent.futures import Future

NO_LIMIT_S = 3_600.0
"""The longest that librdkafka takes; after an hour without a broker a restart harms nobody."""

Answer = TypeVar("Answer")


def members(admin: AdminClient, group: str) -> "Future[Any]":
    """The group's ConsumerGroupDescription."""
    asked: Future[Any] = admin.describe_consumer_groups([group], request_timeout=NO_LIMIT_S)[group]
    return asked


def commits(admin: AdminClient, group: str, partitions: list[TopicPartition]) -> "Future[Any]":
    """The group's ConsumerGroupTopicPartitions, which no open transaction will change any more."""
    question = [ConsumerGroupTopicPartitions(group, partitions)]
    answers = admin.list_consumer_group_offsets(question, require_stable=True, request_timeout=NO_LIMIT_S)
    asked: Future[Any] = answers[group]
    return asked


def within(asked: "Future[Answer]", timeout_s: float) -> Answer:
    """The answer; blocks.

    Raises:
        KafkaException: see above.
    """
    try:
        return asked.result(timeout_s)
    except TimeoutError as error:
        raise no_answer() from error


def answer(shared: SharedAdmin, question: "Callable[[AdminClient], Future[Answer]]", timeout_s: float) -> Answer:
    """The answer of the shared client; one that was left waiting may wait for ever, so the next who asks gets another.

    Raises:
        KafkaException: see above.
    """
    client = shared.client()
    asked = question(client)
    try:
        return within(asked, timeout_s)
    except KafkaException:
        if not asked.done():
            shared.replace(client)
        raise
