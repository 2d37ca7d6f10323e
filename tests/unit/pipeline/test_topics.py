"""CMQ names to Kafka names, and how a topic differs from what it should be."""

from pipeline.topics import (
    ActualTopic,
    TopicSpec,
    dead_letter_topic,
    differences,
    event_topic,
    queue_topic,
    subscription_group,
    topic_spec,
)

CONFIG = {
    "cleanup.policy": "delete",
    "retention.ms": "259200000",
    "retention.bytes": "-1",
    "max.message.bytes": "1048576",
    "min.insync.replicas": "2",
}
SPEC = TopicSpec("batch.job-message", 6, 3, CONFIG)


def test_names_are_those_of_the_design() -> None:
    assert event_topic("job-message") == "batch.job-message"
    assert event_topic("job-message", "prod.") == "prod.job-message"
    assert queue_topic("ops") == "cmq.queue.ops"
    assert subscription_group("job-message", "billing") == "cmq.job-message.billing"
    assert dead_letter_topic("job-message", "billing") == "cmq.job-message.billing.dead-letter"


def test_queues_whose_names_differ_in_case_alone_are_one_topic() -> None:
    assert queue_topic("OPS-Queue") == queue_topic("ops-queue") == "cmq.queue.ops-queue"


def test_a_spec_says_what_matters_to_us() -> None:
    spec = topic_spec("batch.job-message", 6, 3, 259_200_000, 1 << 20)
    assert spec == TopicSpec("batch.job-message", 6, 3, CONFIG)


def test_two_replicas_must_have_a_record_wherever_there_are_three() -> None:
    wanted = {factor: topic_spec("t", 1, factor, 1, 1).config["min.insync.replicas"] for factor in (1, 2, 3, 4)}
    assert wanted == {1: "1", 2: "1", 3: "2", 4: "2"}


def test_a_topic_that_is_as_it_should_be_has_no_differences() -> None:
    assert differences(SPEC, ActualTopic(6, 3, CONFIG | {"segment.ms": "1"})) == []


def test_each_difference_is_one_sentence_with_both_values() -> None:
    actual = ActualTopic(3, 1, CONFIG | {"retention.ms": "1000", "cleanup.policy": "compact"})
    assert differences(SPEC, actual) == [
        "partitions: is 3, configured 6",
        "replication factor: is 1, configured 3",
        "cleanup.policy: is compact, configured delete",
        "retention.ms: is 1000, configured 259200000",
    ]


def test_a_setting_that_the_cluster_does_not_tell_is_a_difference() -> None:
    without = {name: value for name, value in CONFIG.items() if name != "retention.ms"}
    assert differences(SPEC, ActualTopic(6, 3, without)) == ["retention.ms: is None, configured 259200000"]
