"""The tier of a test session: chosen once, when the first test needs it, and remembered, refusals too."""

from collections.abc import Callable
from functools import cached_property

from tests.brokers.ladder import Choice, choose, probes_of_this_machine
from tests.brokers.native import native_can_run
from tests.brokers.tiers import REAL, CannotRun, Tier
from tests.brokers.wishes import Wishes

Refusal = str
"""Why something cannot run; empty when it can."""


class SessionTier:
    """Answers, for one session, what its tests may run on."""

    def __init__(self, wishes: Wishes) -> None:
        self.wishes = wishes
        self._chosen: Choice | CannotRun | None = None

    @property
    def known(self) -> Tier | None:
        """Give the tier if it is chosen or asked for, without choosing one."""
        return self._chosen.tier if isinstance(self._chosen, Choice) else self.wishes.only

    @property
    def passed_over(self) -> list[str]:
        """Say why each better tier was passed over, if this session itself has chosen."""
        reasons = self._chosen.passed_over if isinstance(self._chosen, Choice) else {}
        return [f"passed over {tier}: {reason}" for tier, reason in reasons.items()]

    def choice(self) -> Choice:
        """Choose, at most once; may take minutes the first time. Raises CannotRun, each time again."""
        if self._chosen is None:
            self._chosen = self._choose()
        if isinstance(self._chosen, CannotRun):
            raise self._chosen
        return self._chosen

    def real_refusal(self) -> Refusal:
        """Say why there is no real broker. Raises CannotRun like choice()."""
        tier = self.choice().tier
        return "" if tier in REAL else f"the {tier} broker is not a real Kafka"

    @cached_property
    def native_refusal(self) -> Refusal:
        """Say why no brokers can be had as Java processes."""
        return _refusal(native_can_run)

    def _choose(self) -> Choice | CannotRun:
        try:
            return choose(self.wishes, probes_of_this_machine(self.wishes, lambda _: None))
        except CannotRun as refusal:
            return refusal


def _refusal(probe: Callable[[], object]) -> Refusal:
    try:
        probe()
    except CannotRun as refusal:
        return str(refusal)
    return ""
