"""The gate before each attempt: may this process still believe that its partitions are its own?

A member that is cut off from the brokers, or was stopped, is never told that its partitions went to somebody else; the
clock is its only sign. So an attempt starts only while the last acknowledged commit, counted from when it was sent, is
younger than the session time-out less one heartbeat.

Shape   CommitGate(session_s, heartbeat_s): renewed(sent_s) by the consumer thread, is_open(now_s) by the event loop
Bounds  one float, written by one thread
"""

COMMIT_EVERY_AT_MOST_S = 5.0


class CommitGate:
    """One subscription's."""

    def __init__(self, session_s: float, heartbeat_s: float) -> None:
        self._lasts_s = session_s - heartbeat_s
        self.renew_every_s = min(COMMIT_EVERY_AT_MOST_S, session_s / 4)
        self._until_s = 0.0

    @property
    def fault(self) -> str | None:
        """Why these times cannot work; None if they can."""
        if self._lasts_s < 2 * self.renew_every_s:
            return (
                f"session.timeout.ms less heartbeat.interval.ms is {self._lasts_s:g} s, below twice the "
                f"{self.renew_every_s:g} s between two commits: attempts would be held up"
            )
        return None

    def renewed(self, sent_s: float) -> None:
        """A commit that was sent then has been acknowledged, or a join was."""
        self._until_s = max(self._until_s, sent_s + self._lasts_s)

    def is_open(self, now_s: float) -> bool:
        """Whether an attempt may start."""
        return now_s < self._until_s
