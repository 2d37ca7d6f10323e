"""librdkafka's properties: whose they are, and which of them a promise rests on.

Shape   CONSUMER_ONLY and PRODUCER_ONLY are the names that librdkafka marks C and P; what it marks * is anybody's.
        PROMISED tells what is fixed, at which value and why; OURS tells what batch-events sets by itself
        why_not(name, value) tells why a property cannot be so, why_not_together(properties) why they cannot all be
Source  librdkafka's own table (rd_kafka_conf_properties_show), which a test compares with this one
"""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

CONSUMER_ONLY = frozenset(
    {
        "auto.commit.enable",
        "auto.commit.interval.ms",
        "auto.offset.reset",
        "check.crcs",
        "consume.callback.max.messages",
        "coordinator.query.interval.ms",
        "enable.auto.commit",
        "enable.auto.offset.store",
        "enable.partition.eof",
        "fetch.error.backoff.ms",
        "fetch.max.bytes",
        "fetch.message.max.bytes",
        "fetch.min.bytes",
        "fetch.queue.backoff.ms",
        "fetch.wait.max.ms",
        "group.id",
        "group.instance.id",
        "group.protocol",
        "group.protocol.type",
        "group.remote.assignor",
        "heartbeat.interval.ms",
        "isolation.level",
        "max.partition.fetch.bytes",
        "max.poll.interval.ms",
        "max.poll.records",
        "offset.store.method",
        "offset.store.path",
        "offset.store.sync.interval.ms",
        "partition.assignment.strategy",
        "queued.max.messages.kbytes",
        "queued.min.messages",
        "session.timeout.ms",
        "share.acknowledgement.mode",
    }
)

PRODUCER_ONLY = frozenset(
    {
        "acks",
        "batch.num.messages",
        "batch.size",
        "compression.codec",
        "compression.level",
        "compression.type",
        "delivery.report.only.error",
        "delivery.timeout.ms",
        "enable.gapless.guarantee",
        "enable.idempotence",
        "linger.ms",
        "message.send.max.retries",
        "message.timeout.ms",
        "partitioner",
        "produce.offset.report",
        "queue.buffering.backpressure.threshold",
        "queue.buffering.max.kbytes",
        "queue.buffering.max.messages",
        "queue.buffering.max.ms",
        "queuing.strategy",
        "request.required.acks",
        "request.timeout.ms",
        "retries",
        "sticky.partitioning.linger.ms",
        "transaction.timeout.ms",
        "transactional.id",
    }
)


class Promised(NamedTuple):
    """What a property is fixed at, and what would be broken otherwise."""

    value: Any
    why: str


_ACKS = Promised("all", "an event that was acknowledged would be lost with one broker")
_COMMIT = Promised(value=False, why="an event would be committed before it is delivered")

PROMISED: dict[str, Promised] = {
    "acks": _ACKS,
    "request.required.acks": _ACKS,
    "enable.idempotence": Promised(value=True, why="an event sent again after an error would be there twice, or late"),
    "delivery.report.only.error": Promised(value=False, why="nobody would hear that an event was acknowledged"),
    "transaction.timeout.ms": Promised(10_000, "what a killed process left open would hide later messages for longer"),
    "enable.auto.commit": _COMMIT,
    "auto.commit.enable": _COMMIT,
    "enable.auto.offset.store": _COMMIT,
    "offset.store.method": Promised("broker", "another member could not go on where one has ended"),
    "auto.offset.reset": Promised("error", "events would be left out, or sent again, and nobody told"),
    "isolation.level": Promised("read_committed", "what an aborted transaction wrote would be delivered"),
    "enable.partition.eof": Promised(value=False, why="the end of a partition would be taken for an error"),
    "allow.auto.create.topics": Promised(
        value=False, why="a misspelt topic would come into being, and be read for ever"
    ),
}
"""Each is also what our clients set, where it is not librdkafka's default."""

BY_KEY = frozenset({"consistent", "consistent_random", "murmur2", "murmur2_random", "fnv1a", "fnv1a_random"})
"""Partitioners that send one key to one partition."""

GROUP_PROTOCOL = "group.protocol"
INSTANCE_ID = "group.instance.id"
"""The name that a process keeps from one start to the next; each of its members adds something of its own."""

_INSTANCE = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9._-]{1,200}")

OURS: dict[str, str] = {
    "group.id": "it is the subscription's",
    "transactional.id": "each input has its own",
    "logger": "log lines go where all others go",
    "error_cb": "errors are heard",
    "stats_cb": "nobody would hear them",
    "throttle_cb": "nobody would hear it",
    "oauth_cb": "a configuration holds no code",
    "on_commit": "commits are heard",
    "on_delivery": "delivery reports are heard",
}
"""Properties that are not the operator's, and why."""


def why_not(name: str, value: object) -> str | None:
    """Why a property of the configuration cannot be so; None if it can."""
    if name in OURS:
        return f"is set by batch-events itself: {OURS[name]}; leave it out"
    if name == "metadata.broker.list":
        return "is bootstrap.servers by its other name; write that"
    if name == "partitioner" and value not in BY_KEY:
        return f"must send one key to one partition, or events of a job lose their order; allowed: {_listed(BY_KEY)}"
    if name == INSTANCE_ID and not _INSTANCE.fullmatch(str(value)):
        return "is no name for a member; allowed: 1 to 200 letters, digits, `.`, `_` and `-`, but not `.` or `..`"
    promised = PROMISED.get(name)
    if promised is None or _same(promised.value, value):
        return None
    return f"is fixed at {promised.value!r}: {promised.why}"


def why_not_together(properties: Mapping[str, object]) -> str | None:
    """Why properties that are fine by themselves do not go together; None if they do."""
    if INSTANCE_ID in properties and _same("consumer", properties.get(GROUP_PROTOCOL)):
        return (
            f"{INSTANCE_ID} does not go with {GROUP_PROTOCOL} consumer: a process that was killed could not come back "
            "before the broker has given its former self up, 45 s by default"
        )
    return None


def _same(promised: object, value: object) -> bool:
    return str(promised).lower() == str(value).lower()


def _listed(names: frozenset[str]) -> str:
    return ", ".join(sorted(names))
