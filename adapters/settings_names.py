"""Names that are right each by itself and wrong together.

Shape   check_names(tree, faults): subscriptions of one name; Kafka topics that would be one, or that Kafka refuses
        beside each other (it takes `.` and `_` for the same); one CMQ queue spelt in two ways
Works   on the tree, before it is a Settings: so these faults are told along with all others
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from adapters.settings_faults import Faults, Steps
from pipeline.topics import DEFAULT_PREFIX, dead_letter_topic, event_topic, queue_topic
from schemas.names import name_fault

RESERVED = ("cmq.registry", "cmq.trace", "cmq.slots")


class _Use(NamedTuple):
    """Who needs a Kafka topic, and for what."""

    steps: Steps
    kafka_topic: str
    purpose: str


def check_names(tree: dict[str, Any], faults: Faults) -> None:
    """Add what is wrong with them."""
    subscriptions = list(_subscriptions(tree))
    _check_unique(subscriptions, faults)
    _check_queues(subscriptions, faults)
    _check_topics(list(_uses(subscriptions, _prefix(tree))), faults)


def _prefix(tree: dict[str, Any]) -> str:
    topics = tree.get("topics")
    prefix = topics.get("prefix", DEFAULT_PREFIX) if isinstance(topics, dict) else DEFAULT_PREFIX
    return prefix if isinstance(prefix, str) else DEFAULT_PREFIX


def _subscriptions(tree: dict[str, Any]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Those whose topic and name can be judged."""
    entries = tree.get("subscriptions")
    for index, one in enumerate(entries if isinstance(entries, list) else ()):
        if isinstance(one, dict) and _is_name(one.get("topic")) and _is_name(one.get("name")):
            yield index, one


def _is_name(value: object) -> bool:
    return isinstance(value, str) and name_fault(value) is None


def _check_unique(subscriptions: list[tuple[int, dict[str, Any]]], faults: Faults) -> None:
    first: dict[tuple[str, str], int] = {}
    for index, one in subscriptions:
        before = first.setdefault((one["topic"], one["name"]), index)
        if before != index:
            label = f"{one['topic']}/{one['name']}"
            faults.add(("subscriptions", index, "name"), f"{label} is there twice, first in subscriptions[{before}]")


def _queue_of(one: dict[str, Any]) -> str | None:
    is_queue = one.get("protocol") == "queue" and _is_name(one.get("endpoint"))
    return one["endpoint"] if is_queue else None


def _check_queues(subscriptions: list[tuple[int, dict[str, Any]]], faults: Faults) -> None:
    first: dict[str, str] = {}
    for index, one in subscriptions:
        queue = _queue_of(one)
        if queue is not None and (spelt := first.setdefault(queue.lower(), queue)) != queue:
            reason = f"is the same queue as {spelt!r}, CMQ's queue names being unique regardless of case; write one"
            faults.add(("subscriptions", index, "endpoint"), reason)


def _uses(subscriptions: list[tuple[int, dict[str, Any]]], prefix: str) -> Iterator[_Use]:
    for name in RESERVED:
        yield _Use((), name, "a topic of batch-events itself")
    for index, one in subscriptions:
        at = ("subscriptions", index)
        topic, name = one["topic"], one["name"]
        yield _Use((*at, "topic"), event_topic(topic, prefix), f"the events of {topic}")
        yield _Use((*at, "name"), dead_letter_topic(topic, name), f"the dead letters of {topic}/{name}")
        if (queue := _queue_of(one)) is not None:
            yield _Use((*at, "endpoint"), queue_topic(queue), f"the queue {queue.lower()}")


def _check_topics(uses: list[_Use], faults: Faults) -> None:
    first: dict[str, _Use] = {}
    for use in uses:
        before = first.setdefault(use.kafka_topic.replace(".", "_"), use)
        if before.purpose == use.purpose:
            continue
        if before.kafka_topic == use.kafka_topic:
            reason = f"Kafka topic {use.kafka_topic!r} would be {before.purpose} and {use.purpose}"
        else:
            reason = (
                f"Kafka topic {use.kafka_topic!r} collides with {before.kafka_topic!r}, {before.purpose}: "
                "Kafka takes '.' and '_' for the same"
            )
        faults.add(use.steps, reason)
