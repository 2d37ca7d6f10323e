"""Which tier: the one that is asked for, or the best that can run here.

Shape   choose(wishes, probes) -> Choice; a probe gets its tier ready to start, or raises CannotRun
Errors  CannotRun: the tier that was asked for cannot run. Never a silent step down
Bounds  starts no broker. The probes may take minutes (an image is pulled or built, jars are fetched)
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tests.brokers import given, image, jars, java
from tests.brokers.tiers import CannotRun, Progress, Tier
from tests.brokers.wishes import Wishes

Probes = Mapping[Tier, Callable[[], object]]

RUNGS = (Tier.CONTAINER, Tier.NATIVE, Tier.EMBEDDED)
"""Best first. `given` is never looked for: somebody has to give it."""


@dataclass(frozen=True)
class Choice:
    """The tier, and why each better one was passed over."""

    tier: Tier
    passed_over: Mapping[Tier, str] = field(default_factory=dict)


def choose(wishes: Wishes, probes: Probes) -> Choice:
    """Give the tier that is asked for, else the first rung whose probe does not refuse."""
    if wishes.only is not None:
        return Choice(_insist(wishes.only, wishes.because, probes))
    passed_over: dict[Tier, str] = {}
    for tier in RUNGS:
        try:
            probes[tier]()
        except CannotRun as reason:
            passed_over[tier] = str(reason)
        else:
            return Choice(tier, passed_over)
    raise CannotRun("; ".join(f"{tier}: {reason}" for tier, reason in passed_over.items()))


def _insist(tier: Tier, because: str, probes: Probes) -> Tier:
    try:
        probes[tier]()
    except CannotRun as reason:
        raise CannotRun(f"the {tier} tier is asked for by {because} and cannot run: {reason}") from None
    return tier


def probes_of_this_machine(wishes: Wishes, progress: Progress) -> Probes:
    """Give the real probes; each may work for minutes and says through progress what it waits for."""
    return {
        Tier.GIVEN: lambda: given.reachable(wishes.bootstrap_servers),
        Tier.CONTAINER: lambda: image.ensure_image(progress),
        Tier.NATIVE: lambda: (java.find_java(), jars.ensure_jars(progress)),
        Tier.EMBEDDED: lambda: None,  # it is inside the confluent-kafka wheel, which the lock file brings
    }
