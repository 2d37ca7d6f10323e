"""Topics that the brokers hide from us: in a list of all topics they are left out, as if there were none.

Shape   TopicAccess(admin).refused(names) -> those of them that we have no right to; none where the brokers do not tell.
        One for a process, for its client costs threads and memory; any thread may call
Why     a topic that is not there is created, a right that is missing is given: whoever is told of the one looks for it
        in vain when it is the other
"""

import threading
from collections.abc import Callable, Iterable

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import AdminClient

from pipeline.kafka_errors import kafka_error

ANSWER_S = 5.0


class TopicAccess:
    """Asks the brokers each time, by name."""

    def __init__(self, make_admin: Callable[[], AdminClient]) -> None:
        self._make_admin = make_admin
        self._lock = threading.Lock()
        self._admin: AdminClient | None = None

    def refused(self, names: Iterable[str]) -> set[str]:
        """Those of these topics that we may not even see."""
        asked = list(names)
        with self._lock:
            if self._admin is None:  # not `or`: a client with nothing queued has the length 0, and is false
                self._admin = self._make_admin()
            admin = self._admin
        try:
            metadata = admin.list_topics(timeout=ANSWER_S) if asked else None
            if metadata is None or metadata.controller_id not in metadata.brokers:
                return set()  # nobody to ask
            answers = admin.describe_topics(TopicCollection(asked), request_timeout=ANSWER_S)
        except KafkaException:
            return set()
        return {name for name, answer in answers.items() if _is_refusal(answer.exception())}


def _is_refusal(error: BaseException | None) -> bool:
    return isinstance(error, KafkaException) and kafka_error(error).code() == KafkaError.TOPIC_AUTHORIZATION_FAILED
