"""How long an event waits at most when a member of three goes: killed, or restarted in order; by group protocol.

Events of 40 keys are published at an even pace to a stock broker, three members deliver. The rows read the other way
round than the others: seconds allowed over the longest wait from publishing to arrival of what was published from the
fault on. Both protocols are measured, as the default was chosen by this; only ours has a bound.
"""

import signal
import time
from collections.abc import Callable

from tests.benchmarks.members import Start, Stream, arrivals_at, group, until
from tests.benchmarks.native_broker import broker
from tests.harness.command import Running
from tests.harness.sink import Sink

MEMBERS = 3
STEADY = 500
"""Events that have arrived before anything is done."""

AFTER_S = {"classic": 15.0, "consumer": 60.0}
ALLOWED_S = {"killed": 12.0, "restarted": 3.0}
NO_BOUND = 0.0

Row = tuple[str, float, float, float]


def run() -> list[Row]:
    """Seconds allowed and seconds taken."""
    with broker() as servers:
        return [
            _row(servers, protocol, what, act)
            for protocol in AFTER_S
            for what, act in (("killed", _kill), ("restarted", _restart))
        ]


Act = Callable[[list[Running], Start], None]


def _kill(members: list[Running], _start: Start) -> None:
    members[0].kill()


def _restart(members: list[Running], start: Start) -> None:
    members[0].process.send_signal(signal.SIGTERM)
    assert members[0].process.wait(30) == 0
    members.append(start())


def _row(servers: str, protocol: str, what: str, act: Act) -> Row:
    topic = f"bench-{what}-{protocol}"
    kafka = {"group.protocol": protocol}
    with Sink() as sink, group(servers, topic, sink, kafka) as start, Stream(servers, topic) as stream:
        members = [start() for _ in range(MEMBERS)]
        until(lambda: sink.accepted("/") >= STEADY)
        until(lambda: all(any("partitions_assigned" in line for line in one.lines) for one in members))
        first = len(stream.sent_s)
        act(members, start)
        until(lambda: time.monotonic() - stream.sent_s[first] > AFTER_S[protocol])
        last = len(stream.sent_s)
        until(lambda: {*range(first, last)} <= arrivals_at(sink).keys())
        arrivals = arrivals_at(sink)
    taken_s = max(arrivals[number] - stream.sent_s[number] for number in range(first, last))
    name = f"a member of {MEMBERS} {what}, {protocol}: s allowed / longest wait"
    return name, ALLOWED_S[what], taken_s, 1.0 if protocol == "classic" else NO_BOUND
