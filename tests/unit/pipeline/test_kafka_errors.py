"""librdkafka's errors become ours, in one table."""

import pytest
from confluent_kafka import KafkaError, KafkaException

from pipeline.errors import AccessRefusedError, BrokerUnreachableError, PipelineError
from pipeline.kafka_errors import describe, kafka_error, translate


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (KafkaError._TRANSPORT, BrokerUnreachableError),
        (KafkaError._ALL_BROKERS_DOWN, BrokerUnreachableError),
        (KafkaError._TIMED_OUT, BrokerUnreachableError),
        (KafkaError._RESOLVE, BrokerUnreachableError),
        (KafkaError.REQUEST_TIMED_OUT, BrokerUnreachableError),
        (KafkaError._AUTHENTICATION, AccessRefusedError),
        (KafkaError._SSL, AccessRefusedError),
        (KafkaError.SASL_AUTHENTICATION_FAILED, AccessRefusedError),
        (KafkaError.TOPIC_AUTHORIZATION_FAILED, AccessRefusedError),
        (KafkaError.GROUP_AUTHORIZATION_FAILED, AccessRefusedError),
        (KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED, AccessRefusedError),
        (KafkaError.UNKNOWN_MEMBER_ID, PipelineError),
    ],
)
def test_each_code_is_one_of_our_errors_and_names_servers_and_code(code: int, kind: type[PipelineError]) -> None:
    original = KafkaError(code)
    for error in (original, KafkaException(original)):
        ours = translate(error, "kafka:9092")
        assert type(ours) is kind
        assert "kafka:9092" in str(ours)
        assert describe(original) in str(ours)


def test_the_description_is_name_and_text() -> None:
    assert describe(KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED)) == (
        "TOPIC_AUTHORIZATION_FAILED: Broker: Topic authorization failed"
    )


def test_the_error_inside_an_exception_is_found() -> None:
    inner = KafkaError(KafkaError._TRANSPORT)
    assert kafka_error(KafkaException(inner)) is inner
    assert kafka_error(inner) is inner
