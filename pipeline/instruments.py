"""What a metric is made of where prometheus_client's own would cost too much an event.

Shape   Readings: a gauge whose value is asked for when somebody scrapes; several parts of a label set are combined.
        Tallies: a histogram that is told many values at once; each writer has a Tally of its own, they are added up
        when somebody scrapes
Cost    a value of a Tally is a bisection and an addition, no lock. A reading costs nothing until it is read
Gone    forget(): who runs no more is told no more; what is made again begins at 0, as after a restart
Threads a Tally has one writer. What a reading calls runs on the scraping thread: it must only read what its owner
        replaces whole, a number or a frozen struct
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, HistogramMetricFamily, Metric

Labels = tuple[str, ...]
Read = Callable[[], float]
Combine = Callable[[list[float]], float]


class Readings:
    """A gauge."""

    def __init__(self, name: str, text: str, labels: Labels, combine: Combine, registry: CollectorRegistry) -> None:
        self._name = name
        self._text = text
        self._labels = labels
        self._combine = combine
        self._read: dict[Labels, list[Read]] = {}
        registry.register(self)

    def add(self, labels: Labels, read: Read) -> None:
        """One more part of the value for these labels."""
        self._read.setdefault(labels, []).append(read)

    def forget(self, subscription: str) -> None:
        """Tell nothing more of it: its label is the first one."""
        _forget(self._read, subscription)

    def describe(self) -> Iterator[Metric]:
        """Without values."""
        yield GaugeMetricFamily(self._name, self._text, labels=self._labels)

    def collect(self) -> Iterator[Metric]:
        """Ask all parts."""
        family = GaugeMetricFamily(self._name, self._text, labels=self._labels)
        for labels, parts in list(self._read.items()):
            family.add_metric(labels, self._combine([float(read()) for read in list(parts)]))
        yield family


class Tally:
    """What one writer has seen."""

    __slots__ = ("_bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def add(self, values: Iterable[float]) -> None:
        """Count values."""
        bounds, counts = self._bounds, self.counts
        total = 0.0
        for value in values:
            counts[bisect_left(bounds, value)] += 1
            total += value
        self.total += total


class Tallies:
    """A histogram."""

    def __init__(
        self, name: str, text: str, labels: Labels, bounds: Sequence[float], registry: CollectorRegistry
    ) -> None:
        self._name = name
        self._text = text
        self._labels = labels
        self._bounds = tuple(bounds)
        self._tallies: dict[Labels, list[Tally]] = {}
        registry.register(self)

    def tally(self, *labels: str) -> Tally:
        """For one more writer of these labels."""
        tally = Tally(self._bounds)
        self._tallies.setdefault(labels, []).append(tally)
        return tally

    def forget(self, subscription: str) -> None:
        """Tell nothing more of it: its label is the first one."""
        _forget(self._tallies, subscription)

    def describe(self) -> Iterator[Metric]:
        """Without values."""
        yield HistogramMetricFamily(self._name, self._text, labels=self._labels)

    def collect(self) -> Iterator[Metric]:
        """Add up what the writers have."""
        family = HistogramMetricFamily(self._name, self._text, labels=self._labels)
        for labels, tallies in list(self._tallies.items()):
            family.add_metric(labels, *self._sum(list(tallies)))
        yield family

    def _sum(self, tallies: list[Tally]) -> tuple[list[tuple[str, float]], float]:
        total = sum(tally.total for tally in tallies)
        counts = map(sum, zip(*(list(tally.counts) for tally in tallies), strict=True))
        buckets, so_far = [], 0
        for bound, count in zip((*self._bounds, float("inf")), counts, strict=True):
            so_far += count
            buckets.append(("+Inf" if bound == float("inf") else repr(float(bound)), float(so_far)))
        return buckets, total


def _forget(parts: dict[Labels, list[Any]], subscription: str) -> None:
    """In place: another thread may add to it meanwhile."""
    for labels in [labels for labels in list(parts) if labels[0] == subscription]:
        del parts[labels]
