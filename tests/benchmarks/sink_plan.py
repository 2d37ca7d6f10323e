"""What the HTTP sink of the delivery benchmarks is to do, and which attempts it answers 503.

The Plan travels as JSON in the sink's command line. That an attempt fails follows from a hash of key, sequence number
and attempt: all contenders meet the same failures, and the ceiling that they leave can be computed.
"""

import zlib

import msgspec

HANG = b"/hang"
"""Nothing on this path is ever answered, counted or noted."""


class Plan(msgspec.Struct, frozen=True):
    """Events are numbered in turn: those of a key are `keys` apart."""

    delay_ms: float
    expected: int
    """Acceptances per path; then the books are made up."""
    keys: int
    fail_per_cent: int = 0
    paths: int = 1
    """Each is a subscription of its own."""
    unwatched: int = -1
    """A job whose events must be in order, too, but count neither as expected nor for the time taken."""
    arrivals: bool = False
    """Whether the books say when each number came first."""


def fails(job: int, number: int, attempt: int, per_cent: int) -> bool:
    """Whether this attempt is answered 503."""
    return zlib.crc32(f"job-{job:08d} {number} {attempt}".encode()) % 100 < per_cent
