"""The words of our errors, and what they hold beside them."""

from pipeline.errors import BrokerUnreachableError, ChangeError, DeliveryFailedError, TopicMissingError
from schemas.errors import Fault, NotificationsError


def test_a_missing_cmq_topic_is_named_with_the_command_that_creates_it() -> None:
    error = TopicMissingError("batch.job-message", "job-message")
    assert str(error) == (
        "CMQ topic 'job-message' does not exist: Kafka has no topic 'batch.job-message'; "
        "`batch-events topics --apply` creates those of the configuration"
    )
    assert error.kafka_topic == "batch.job-message"


def test_a_missing_topic_of_our_own_is_named_as_kafka_knows_it() -> None:
    assert str(TopicMissingError("cmq.queue.ops")).startswith("Kafka has no topic 'cmq.queue.ops'; ")


def test_an_unreachable_broker_says_which_were_asked() -> None:
    error = BrokerUnreachableError("a:9092,b:9092", "_TRANSPORT: refused")
    assert str(error) == "no broker answers at a:9092,b:9092: _TRANSPORT: refused"
    assert error.servers == "a:9092,b:9092"


def test_a_failed_delivery_says_how_many_and_shows_some() -> None:
    error = DeliveryFailedError(3, ["t k1: x", "t k2: y"])
    assert str(error) == "3 records were not acknowledged: t k1: x; t k2: y"
    assert (error.count, error.examples) == (3, ["t k1: x", "t k2: y"])


def test_errors_with_several_faults_are_one_line_each() -> None:
    faults = [Fault("Time", "MissingParameter", "is missing"), Fault("After", "MissingParameter", "is missing")]
    for error in (ChangeError(faults), NotificationsError(faults)):
        assert str(error).splitlines() == ["Time: MissingParameter: is missing", "After: MissingParameter: is missing"]
        assert error.faults == faults
