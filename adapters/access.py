"""The least rights (Kafka ACLs) that each part needs on a cluster that asks for them.

Shape   rights_of(part, settings) -> Right, …; `batch-events acls` prints them, deploy/kafka-access.md tells what for,
        and a test takes each of them away in turn
Implied as Kafka does: READ and WRITE include DESCRIBE. DESCRIBE_CONFIGS is needed by what compares topics with the
        configuration: `topics`, `check --online`, and `run`, which warns of topics that put events at risk
Clients that join no group ask all the same who would coordinate `batch-events-…`; that they may not know hurts nobody
"""

from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from typing import NamedTuple

from adapters.gateway.journal.journal_record import SLOTS_TOPIC
from adapters.gateway.journal.membership import GROUP
from adapters.gateway.registry.registry_log import IDS
from adapters.provision import needed
from adapters.settings import HttpSubscriptionSettings, QueueSubscriptionSettings, Settings
from pipeline.cmq_registry import REGISTRY_TOPIC
from pipeline.topics import (
    TRACE_TOPIC,
    dead_letter_topic,
    event_topic,
    held_topic,
    queue_topic,
    redrive_group,
    redrive_topic,
    subscription_group,
)

OF_SUBSCRIPTIONS = "cmq."
"""What the names of all subscriptions' groups, transactional ids and topics begin with, but for the event topics'."""


class Kind(StrEnum):
    """What a right is about, as `kafka-acls.sh` names its option."""

    TOPIC = "topic"
    GROUP = "group"
    TRANSACTIONAL_ID = "transactional-id"


class Operation(StrEnum):
    """What may be done with it."""

    ALTER_CONFIGS = "AlterConfigs"
    CREATE = "Create"
    DELETE = "Delete"
    DESCRIBE = "Describe"
    DESCRIBE_CONFIGS = "DescribeConfigs"
    READ = "Read"
    WRITE = "Write"


class Right(NamedTuple):
    """One ACL. `prefixed`: of everything whose name begins so."""

    kind: Kind
    name: str
    operation: Operation
    prefixed: bool = False


class Part(StrEnum):
    """What a principal may be for."""

    PUBLISH = "publish"
    RUN = "run"
    TOPICS = "topics"
    TOPICS_APPLY = "topics-apply"
    CHECK = "check"
    DEAD_LETTERS = "dead-letters"
    REDRIVE = "redrive"
    QUEUE_READER = "queue-reader"
    TRACE = "trace"
    REWIND = "rewind"
    GATEWAY = "gateway"


def rights_of(part: Part, settings: Settings) -> list[Right]:
    """What this part needs for the whole configuration, each right once."""
    return list(dict.fromkeys(_RIGHTS[part](settings)))


def _publish(settings: Settings) -> Iterator[Right]:
    """Which CMQ topics there are is for those to say who submit jobs: the prefix covers them all."""
    prefix = settings.topics.prefix
    yield Right(Kind.TOPIC, prefix or "*", Operation.WRITE, prefixed=bool(prefix))


def _run(settings: Settings) -> Iterator[Right]:
    for one in settings.subscriptions:
        yield from run_rights(one, settings)


def run_rights(one: QueueSubscriptionSettings | HttpSubscriptionSettings, settings: Settings) -> Iterator[Right]:
    """What `run` needs for one subscription."""
    events, group = event_topic(one.topic, settings.topics.prefix), subscription_group(one.topic, one.name)
    letters, again = dead_letter_topic(one.topic, one.name), redrive_topic(one.topic, one.name)
    own = queue_topic(one.endpoint) if isinstance(one, QueueSubscriptionSettings) else held_topic(one.topic, one.name)
    yield from (Right(Kind.TOPIC, name, Operation.READ) for name in (events, again))
    yield from (Right(Kind.TOPIC, name, Operation.WRITE) for name in (own, letters))
    yield from _configs((events, own, letters, again))
    yield Right(Kind.GROUP, group, Operation.READ)
    yield Right(Kind.TRANSACTIONAL_ID, f"{group}.", Operation.WRITE, prefixed=True)
    if isinstance(one, HttpSubscriptionSettings):
        yield Right(Kind.TOPIC, own, Operation.READ)
        if one.trace:
            yield Right(Kind.TOPIC, TRACE_TOPIC, Operation.WRITE)


def _topics(settings: Settings) -> Iterator[Right]:
    names = [spec.name for spec in needed(settings)]
    yield from (Right(Kind.TOPIC, name, Operation.DESCRIBE) for name in names)
    yield from _configs(names)


def _topics_apply(settings: Settings) -> Iterator[Right]:
    yield from _topics(settings)
    yield from (Right(Kind.TOPIC, spec.name, Operation.CREATE) for spec in needed(settings))


def _dead_letters(settings: Settings) -> Iterator[Right]:
    for one in settings.subscriptions:
        yield Right(Kind.TOPIC, dead_letter_topic(one.topic, one.name), Operation.READ)


def _redrive(settings: Settings) -> Iterator[Right]:
    for one in settings.subscriptions:
        letters, again = dead_letter_topic(one.topic, one.name), redrive_topic(one.topic, one.name)
        group = redrive_group(one.topic, one.name)
        yield Right(Kind.TOPIC, letters, Operation.READ)
        yield from (Right(Kind.TOPIC, again, operation) for operation in (Operation.CREATE, Operation.WRITE))
        yield from _configs((letters, again))
        yield Right(Kind.GROUP, group, Operation.READ)
        yield Right(Kind.TRANSACTIONAL_ID, f"{group}.", Operation.WRITE, prefixed=True)


def _queue_reader(settings: Settings) -> Iterator[Right]:
    """A reader's group is its own business; one whose name begins with the queue's topic and a dot is let in."""
    for one in settings.subscriptions:
        if isinstance(one, QueueSubscriptionSettings):
            yield Right(Kind.TOPIC, queue_topic(one.endpoint), Operation.READ)
            yield Right(Kind.GROUP, f"{queue_topic(one.endpoint)}.", Operation.READ, prefixed=True)


def _trace(settings: Settings) -> Iterator[Right]:
    for one in settings.subscriptions:
        yield from trace_rights(one, settings)


def trace_rights(one: QueueSubscriptionSettings | HttpSubscriptionSettings, settings: Settings) -> Iterator[Right]:
    """What `trace` needs for one subscription: whether a dead letter was sent again, its own group tells."""
    yield Right(Kind.TOPIC, event_topic(one.topic, settings.topics.prefix), Operation.READ)
    yield Right(Kind.TOPIC, dead_letter_topic(one.topic, one.name), Operation.READ)
    for group in (subscription_group(one.topic, one.name), redrive_group(one.topic, one.name)):
        yield Right(Kind.GROUP, group, Operation.DESCRIBE)
    if isinstance(one, HttpSubscriptionSettings):
        yield from (Right(Kind.TOPIC, name, Operation.READ) for name in (held_topic(one.topic, one.name), TRACE_TOPIC))


def _rewind(settings: Settings) -> Iterator[Right]:
    for one in settings.subscriptions:
        yield from rewind_rights(one, settings)


def rewind_rights(one: QueueSubscriptionSettings | HttpSubscriptionSettings, settings: Settings) -> Iterator[Right]:
    """What `rewind` needs for one subscription; a transaction that a killed process left open it waits out."""
    group = subscription_group(one.topic, one.name)
    yield Right(Kind.TOPIC, event_topic(one.topic, settings.topics.prefix), Operation.READ)
    yield Right(Kind.GROUP, group, Operation.READ)
    yield Right(Kind.TRANSACTIONAL_ID, f"{group}.rewind.", Operation.WRITE, prefixed=True)
    if isinstance(one, HttpSubscriptionSettings):
        held = held_topic(one.topic, one.name)
        yield from (Right(Kind.TOPIC, held, operation) for operation in (Operation.READ, Operation.WRITE))


def _gateway(settings: Settings) -> Iterator[Right]:
    """What queues, topics and subscriptions there will be is for the gateway's clients to say: prefixes cover them."""
    yield from _on_topic(REGISTRY_TOPIC, Operation.CREATE, Operation.READ, Operation.WRITE)
    yield from _on_topic(SLOTS_TOPIC, Operation.CREATE, Operation.READ, Operation.WRITE, Operation.DELETE)
    yield Right(Kind.GROUP, GROUP, Operation.READ)
    yield Right(Kind.TRANSACTIONAL_ID, f"{IDS}{REGISTRY_TOPIC}", Operation.WRITE)
    used = (Operation.CREATE, Operation.READ, Operation.WRITE, Operation.DELETE)
    yield from _on_topic(queue_topic(""), *used, Operation.ALTER_CONFIGS, prefixed=True)
    prefix = settings.topics.prefix
    yield from _on_topic(prefix or "*", *used, prefixed=bool(prefix))
    yield from subscribing_rights()


def subscribing_rights() -> Iterator[Right]:
    """Among those of the gateway, what it needs to have subscriptions begin at their topics' ends.

    The group is any subscription's. One that calls back may have left held keys under the same name: to release them
    is a rewind, which needs what any subscription's name may begin with.
    """
    yield Right(Kind.GROUP, OF_SUBSCRIPTIONS, Operation.READ, prefixed=True)
    yield from _on_topic(OF_SUBSCRIPTIONS, Operation.READ, Operation.WRITE, prefixed=True)
    yield Right(Kind.TRANSACTIONAL_ID, OF_SUBSCRIPTIONS, Operation.WRITE, prefixed=True)


def _on_topic(name: str, *operations: Operation, prefixed: bool = False) -> Iterator[Right]:
    return (Right(Kind.TOPIC, name, operation, prefixed) for operation in operations)


def _configs(names: Iterable[str]) -> Iterator[Right]:
    return (Right(Kind.TOPIC, name, Operation.DESCRIBE_CONFIGS) for name in names)


_RIGHTS: dict[Part, Callable[[Settings], Iterator[Right]]] = {
    Part.PUBLISH: _publish,
    Part.RUN: _run,
    Part.TOPICS: _topics,
    Part.TOPICS_APPLY: _topics_apply,
    Part.CHECK: _run,
    Part.DEAD_LETTERS: _dead_letters,
    Part.REDRIVE: _redrive,
    Part.QUEUE_READER: _queue_reader,
    Part.TRACE: _trace,
    Part.REWIND: _rewind,
    Part.GATEWAY: _gateway,
}
