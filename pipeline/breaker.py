"""The breaker of an endpoint: a dead endpoint is not a thousand failing events.

States  closed     attempts go out
        open       none do, until the next probe is due
        half-open  one probe is out
Told    parked, after a 410, until something is accepted
Rule    opens when the last failures came from OPEN_KEYS different keys' first attempts with no success between them:
        one failing key is its own affair, whoever retries it. Answers that say "not this event" (4xx) count for nobody.
        A success closes; a probe's failure opens again, the gap doubling from 1 s to 30 s. While a probe is out, the
        failures of attempts that had begun before it say nothing new
Gone    an endpoint that says so (410) opens it at once; what was accepted of attempts begun before that proves nothing
Bounds  no I/O; time is passed in. Attempts for held keys tell the breaker of success only
"""

import enum

OPEN_KEYS = 20
FIRST_GAP_S = 1.0
LARGEST_GAP_S = 30.0
GONE_GAP_S = 300.0


class BreakerState(enum.StrEnum):
    """Named as in the metrics."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


PARKED = "parked"
"""How a breaker that a 410 has opened is told, probes included, until something is accepted."""


class Breaker:
    """One endpoint's."""

    def __init__(self) -> None:
        self.state = BreakerState.CLOSED
        self._failing: set[bytes | None] = set()
        self._gap_s = FIRST_GAP_S
        self._probe_at_s = 0.0
        self._probe_began_s = 0.0
        self._gone_s = float("-inf")

    @property
    def told(self) -> str:
        """The state, for metrics."""
        parked = self._gap_s >= GONE_GAP_S and self.state is not BreakerState.CLOSED
        return PARKED if parked else self.state.value

    def may_attempt(self, now_s: float) -> bool:
        """Whether an attempt may start now; saying yes to an open breaker makes it the probe."""
        if self.state is BreakerState.CLOSED:
            return True
        if self.state is BreakerState.OPEN and now_s >= self._probe_at_s:
            self.state = BreakerState.HALF_OPEN
            self._probe_began_s = now_s
            return True
        return False

    def probe_in_s(self, now_s: float) -> float:
        """Seconds until an open breaker wants a probe."""
        return max(0.0, self._probe_at_s - now_s)

    def succeeded(self, began_s: float) -> None:
        """The endpoint took an event in an attempt that began then."""
        if began_s < self._gone_s:
            return
        self.state = BreakerState.CLOSED
        self._failing.clear()
        self._gap_s = FIRST_GAP_S

    def failed(self, key: bytes | None, began_s: float, now_s: float) -> None:
        """The endpoint, not the event, was the reason of a failure, in an attempt that began then."""
        if self.state is BreakerState.HALF_OPEN:
            if began_s < self._probe_began_s:
                return
            self._gap_s = min(self._gap_s * 2, max(self._gap_s, LARGEST_GAP_S))
            self._open(now_s)
            return
        self._failing.add(key)
        if self.state is BreakerState.CLOSED and len(self._failing) >= OPEN_KEYS:
            self._gap_s = FIRST_GAP_S
            self._open(now_s)

    def gone(self, now_s: float) -> None:
        """The endpoint says that it is no more (410): open at once, and ask rarely."""
        self._gone_s = now_s
        self._gap_s = GONE_GAP_S
        self._open(now_s)

    def unanswered(self, began_s: float, now_s: float) -> None:
        """The probe came to no verdict on the endpoint (abandoned, or refused as an event): ask again."""
        if self.state is BreakerState.HALF_OPEN and began_s >= self._probe_began_s:
            self._open(now_s)

    def _open(self, now_s: float) -> None:
        self.state = BreakerState.OPEN
        self._failing.clear()
        self._probe_at_s = now_s + self._gap_s
