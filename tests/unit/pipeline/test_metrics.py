"""The one list of metrics."""

import re

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from pipeline.breaker import PARKED, BreakerState
from pipeline.metrics import SPECS, STATE, Kind, Metrics, Spec


def test_each_metric_of_the_list_is_an_attribute_and_there_are_no_others() -> None:
    metrics = Metrics(CollectorRegistry())
    assert set(vars(metrics)) == set(SPECS) == set(Metrics.__annotations__)
    assert {name: type(one).__name__ for name, one in vars(metrics).items()} == {
        name: getattr(kind, "__name__", kind) for name, kind in Metrics.__annotations__.items()
    }


@pytest.mark.parametrize("spec", SPECS.values(), ids=lambda spec: spec.name)
def test_a_name_says_what_it_counts_and_in_what(spec: Spec) -> None:
    assert re.fullmatch(r"batch_events_[a-z_]+", spec.full_name)
    assert spec.name.endswith("_total") == (spec.kind is Kind.COUNTER)
    assert spec.name.endswith(spec.unit)
    assert bool(spec.buckets) == (spec.kind is Kind.HISTOGRAM)
    assert list(spec.buckets) == sorted(spec.buckets)
    assert all(label.values for label in spec.labels), "only subscriptions are as many as somebody configures"


def test_a_breaker_is_in_one_of_the_states_that_are_told() -> None:
    assert set(STATE.values) == {*BreakerState, PARKED}
    registry = CollectorRegistry()
    metrics = Metrics(registry)
    state = ["open"]
    metrics.watch_state("a/b", lambda: state[0])

    def told() -> dict[str, float | None]:
        asked = {one: {"subscription": "a/b", "state": one} for one in STATE.values}
        return {one: registry.get_sample_value("batch_events_breaker_state", labels) for one, labels in asked.items()}

    assert told() == {"closed": 0, "half_open": 0, "open": 1, "parked": 0}
    state[0] = PARKED
    assert told() == {"closed": 0, "half_open": 0, "open": 0, "parked": 1}


def test_a_subscription_that_is_forgotten_is_told_no_more_and_begins_at_zero_when_it_is_back() -> None:
    registry = CollectorRegistry()
    metrics = Metrics(registry)

    def told(label: str) -> list[str]:
        lines = generate_latest(registry).decode().splitlines()
        return [line for line in lines if f'subscription="{label}"' in line]

    for label in ("a/b", "a/c"):
        metrics.received.labels(label).inc(3)
        metrics.attempts.labels(label, "failed").inc()
        metrics.end_to_end.tally(label).add([0.1])
        metrics.lag.add((label,), lambda: 7)
        metrics.watch_state(label, lambda: "closed")
    before = told("a/c")
    metrics.forget("a/b")
    metrics.forget("a/b")
    assert not told("a/b")
    assert told("a/c") == before
    metrics.received.labels("a/b").inc()
    assert registry.get_sample_value("batch_events_received_total", {"subscription": "a/b"}) == 1
