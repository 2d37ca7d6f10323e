"""What keeps a replica from answering: shown by the probes at once, told in the log now and then.

Shape   Readiness(vital, clock_s): tell(reason, after_s) each time that somebody has looked; None: nothing is
        in the way
Log     a reason at once, or when it has lasted for so long; then every SAY_EVERY_S; that it is over once
"""

import logging
from collections.abc import Callable

from pipeline.health import Vital

log = logging.getLogger(__name__)

SAY_EVERY_S = 30.0


class Readiness:
    """Of the whole replica."""

    def __init__(self, vital: Vital, clock_s: Callable[[], float]) -> None:
        self._vital = vital
        self._clock_s = clock_s
        self._since_s: float | None = None
        self._said_s: dict[str, float] = {}

    def tell(self, reason: str | None, after_s: float = 0.0) -> None:
        """Somebody has looked, so the loop turns."""
        self._vital.turned()
        self._vital.trouble(reason)
        if reason is None:
            self._since_s = None
            if self._said_s:
                self._said_s.clear()
                log.info("ready")
            return
        now_s = self._clock_s()
        self._since_s = now_s if self._since_s is None else self._since_s
        if now_s - self._since_s >= after_s and now_s - self._said_s.get(reason, -SAY_EVERY_S) >= SAY_EVERY_S:
            self._said_s[reason] = now_s
            log.error("not_ready", extra={"reason": reason})
