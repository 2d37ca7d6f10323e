"""All cases, in the order of the table."""

from tests.faults import (  # noqa: I001  the table's
    kill_points,
    members,
    held_keys,
    dead_letters,
    brokers,
    gaps,
    access,
    endpoint,
    trust,
    clock_step,
    data,
    versions,
)
from tests.faults.case import CASES

__all__ = [
    "CASES",
    "access",
    "brokers",
    "clock_step",
    "data",
    "dead_letters",
    "endpoint",
    "gaps",
    "held_keys",
    "kill_points",
    "members",
    "trust",
    "versions",
]
