"""The tiers of the ladder, and the one error that says why a tier is not to be had."""

from collections.abc import Callable
from enum import StrEnum

Progress = Callable[[str], None]
"""Told in a few words what is being waited for; must not block and must not raise."""


class Tier(StrEnum):
    """What the tests run on."""

    GIVEN = "given"
    CONTAINER = "container"
    NATIVE = "native"
    EMBEDDED = "embedded"


REAL = frozenset({Tier.GIVEN, Tier.CONTAINER, Tier.NATIVE})
"""A real Kafka: everything but librdkafka's mock cluster."""


class CannotRun(Exception):  # noqa: N818 - it is an answer, not a fault: this tier is not for this machine
    """A tier, or a step towards it, cannot run here; the text says what is missing."""
