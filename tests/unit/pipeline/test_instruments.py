"""Histograms that are told many values at once, and gauges that are asked when somebody scrapes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Histogram, generate_latest

from pipeline.instruments import Readings, Tallies

BOUNDS = (0.005, 0.1, 1.0, 60.0)
seconds = st.floats(0, 100) | st.sampled_from(BOUNDS)


def samples(registry: CollectorRegistry) -> list[str]:
    lines = generate_latest(registry).decode().splitlines()
    return [line for line in lines if "_created" not in line]


@given(st.lists(st.lists(seconds)))
def test_a_tally_tells_what_a_histogram_of_the_clients_own_would(batches: list[list[float]]) -> None:
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    tally = Tallies("a", "text", ("label",), BOUNDS, ours).tally("x")
    histogram = Histogram("a", "text", ("label",), registry=theirs, buckets=BOUNDS).labels("x")
    for batch in batches:
        tally.add(batch)
        for value in batch:
            histogram.observe(value)
    mine, other = samples(ours), samples(theirs)
    assert [line for line in mine if "_sum" not in line] == [line for line in other if "_sum" not in line]
    total = ours.get_sample_value("a_sum", {"label": "x"})
    assert total == pytest.approx(theirs.get_sample_value("a_sum", {"label": "x"}))


def test_several_writers_of_the_same_labels_are_added_up() -> None:
    registry = CollectorRegistry()
    tallies = Tallies("a", "text", ("label",), BOUNDS, registry)
    tallies.tally("x").add([0.001, 0.5])
    tallies.tally("x").add([0.5])
    tallies.tally("y").add([])
    assert registry.get_sample_value("a_count", {"label": "x"}) == 3
    assert registry.get_sample_value("a_bucket", {"label": "x", "le": "0.005"}) == 1
    assert registry.get_sample_value("a_count", {"label": "y"}) == 0


@pytest.mark.parametrize(("combine", "value"), [(sum, 4), (max, 3), (min, 1)])
def test_readings_are_asked_at_each_scrape_and_combined(combine: type, value: float) -> None:
    registry = CollectorRegistry()
    readings = Readings("a", "text", ("label",), combine, registry)
    now = [0.0]
    readings.add(("x",), lambda: now[0])
    readings.add(("x",), lambda: 3)
    readings.add(("y",), lambda: True)
    now[0] = 1.0
    assert registry.get_sample_value("a", {"label": "x"}) == value
    assert registry.get_sample_value("a", {"label": "y"}) == 1


def test_a_name_that_is_there_already_is_refused() -> None:
    registry = CollectorRegistry()
    Readings("a", "text", (), sum, registry)
    with pytest.raises(ValueError, match="Duplicated"):
        Tallies("a", "text", (), BOUNDS, registry)
