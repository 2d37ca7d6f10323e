"""How many attempts may be out at once: grows while latency holds, shrinks when the endpoint complains.

Rule    a window is as many attempts as the limit. At its end the limit
            shrinks  by half the share of complaints (429, 5xx, time-outs), if there are more of them than an endpoint
                     makes that fails one in ten times for reasons of its own (TOLERATED), and than chance adds to that
            grows    if the window used it up and its mean latency is below SLOW times the best mean seen; it doubles
                     until it first shrinks, later it grows by an eighth
Bounds  1 to the subscription's `concurrency`; no I/O, no clock: durations are passed in
"""

import math

FIRST_LIMIT = 32
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
        self.limit = min(FIRST_LIMIT, most)
        """The current limit."""

        self._doubling = True
        self._best_s = 0.0
        self._successes = self._complaints = self._peak = 0
        self._sum_s = 0.0

    def succeeded(self, duration_s: float, in_flight: int) -> None:
        """An attempt was answered well.

        Args:
            duration_s: how long it took.
            in_flight: how many were out when it ended: a window that did not use the limit says nothing about it.
        """
        self._successes += 1
        self._sum_s += duration_s
        self._peak = max(self._peak, in_flight)
        if self._successes + self._complaints >= self.limit:
            self._end_window()

    def complained(self) -> None:
        """429, 5xx or a time-out."""
        self._complaints += 1
        if self._successes + self._complaints >= self.limit:
            self._end_window()

    def _end_window(self) -> None:
        ended = self._successes + self._complaints
        mean_s = max(LEAST_S, self._sum_s / self._successes) if self._successes else 0.0
        if mean_s:
            self._best_s = min(self._best_s * FORGET, mean_s) if self._best_s else mean_s
        if self._complaints > TOLERATED * ended + 2 * math.sqrt(TOLERATED * ended):
            self._doubling = False
            self.limit = max(1, int(self.limit * (1 - self._complaints / ended / 2)))
        elif self._peak >= self.limit and mean_s <= SLOW * self._best_s:
            self.limit = min(self._most, int(self.limit * (2.0 if self._doubling else 1.125)) + 1)
        self._successes = self._complaints = self._peak = 0
        self._sum_s = 0.0
