"""What becomes of an event after an attempt, or instead of one: decisions by the subscription's policy alone.

Shape   wait_s, letter, refusal, why_not: plain functions of an item; no I/O, no clock
"""

from pipeline.item import EXPIRED, Item
from pipeline.outcome import Failed, Fault
from pipeline.ports import DeadLetter
from pipeline.subscription import HttpPolicy, OnRefused


def wait_s(policy: HttpPolicy, item: Item, failed: Failed, chance: float) -> float | None:
    """Seconds to the next attempt; None if this was the last. `chance`, 0 to 1, spreads load."""
    if failed.fault is Fault.EVENT and policy.on_refused is OnRefused.DEAD_LETTER:
        return None
    gap_s = policy.retry.gap_s(item.attempts, chance)
    if gap_s is None:
        return None
    return max(gap_s, failed.retry_after_s or 0.0)


def letter(policy: HttpPolicy, item: Item, failed: Failed) -> DeadLetter:
    """The dead letter of an item that will not be attempted again."""
    exhausted = item.attempts > policy.retry.retries
    return DeadLetter(
        item.record,
        f"{'exhausted' if exhausted else 'refused'}: {failed.reason}",
        failed.status,
        item.attempts,
        item.first_attempt_ms,
        item.last_attempt_ms,
        failed.excerpt,
    )


def why_not(item: Item, now_ms: int, max_age_ms: int) -> str | None:
    """Why an item is not to be attempted; None if it may be."""
    if item.refused is not None:
        return item.refused
    return EXPIRED if now_ms - item.record.timestamp_ms > max_age_ms else None


def refusal(item: Item, reason: str) -> DeadLetter:
    """The dead letter of an item that is not attempted."""
    return DeadLetter(item.record, reason, None, item.attempts, item.first_attempt_ms, item.last_attempt_ms)
