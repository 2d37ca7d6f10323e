"""The id of a topic: another id means another log, even under the same name.

Shape   TopicIds(shared_admin).of(topic) -> the id as text; empty where the brokers do not tell it. Any thread may call
Why     only the controller is asked for it, and a cluster may be without one for a while (or for good: the embedded
        one). Then the fence that the id gives is open; everything else goes on
"""

import logging

from confluent_kafka import KafkaException, TopicCollection

from pipeline.kafka_errors import describe
from pipeline.shared_admin import SharedAdmin

log = logging.getLogger(__name__)

ANSWER_S = 5.0


class TopicIds:
    """Asks the brokers each time: an id that is remembered proves nothing."""

    def __init__(self, shared: SharedAdmin) -> None:
        self._shared = shared

    def of(self, topic: str) -> str:
        """The topic's id."""
        admin = self._shared.client()
        try:
            metadata = admin.list_topics(topic, timeout=ANSWER_S)
            if metadata.controller_id not in metadata.brokers:
                return ""  # nobody to ask
            answers = admin.describe_topics(TopicCollection([topic]), request_timeout=ANSWER_S)
            return str(answers[topic].result().topic_id)
        except KafkaException as error:
            log.warning("topic_id_unknown", extra={"topic": topic, "error": describe(error)})
            self._shared.replace(admin)  # it may wait for a controller that is no more
            return ""
