"""Every metric that the gateway exports, in one list.

Shape   SPECS says what there is; GatewayMetrics(registry) makes it, one attribute each; figures.py fills it
Labels  bounded: an action's are CMQ's and `none`, for what never became a call; any other has a closed set of values.
        No label ever holds a queue's or a topic's name: those are as many as clients like
Docs    deploy/monitoring/metrics.md holds the same list, and a test holds both together
"""

from prometheus_client import CollectorRegistry, Counter

from pipeline.instruments import Readings, Tallies
from pipeline.metrics import Kind, Label, Spec, made

ACTION = Label("action")
OUTCOME = Label("outcome", ("ok", "empty", "refused", "failed", "repeated", "abandoned"))
KIND = Label("kind", ("call", "long_poll"))

CALL_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
APPEND_S = (0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 1, 2.5, 8)
TAKE_OVER_S = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


def _counter(name: str, text: str, *labels: Label) -> Spec:
    return Spec(f"gateway_{name}_total", Kind.COUNTER, text, labels, about=None)


def _gauge(name: str, text: str, unit: str = "") -> Spec:
    return Spec(f"gateway_{name}", Kind.GAUGE, text, unit=unit, about=None)


def _seconds(name: str, text: str, buckets: tuple[float, ...], *labels: Label) -> Spec:
    return Spec(f"gateway_{name}_seconds", Kind.HISTOGRAM, text, labels, "seconds", buckets=buckets, about=None)


SPECS: dict[str, Spec] = {
    "calls": _counter("calls", "Calls that were answered, by action and by what became of them.", ACTION, OUTCOME),
    "call_seconds": _seconds("call", "From a request to its reply; receives apart, which may wait.", CALL_S, KIND),
    "long_polls": _gauge("long_polls", "Receives that are out, waiting or not."),
    "forwarded": _counter("forwarded", "Calls that another replica was asked for, each try."),
    "slots": _gauge("slots", "Slots that this replica owns and can answer for; 64 in all."),
    "slots_lost": _counter("slots_lost", "Slots that were lost otherwise than by giving them away."),
    "take_over": _seconds("take_over", "From the claim of a slot until it can be answered for.", TAKE_OVER_S),
    "append_seconds": _seconds("journal_append", "From a journal record to its acknowledgement by Kafka.", APPEND_S),
    "in_flight": _gauge("in_flight", "Messages received and not deleted, of the slots that this replica owns."),
    "body_bytes": _gauge("body_bytes", "Bodies of messages at hand.", "bytes"),
    "registry_changes": _counter("registry_changes", "Changes of queues, topics and subscriptions that were heard of."),
}


class GatewayMetrics:
    """The metrics of one process."""

    calls: Counter
    call_seconds: Tallies
    long_polls: Readings
    forwarded: Counter
    slots: Readings
    slots_lost: Counter
    take_over: Tallies
    append_seconds: Tallies
    in_flight: Readings
    body_bytes: Readings
    registry_changes: Counter

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        """Make them; without a registry nobody is told."""
        registry = registry or CollectorRegistry()
        for attribute, spec in SPECS.items():
            setattr(self, attribute, made(spec, registry))
