"""Deleting what lies before a snapshot.

Shape   Trimming(cluster).trim(slot, offset) returns at once
Errors  logged: the next snapshot's trim does the same and more. The broker never moves a log's start back, so a late
        one does no harm
"""

import logging
from concurrent.futures import Future
from functools import partial

from confluent_kafka import KafkaException, TopicPartition

from adapters.gateway.journal.journal_record import SLOTS_TOPIC
from pipeline.cluster import Cluster
from pipeline.kafka_errors import About, describe

log = logging.getLogger(__name__)

ANSWER_S = 10.0


class Trimming:
    """Trims `cmq.slots`."""

    def __init__(self, cluster: Cluster, topic: str = SLOTS_TOPIC) -> None:
        self._client = cluster.shared_admin.client
        self._topic = topic

    def trim(self, slot: int, offset: int) -> None:
        """Delete the records of a slot before an offset."""
        try:
            where = [TopicPartition(self._topic, slot, offset)]
            answers = self._client().delete_records(where, request_timeout=ANSWER_S)
        except KafkaException as error:
            self._failed(slot, error)
            return
        for answer in answers.values():
            answer.add_done_callback(partial(self._answered, slot))

    def _answered(self, slot: int, answer: Future[object]) -> None:
        """On the client's own thread."""
        error = answer.exception()
        if isinstance(error, KafkaException):
            self._failed(slot, error)

    def _failed(self, slot: int, error: KafkaException) -> None:
        log.warning("slot_not_trimmed", extra={"slot": slot, "error": describe(error, About((self._topic,)))})
