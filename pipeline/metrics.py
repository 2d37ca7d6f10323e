"""Every metric we export, in one list.

Labels are bounded: a subscription's label is TOPIC/NAME, an outcome is one of the closed set.
"""

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram


class Metrics:
    """The metrics of one process."""

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        subscription = ("subscription",)
        self.received = Counter(
            "batch_events_received", "Records read from the event topic.", subscription, registry=registry
        )
        self.filtered = Counter(
            "batch_events_filtered",
            "Events that the subscription did not ask for.",
            subscription,
            registry=registry,
        )
        self.delivered = Counter(
            "batch_events_delivered",
            "Messages in the queue, or accepted by the endpoint.",
            subscription,
            registry=registry,
        )
        self.attempts = Counter(
            "batch_events_attempts",
            "HTTP attempts by outcome.",
            (*subscription, "outcome"),
            registry=registry,
        )
        self.attempt_seconds = Histogram(
            "batch_events_attempt_seconds", "Duration of HTTP attempts.", subscription, registry=registry
        )
        self.dead_letters = Counter(
            "batch_events_dead_letters",
            "Events durably written to the dead letters.",
            subscription,
            registry=registry,
        )
        self.outstanding = Gauge(
            "batch_events_outstanding", "Events read and not yet settled.", subscription, registry=registry
        )
        self.held_keys = Gauge(
            "batch_events_held_keys",
            "Keys whose next event waits for a later attempt.",
            subscription,
            registry=registry,
        )
        self.in_flight = Gauge("batch_events_in_flight", "HTTP attempts that are out.", subscription, registry=registry)
        self.limit = Gauge(
            "batch_events_concurrency_limit", "Attempts that may be out now.", subscription, registry=registry
        )
        self.breaker_closed = Gauge(
            "batch_events_breaker_closed",
            "1 while attempts go out, 0 while only probes do.",
            subscription,
            registry=registry,
        )
        self.transactions = Counter(
            "batch_events_transactions",
            "Queue transactions by verdict.",
            (*subscription, "verdict"),
            registry=registry,
        )
