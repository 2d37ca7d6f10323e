"""Kafka's errors -> the rows of CMQ's table that a client is told. What Kafka said is for the log.

Shape   refusal(error) -> CmqError
"""

from confluent_kafka import KafkaError, KafkaException

from adapters.gateway.errors import CmqError, Row
from pipeline.kafka_errors import is_unknown_topic, kafka_error

_TOO_LARGE = {KafkaError.MSG_SIZE_TOO_LARGE, KafkaError.RECORD_LIST_TOO_LARGE}


def refusal(error: KafkaError | KafkaException) -> CmqError:
    """The answer to a client whose request met this error."""
    if is_unknown_topic(error):
        return Row.NO_QUEUE.error()
    if kafka_error(error).code() in _TOO_LARGE:
        return Row.MESSAGE_TOO_BIG.error()
    return Row.INTERNAL.error()
