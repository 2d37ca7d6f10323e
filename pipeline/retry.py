"""The two notifyStrategies as tables: number of the retry -> seconds to wait, or None.

    strategy                 retry    gap
    BACKOFF_RETRY            1 … 3    random, 10 to 20 s (one page says 19 to 29; the strategy's own page counts)
    EXPONENTIAL_DECAY_RETRY  1 … 9    1, 2, 4 … 256 s
                             10 … 176 512 s: 86,015 s in all, the documented day
    retry_schedule_s: […]    1 … n    the list's

Source  TDMQ-CMQ "subscription management"
"""

import enum

import msgspec

_EXPONENTIAL_RETRIES = 176


class NotifyStrategy(enum.StrEnum):
    """notifyStrategy."""

    BACKOFF_RETRY = "BACKOFF_RETRY"
    EXPONENTIAL_DECAY_RETRY = "EXPONENTIAL_DECAY_RETRY"


class RetrySchedule(msgspec.Struct, frozen=True):
    """When to try again: the subscription's own gaps if it has any, else its strategy's."""

    strategy: NotifyStrategy = NotifyStrategy.EXPONENTIAL_DECAY_RETRY
    gaps_s: tuple[float, ...] | None = None

    @property
    def retries(self) -> int:
        """How many retries there are after the first attempt."""
        if self.gaps_s is not None:
            return len(self.gaps_s)
        return 3 if self.strategy is NotifyStrategy.BACKOFF_RETRY else _EXPONENTIAL_RETRIES

    def gap_s(self, retry: int, jitter: float) -> float | None:
        """Seconds between the failed attempt and retry number `retry` (from 1); None when there is none left.

        Args:
            retry: the number of the retry that would follow.
            jitter: from 0 to 1, drawn by the caller.
        """
        if retry > self.retries:
            return None
        if self.gaps_s is not None:
            return self.gaps_s[retry - 1]
        if self.strategy is NotifyStrategy.BACKOFF_RETRY:
            return 10.0 + 10.0 * jitter
        return float(min(2 ** (retry - 1), 512))
