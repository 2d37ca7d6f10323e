"""Every metric that `run` exports, in one list; the gateway's are in adapters/gateway/metrics.py.

Shape   SPECS says what there is; Metrics(registry) makes it, one attribute each
Labels  bounded: a subscription's is TOPIC/NAME, as many as the configuration has; any other has a closed set of values
Docs    deploy/monitoring/metrics.md holds the same list, and a test holds both together
"""

import enum
from collections.abc import Callable
from contextlib import suppress

import msgspec
from prometheus_client import REGISTRY, CollectorRegistry, Counter

from pipeline.instruments import Combine, Readings, Tallies

PREFIX = "batch_events_"


class Kind(enum.StrEnum):
    """As Prometheus calls them."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class Label(msgspec.Struct, frozen=True):
    """A label, and the values that it may have; none said: one for each that is configured."""

    name: str
    values: tuple[str, ...] = ()


SUBSCRIPTION = Label("subscription")
OUTCOME = Label("outcome", ("delivered", "failed", "gone", "unsent", "abandoned"))
VERDICT = Label("verdict", ("committed", "aborted", "unknown"))
CHANGE = Label("change", ("assigned", "revoked", "lost"))
STATE = Label("state", ("closed", "half_open", "open", "parked"))


class Spec(msgspec.Struct, frozen=True):
    """One metric.

    Attributes:
        name: as it is exported, without PREFIX.
        unit: of its values, where they are not just a number; it ends the name.
        labels: beside `about`.
        combine: a gauge's, where a subscription has two inputs, its events and what is redriven.
        buckets: upper bounds of a histogram's.
        about: what it is told for each of; None: of the process.
    """

    name: str
    kind: Kind
    text: str
    labels: tuple[Label, ...] = ()
    unit: str = ""
    combine: Combine = sum
    buckets: tuple[float, ...] = ()
    about: Label | None = SUBSCRIPTION

    @property
    def full_name(self) -> str:
        """As it is exported."""
        return PREFIX + self.name

    @property
    def label_names(self) -> tuple[str, ...]:
        """All of them."""
        return tuple(label.name for label in self.all_labels)

    @property
    def all_labels(self) -> tuple[Label, ...]:
        """What it is about, and all others."""
        return self.labels if self.about is None else (self.about, *self.labels)


ATTEMPT_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 30, 60)
END_TO_END_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 14400, 43200, 86400)
TURN_S = (0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


def _counter(name: str, text: str, *labels: Label) -> Spec:
    return Spec(name + "_total", Kind.COUNTER, text, labels)


def _gauge(name: str, text: str, *labels: Label, unit: str = "", combine: Combine = sum) -> Spec:
    return Spec(name, Kind.GAUGE, text, labels, unit, combine)


def _histogram(name: str, text: str, buckets: tuple[float, ...]) -> Spec:
    return Spec(name, Kind.HISTOGRAM, text, unit="seconds", buckets=buckets)


SPECS: dict[str, Spec] = {
    "received": _counter("received", "Records read from the event topic."),
    "filtered": _counter("filtered", "Events that the subscription did not ask for."),
    "delivered": _counter("delivered", "Messages in the queue, or accepted by the endpoint."),
    "dead_letters": _counter("dead_letters", "Events durably written to the dead letters."),
    "attempts": _counter("attempts", "HTTP attempts by outcome.", OUTCOME),
    "attempt_seconds": _histogram("attempt_seconds", "Duration of HTTP attempts that were sent.", ATTEMPT_S),
    "end_to_end": _histogram(
        "end_to_end_seconds", "From an event's publish to its acceptance by the queue or the endpoint.", END_TO_END_S
    ),
    "trace_dropped": _counter("trace_dropped", "Trace entries that were not written: no topic, no answer, or no room."),
    "transactions": _counter("transactions", "Transactions (queue messages, held keys, dead letters).", VERDICT),
    "rebalances": _counter("rebalances", "Times that partitions came or went.", CHANGE),
    "loop_turn": _histogram("loop_turn_seconds", "Turns of a consumer loop, its waiting included.", TURN_S),
    "lag": _gauge("lag", "Records not yet settled, up to the log's end."),
    "oldest": _gauge(
        "oldest_undelivered_seconds",
        "Age of the oldest event neither delivered nor dead-lettered; 0 without one.",
        unit="seconds",
        combine=max,
    ),
    "oldest_unsettled": _gauge(
        "oldest_unsettled_seconds",
        "The same without held keys: the delay that every event has, not one failing key's.",
        unit="seconds",
        combine=max,
    ),
    "outstanding": _gauge("outstanding", "Events read and not yet settled."),
    "held_keys": _gauge("held_keys", "Keys whose next event waits for a later attempt."),
    "held_keys_fullest": _gauge(
        "held_keys_fullest_partition", "Held keys of the partition that has most of them.", combine=max
    ),
    "ledger_gap": _gauge("ledger_gap", "Offsets settled beyond the first unsettled one of their partition."),
    "commit_age": _gauge(
        "commit_age_seconds",
        "Since the last acknowledged commit, while there is something to commit; else 0.",
        unit="seconds",
        combine=max,
    ),
    "in_flight": _gauge("in_flight", "HTTP attempts that are out."),
    "limit": _gauge("concurrency_limit", "HTTP attempts that may be out now."),
    "breaker": _gauge("breaker_state", "1 for the state that the endpoint's breaker is in, 0 for the others.", STATE),
    "ready": _gauge("ready", "1 if the subscription can work here, else 0; as /ready says.", combine=min),
}


class Metrics:
    """The metrics of one process."""

    received: Counter
    filtered: Counter
    delivered: Counter
    dead_letters: Counter
    attempts: Counter
    attempt_seconds: Tallies
    end_to_end: Tallies
    trace_dropped: Counter
    transactions: Counter
    rebalances: Counter
    loop_turn: Tallies
    lag: Readings
    oldest: Readings
    oldest_unsettled: Readings
    outstanding: Readings
    held_keys: Readings
    held_keys_fullest: Readings
    ledger_gap: Readings
    commit_age: Readings
    in_flight: Readings
    limit: Readings
    breaker: Readings
    ready: Readings

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        for attribute, spec in SPECS.items():
            setattr(self, attribute, made(spec, registry))

    def forget(self, label: str) -> None:
        """A subscription does not run here any more."""
        for attribute, spec in SPECS.items():
            metric = getattr(self, attribute)
            if not isinstance(metric, Counter):
                metric.forget(label)
            elif not spec.labels:
                with suppress(KeyError):  # it never counted anything
                    metric.remove(label)
            else:
                for value in spec.labels[0].values:
                    with suppress(KeyError):
                        metric.remove(label, value)

    def watch_state(self, label: str, state: Callable[[], str]) -> None:
        """Tell a breaker's state."""
        for value in STATE.values:
            self.breaker.add((label, value), lambda value=value: state() == value)  # type: ignore[misc]


def made(spec: Spec, registry: CollectorRegistry) -> Counter | Readings | Tallies:
    """What is told of one."""
    match spec.kind:
        case Kind.COUNTER:
            return Counter(spec.full_name, spec.text, spec.label_names, registry=registry)
        case Kind.GAUGE:
            return Readings(spec.full_name, spec.text, spec.label_names, spec.combine, registry)
        case Kind.HISTOGRAM:
            return Tallies(spec.full_name, spec.text, spec.label_names, spec.buckets, registry)
