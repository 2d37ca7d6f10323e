"""What the environment asks of the ladder.

Shape   Wishes, made once from the environment; frozen
Errors  CannotRun: a variable names no tier, or two of them contradict each other

BATCH_EVENTS_TEST_TIER       run on this tier and no other
BATCH_EVENTS_TEST_BOOTSTRAP  bootstrap servers of a cluster that is there already: tier `given`
BATCH_EVENTS_REQUIRE_TIER    this tier or an error; nothing may be skipped
CI=true                      the same, requiring `container` where nothing above names a tier
"""

from collections.abc import Mapping
from dataclasses import dataclass

from tests.brokers.tiers import CannotRun, Tier

TEST_TIER = "BATCH_EVENTS_TEST_TIER"
BOOTSTRAP = "BATCH_EVENTS_TEST_BOOTSTRAP"
REQUIRE_TIER = "BATCH_EVENTS_REQUIRE_TIER"


@dataclass(frozen=True)
class Wishes:
    """The one tier that is asked for (None: the best there is), by which variable, and how strictly."""

    only: Tier | None = None
    because: str = ""
    bootstrap_servers: str = ""
    strict: bool = False


def read_wishes(env: Mapping[str, str]) -> Wishes:
    """Say what env asks for. Raises CannotRun when it asks for two tiers at once, or for one that is none."""
    in_ci = env.get("CI", "").lower() == "true"
    asked = _asked(env)
    if in_ci and not asked:
        asked = {"CI": Tier.CONTAINER}
    if len(set(asked.values())) > 1:
        raise CannotRun("contradiction: " + ", ".join(f"{name} asks for {tier}" for name, tier in asked.items()))
    because, only = next(iter(asked.items()), ("", None))
    return Wishes(only, because, env.get(BOOTSTRAP, ""), strict=in_ci or bool(env.get(REQUIRE_TIER)))


def _asked(env: Mapping[str, str]) -> dict[str, Tier]:
    asked = {name: _tier(name, env[name]) for name in (TEST_TIER, REQUIRE_TIER) if env.get(name)}
    if env.get(BOOTSTRAP):
        asked[BOOTSTRAP] = Tier.GIVEN
    return asked


def _tier(name: str, text: str) -> Tier:
    try:
        return Tier(text)
    except ValueError:
        raise CannotRun(f"{name}={text}: no such tier; there are {', '.join(Tier)}") from None
