"""librdkafka's errors -> ours, in one table.

Shape   translate(error, servers) -> PipelineError; describe(error) -> one line for a log. Both name what was refused,
        where the caller says what it was about: librdkafka itself does not
"""

from typing import NamedTuple

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
    KafkaError.FENCED_LEADER_EPOCH,  # what the client knows of the leader is older than the broker's last start
    KafkaError.UNKNOWN_LEADER_EPOCH,
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
_UNKNOWN_TOPIC = {
    KafkaError._UNKNOWN_TOPIC,
    KafkaError._UNKNOWN_PARTITION,
    KafkaError.UNKNOWN_TOPIC_OR_PART,
    KafkaError.UNKNOWN_TOPIC_ID,
}
_OUT_OF_RANGE = {KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE}

_TLS_ALERT = "SSL alert"
"""With TLS 1.3 a client whose certificate is refused, or missing, hears it after the handshake: a lost connection."""


class About(NamedTuple):
    """What a call is about; empty where that cannot be the trouble."""

    topics: tuple[str, ...] = ()
    group: str = ""
    transactional_id: str = ""


NOTHING = About()


def kafka_error(error: KafkaError | KafkaException) -> KafkaError:
    """The KafkaError inside a KafkaException, or the error itself."""
    return error.args[0] if isinstance(error, KafkaException) else error


def no_answer() -> KafkaException:
    """What librdkafka itself raises where nobody has answered in time."""
    return KafkaException(KafkaError(KafkaError._TIMED_OUT))


def is_access(error: KafkaError | KafkaException) -> bool:
    """Credentials or rights refused."""
    inner = kafka_error(error)
    return inner.code() in _REFUSED or (inner.code() == KafkaError._TRANSPORT and _TLS_ALERT in inner.str())


def is_unreachable(error: KafkaError | KafkaException) -> bool:
    """No broker answered."""
    return kafka_error(error).code() in _UNREACHABLE


def is_passing(error: KafkaError | KafkaException) -> bool:
    """Nobody answered, or not who should: leaders and coordinators move."""
    return is_unreachable(error) or is_moving(error)


def is_moving(error: KafkaError | KafkaException) -> bool:
    """Not who should has answered: a leader or coordinator moves, or has just come to be and is not at work yet."""
    return kafka_error(error).code() in _MOVING


def is_outdated(error: KafkaError | KafkaException) -> bool:
    """The client's knowledge of the leader is older than the leader, and it asks for no better."""
    return kafka_error(error).code() == KafkaError.FENCED_LEADER_EPOCH


def is_unknown_topic(error: KafkaError | KafkaException) -> bool:
    """There is no such topic, or no such partition, as far as is known."""
    return kafka_error(error).code() in _UNKNOWN_TOPIC


def is_out_of_range(error: KafkaError) -> bool:
    """The log does not have the offset that was to be read."""
    return error.code() in _OUT_OF_RANGE


def is_end(error: KafkaError) -> bool:
    """No error: the end of a partition, where a consumer asks to be told."""
    return error.code() == KafkaError._PARTITION_EOF


def describe(error: KafkaError | KafkaException, about: About = NOTHING) -> str:
    """Name and text, e.g. `GROUP_AUTHORIZATION_FAILED: Broker: Group authorization failed (group 'cmq.a.b')`."""
    inner = kafka_error(error)
    return f"{inner.name()}: {inner.str()}{_refused_thing(inner.code(), about)}"


def _refused_thing(code: int, about: About) -> str:
    thing, names = {
        KafkaError.TOPIC_AUTHORIZATION_FAILED: ("topic", about.topics),
        KafkaError.GROUP_AUTHORIZATION_FAILED: ("group", (about.group,)),
        KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED: ("transactional id", (about.transactional_id,)),
    }.get(code, ("", ()))
    return f" ({thing} {' or '.join(map(repr, names))})" if any(names) else ""


def translate(error: KafkaError | KafkaException, servers: str, about: About = NOTHING) -> PipelineError:
    """The error of ours that says the same; raise it `from` the original."""
    if is_access(error):
        return AccessRefusedError(f"the broker at {servers} refuses us: {describe(error, about)}")
    if is_unreachable(error):
        return BrokerUnreachableError(servers, describe(error))
    return PipelineError(f"Kafka at {servers}: {describe(error)}")
