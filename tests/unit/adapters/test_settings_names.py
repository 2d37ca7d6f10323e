"""Names that are right each by itself and wrong together."""

from pathlib import Path

import pytest

from tests.unit.adapters.configurations import HTTP, QUEUE, Tree, faults_of, load, tree


def queue(topic: str, name: str, endpoint: str = "ops") -> Tree:
    return {"topic": topic, "name": name, "protocol": "queue", "endpoint": endpoint}


def test_a_subscription_that_is_there_twice_is_named_with_the_first(tmp_path: Path) -> None:
    config = tree(queue("a", "x"), queue("b", "x"), queue("a", "x"), HTTP | {"topic": "a", "name": "x"})
    assert faults_of(tmp_path, config) == [
        "subscriptions[2].name: 'x': a/x is there twice, first in subscriptions[0]",
        "subscriptions[3].name: 'x': a/x is there twice, first in subscriptions[0]",
    ]


def test_it_is_told_though_the_subscription_has_other_faults(tmp_path: Path) -> None:
    faults = faults_of(tmp_path, tree(queue("a", "x"), queue("a", "x") | {"start": "soon", "colour": 1}))
    assert [fault.partition(":")[0] for fault in faults] == [
        "subscriptions[1].start",
        "subscriptions[1].colour",
        "subscriptions[1].name",
    ]


def test_the_same_name_for_two_topics_and_the_same_queue_for_two_subscriptions_are_fine(tmp_path: Path) -> None:
    assert len(load(tmp_path, tree(queue("a", "x"), queue("b", "x"), queue("a", "y"))).subscriptions) == 3


def test_names_that_differ_by_case_are_different(tmp_path: Path) -> None:
    assert len(load(tmp_path, tree(queue("a", "x"), queue("a", "X"), queue("A", "x"))).subscriptions) == 3


def test_a_queue_spelt_in_two_ways_is_a_fault(tmp_path: Path) -> None:
    (fault,) = faults_of(tmp_path, tree(queue("a", "x", "Ops"), queue("a", "y", "ops"), queue("b", "x", "Ops")))
    assert fault == (
        "subscriptions[1].endpoint: 'ops': is the same queue as 'Ops', "
        "CMQ's queue names being unique regardless of case; write one"
    )


def test_names_that_kafka_takes_for_the_same_are_a_fault(tmp_path: Path) -> None:
    """Kafka refuses a topic whose name differs from another's by `.` and `_` alone."""
    (fault,) = faults_of(tmp_path, tree(queue("a_b", "c"), queue("a", "b_c")))
    assert fault == (
        "subscriptions[1].name: 'b_c': Kafka topic 'cmq.a.b_c.dead-letter' collides with 'cmq.a_b.c.dead-letter', "
        "the dead letters of a_b/c: Kafka takes '.' and '_' for the same"
    )


def test_dead_letters_that_collide_with_a_queue_are_a_fault(tmp_path: Path) -> None:
    (fault,) = faults_of(tmp_path, tree(queue("queue", "s"), queue("a", "x", "s_dead-letter")))
    assert fault.startswith(
        "subscriptions[1].endpoint: 's_dead-letter': Kafka topic 'cmq.queue.s_dead-letter' collides"
    )


@pytest.mark.parametrize(
    ("prefix", "subscription", "fault"),
    [
        (
            "cmq.queue.",
            queue("ops", "x"),
            "endpoint: 'ops': Kafka topic 'cmq.queue.ops' would be the events of ops and",
        ),
        ("cmq.", queue("registry", "x"), "topic: 'registry': Kafka topic 'cmq.registry' would be a topic of batch-"),
    ],
)
def test_a_prefix_that_makes_one_topic_of_two_is_a_fault(
    prefix: str, subscription: Tree, fault: str, tmp_path: Path
) -> None:
    (found,) = faults_of(tmp_path, tree(subscription, topics={"prefix": prefix}))
    assert found.startswith(f"subscriptions[0].{fault}")


@pytest.mark.parametrize("prefix", ["", "batch.", "cmq.", "a_b."])
def test_a_prefix_that_keeps_topics_apart_is_fine(prefix: str, tmp_path: Path) -> None:
    assert load(tmp_path, tree(QUEUE, HTTP, topics={"prefix": prefix})).topics.prefix == prefix
