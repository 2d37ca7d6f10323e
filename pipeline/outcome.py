"""What became of an attempt, and what to do about it: a closed set, one table.

    answer                                outcome    whose fault    then
    2xx                                   Delivered
    410                                   Gone                      the subscription pauses and probes; not an attempt
    408, 429, 5xx                         Failed     the endpoint   retry by strategy; Retry-After of 429 and 503 heard
    refused, DNS, TLS, time-out, reset    Failed     the endpoint   retry by strategy
    3xx                                   Failed     the endpoint   retry by strategy; never followed
    other 4xx                             Failed     the event      retry by strategy, or as `on_refused` says
    not sent: no file descriptor left     Unsent                    tried again a second later; not an attempt
    not sent: the process stops           Abandoned                 sent again; not an attempt

Source  CMQ push: success is any 2xx, everything else is retried by the subscription's strategy
"""

import enum

import msgspec


class Fault(enum.Enum):
    """Whose fault a failure is, as far as its answer tells: the breaker and the limit learn from the endpoint's."""

    ENDPOINT = "endpoint"
    EVENT = "event"


class Delivered(msgspec.Struct, frozen=True):
    """The endpoint took it."""

    status: int


class Failed(msgspec.Struct, frozen=True):
    """It did not.

    Attributes:
        reason: `status 503`, `timed out`, `connection refused`: for logs and dead letters.
        status: where there was one.
        excerpt: the beginning of the answer's body, at most 1 KiB.
        retry_after_s: what a 429 or 503 asked for in Retry-After, from 0 to an hour; None where it asked for nothing.
        fault: whose fault it is.
    """

    reason: str
    status: int | None = None
    excerpt: bytes = b""
    retry_after_s: float | None = None
    fault: Fault = Fault.ENDPOINT


class Gone(msgspec.Struct, frozen=True):
    """410: there is nobody any more, until somebody says otherwise."""


class Unsent(msgspec.Struct, frozen=True):
    """We lacked something of our own, a file descriptor: it says nothing about endpoint or event."""

    reason: str


class Abandoned(msgspec.Struct, frozen=True):
    """Cut short by ourselves; nobody knows whether it arrived, so it is sent again."""


Outcome = Delivered | Failed | Gone | Unsent | Abandoned


def outcome_of_status(status: int, excerpt: bytes, retry_after_s: float | None = None) -> Delivered | Failed | Gone:
    """The table above, for an answer."""
    if 200 <= status < 300:
        return Delivered(status)
    if status == 410:
        return Gone()
    fault = Fault.EVENT if 400 <= status < 500 and status not in {408, 429} else Fault.ENDPOINT
    return Failed(f"status {status}", status, excerpt, retry_after_s, fault)


def outcome_words(outcome: Outcome) -> tuple[str, int | None, str | None]:
    """For logs, metrics and traces: one word, the status, and the reason of a failure."""
    match outcome:
        case Delivered(status):
            return "delivered", status, None
        case Failed(reason, status):
            return "failed", status, reason
        case Gone():
            return "gone", 410, None
        case Unsent(reason):
            return "unsent", None, reason
        case Abandoned():
            return "abandoned", None, None
