"""How many attempts may be out at once: grows while latency holds, shrinks when the endpoint complains.

Rule    a window is as many attempts as the limit. At its end the limit
            shrinks  by half the share of complaints (429, 5xx, time-outs), if that share is above TOLERATED: an
                     endpoint that fails now and then for reasons of its own is not overloaded
            grows    if the window used it up and its mean latency is below SLOW times the best mean seen; it doubles
                     until it first shrinks, later it grows by an eighth
Bounds  1 to the subscription's `concurrency`; no I/O, no clock: durations are passed in
"""

FIRST_LIMIT = 16
TOLERATED = 0.1
SLOW = 8.0
FORGET = 1.02
"""The best latency is believed a little less each window: an endpoint may have become slower for good."""

LEAST_S = 0.002
"""Below this, latency is our own noise."""


class AdaptiveLimit:
    """One subscription's."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._limit = float(min(FIRST_LIMIT, most))
        self._doubling = True
        self._best_s = 0.0
        self._successes = self._complaints = self._peak = 0
        self._sum_s = 0.0

    @property
    def limit(self) -> int:
        """The current limit."""
        return int(self._limit)

    def succeeded(self, duration_s: float, in_flight: int) -> None:
        """An attempt was answered well.

        Args:
            duration_s: how long it took.
            in_flight: how many were out when it ended: a window that did not use the limit says nothing about it.
        """
        self._successes += 1
        self._sum_s += duration_s
        self._peak = max(self._peak, in_flight)
        if self._successes + self._complaints >= self._limit:
            self._end_window()

    def complained(self) -> None:
        """429, 5xx or a time-out."""
        self._complaints += 1
        if self._successes + self._complaints >= self._limit:
            self._end_window()

    def _end_window(self) -> None:
        share = self._complaints / (self._successes + self._complaints)
        mean_s = max(LEAST_S, self._sum_s / self._successes) if self._successes else 0.0
        if mean_s:
            self._best_s = min(self._best_s * FORGET, mean_s) if self._best_s else mean_s
        if share > TOLERATED:
            self._doubling = False
            self._limit = max(1.0, self._limit * (1 - share / 2))
        elif self._peak >= self.limit and mean_s <= SLOW * self._best_s:
            self._limit = min(float(self._most), self._limit * (2.0 if self._doubling else 1.125) + 1)
        self._successes = self._complaints = self._peak = 0
        self._sum_s = 0.0
