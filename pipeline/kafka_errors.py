"""librdkafka's errors -> ours, in one table.

Shape   translate(error, servers) -> PipelineError; describe(error) -> one line for a log
"""

from confluent_kafka import KafkaError, KafkaException

from pipeline.errors import AccessRefusedError, BrokerUnreachableError, PipelineError

_UNREACHABLE = {
    KafkaError._TRANSPORT,
    KafkaError._ALL_BROKERS_DOWN,
    KafkaError._TIMED_OUT,
    KafkaError._RESOLVE,
    KafkaError._TIMED_OUT_QUEUE,
    KafkaError.REQUEST_TIMED_OUT,
    KafkaError.BROKER_NOT_AVAILABLE,
}
_MOVING = {
    KafkaError.NOT_LEADER_FOR_PARTITION,
    KafkaError.LEADER_NOT_AVAILABLE,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
    KafkaError.NOT_COORDINATOR,
    KafkaError.UNSTABLE_OFFSET_COMMIT,
    KafkaError._WAIT_COORD,
    KafkaError._DESTROY_BROKER,  # the client lets go of a connection to a broker that has moved
}
_REFUSED = {
    KafkaError._AUTHENTICATION,
    KafkaError._SSL,
    KafkaError.SASL_AUTHENTICATION_FAILED,
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.GROUP_AUTHORIZATION_FAILED,
    KafkaError.CLUSTER_AUTHORIZATION_FAILED,
    KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
}


def kafka_error(error: KafkaError | KafkaException) -> KafkaError:
    """The KafkaError inside a KafkaException, or the error itself."""
    return error.args[0] if isinstance(error, KafkaException) else error


def is_access(error: KafkaError | KafkaException) -> bool:
    """Credentials or rights refused."""
    return kafka_error(error).code() in _REFUSED


def is_unreachable(error: KafkaError | KafkaException) -> bool:
    """No broker answered."""
    return kafka_error(error).code() in _UNREACHABLE


def is_passing(error: KafkaError | KafkaException) -> bool:
    """Nobody answered, or not who should: leaders and coordinators move."""
    return is_unreachable(error) or kafka_error(error).code() in _MOVING


def describe(error: KafkaError | KafkaException) -> str:
    """Name and text, e.g. `TOPIC_AUTHORIZATION_FAILED: Broker: Topic authorization failed`."""
    inner = kafka_error(error)
    return f"{inner.name()}: {inner.str()}"


def translate(error: KafkaError | KafkaException, servers: str) -> PipelineError:
    """The error of ours that says the same; raise it `from` the original."""
    if is_access(error):
        return AccessRefusedError(f"the broker at {servers} refuses us: {describe(error)}")
    if is_unreachable(error):
        return BrokerUnreachableError(servers, describe(error))
    return PipelineError(f"Kafka at {servers}: {describe(error)}")
