"""What the workers of a run (pytest-xdist) leave to be said at its end, by the one that has started them.

Shape   told(tier, unchecked) in a worker -> values that can be sent; Heard gathers them where they arrive
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.brokers.session_tier import SessionTier
from tests.brokers.unchecked import Unchecked

TOLD = "batch_events_tier"
"""Its name among the outputs of a worker."""


def told(tier: SessionTier, unchecked: Unchecked) -> dict[str, Any]:
    """Give what a worker has to say."""
    claims = {reason: dict(counts) for reason, counts in unchecked.by_reason.items()}
    return {"tier": str(tier.known or ""), "passed_over": tier.passed_over, "unchecked": claims}


@dataclass
class Heard:
    """What they have said; each has chosen by itself, and alike."""

    tier: str = ""
    passed_over: list[str] = field(default_factory=list)

    def take(self, output: Mapping[str, Any], unchecked: Unchecked) -> None:
        """Take what a worker said; nothing from one that came to no end."""
        if (its := output.get(TOLD)) is None:
            return
        self.tier, self.passed_over = its["tier"] or self.tier, its["passed_over"] or self.passed_over
        for reason, claims in its["unchecked"].items():
            for claim, count in claims.items():
                unchecked.add(reason, claim, count)
