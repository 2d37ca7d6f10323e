"""The id of a topic: another id means another log, even under the same name.

Shape   TopicIds(admin).of(topic) -> the id as text; empty where the brokers do not tell it now. One for a process, for
        its client costs threads and memory; any thread may call
Why     only the controller is asked for it, and a cluster may be without one for a while (or for good: the embedded
        one). Then the fence that the id gives is open; everything else goes on
"""

import logging
import threading
from collections.abc import Callable

from confluent_kafka import KafkaException, TopicCollection
from confluent_kafka.admin import AdminClient

from pipeline.kafka_errors import describe

log = logging.getLogger(__name__)

ANSWER_S = 5.0


class TopicIds:
    """Asks the brokers each time: an id that is remembered proves nothing."""

    def __init__(self, make_admin: Callable[[], AdminClient]) -> None:
        self._make_admin = make_admin
        self._lock = threading.Lock()
        self._admin: AdminClient | None = None

    def client(self) -> AdminClient:
        """The client, for others who ask no more than now and then."""
        with self._lock:
            if self._admin is None:  # a client's truth is whether it has anything under way
                self._admin = self._make_admin()
            return self._admin

    def of(self, topic: str) -> str:
        """The topic's id."""
        admin = self.client()
        try:
            metadata = admin.list_topics(topic, timeout=ANSWER_S)
            if metadata.controller_id not in metadata.brokers:
                return ""  # nobody to ask
            answers = admin.describe_topics(TopicCollection([topic]), request_timeout=ANSWER_S)
            return str(answers[topic].result().topic_id)
        except KafkaException as error:
            log.warning("topic_id_unknown", extra={"topic": topic, "error": describe(error)})
            self._admin = None  # it may wait for a controller that is no more
            return ""
