"""How many attempts may be out at once: grows while latency holds, shrinks when the endpoint complains.

Rule    a window is as many attempts as the limit. At its end the limit
            shrinks  by half the share of complaints (429, 5xx, time-outs), if there are more of them than an endpoint
                     makes that fails one in ten times for reasons of its own (TOLERATED), and than chance adds to that
            grows    if the window used it up and its median latency is below SLOW times the best one seen: beyond that
                     more attempts would only wait for each other, at the endpoint or here. It doubles until then,
                     later it grows by an eighth
Bounds  1 to the subscription's `concurrency`; no I/O, no clock: durations are passed in
"""

import math

FIRST_LIMIT = 32
TOLERATED = 0.1
SLOW = 2.0
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
        self._best_s = math.inf
        self._complaints = self._peak = 0
        self._durations_s: list[float] = []

    def succeeded(self, duration_s: float, in_flight: int) -> None:
        """An attempt was answered well.

        Args:
            duration_s: how long it took.
            in_flight: how many were out when it ended: a window that did not use the limit says nothing about it.
        """
        self._durations_s.append(duration_s)
        self._peak = max(self._peak, in_flight)
        if len(self._durations_s) + self._complaints >= self.limit:
            self._end_window()

    def complained(self) -> None:
        """429, 5xx or a time-out."""
        self._complaints += 1
        if len(self._durations_s) + self._complaints >= self.limit:
            self._end_window()

    def _end_window(self) -> None:
        ended = len(self._durations_s) + self._complaints
        median_s = sorted(self._durations_s)[len(self._durations_s) // 2] if self._durations_s else math.inf
        median_s = max(LEAST_S, median_s)
        self._best_s = min(self._best_s * FORGET, median_s)
        if self._complaints > TOLERATED * ended + 2 * math.sqrt(TOLERATED * ended):
            self._doubling = False
            self.limit = max(1, int(self.limit * (1 - self._complaints / ended / 2)))
        elif self._peak >= self.limit and median_s <= SLOW * self._best_s:
            self.limit = min(self._most, int(self.limit * (2.0 if self._doubling else 1.125)) + 1)
        elif self._peak >= self.limit:
            self._doubling = False
        self._complaints = self._peak = 0
        self._durations_s.clear()
