"""What a run did not check, and how it says so at its end."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Unchecked:
    """The claims of the tests that could not run, under the reason why."""

    by_reason: dict[str, Counter[str]] = field(default_factory=dict)

    def add(self, reason: str, claim: str, count: int = 1) -> None:
        """Note one test, or so many; the cases of a parametrized one share a claim and are counted."""
        self.by_reason.setdefault(reason, Counter())[claim] += count

    def __len__(self) -> int:
        return sum(counts.total() for counts in self.by_reason.values())

    def lines(self) -> list[str]:
        """Give the reasons, and under each the claims."""
        lines: list[str] = []
        for reason, claims in self.by_reason.items():
            lines.append(f"{reason}:")
            lines += [f"  - {claim}" + (f" ({count} cases)" if count > 1 else "") for claim, count in claims.items()]
        return lines
