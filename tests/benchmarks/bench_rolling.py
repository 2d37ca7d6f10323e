"""What is felt of a rolling restart of three members: one after the other is stopped, the next when it is back.

Events of 40 keys are published at an even pace to a stock broker. What is counted is how much later than in steady
delivery an event arrives: the 99th percentile of what was published from the first SIGTERM until the last member was
back and all had been quiet for a while. The rows read the other way round than the others: milliseconds allowed over
those taken.

static, dynamic   a member with a group.instance.id, and one without, started again as soon as it has ended
…, away for 3 s   the same, as a pod whose successor must be scheduled and its container made
surge             dynamic members, the new one is there before the old one goes: what a Deployment does
…, killed         kill -9 in place of SIGTERM: a container that has died is started again in its place
"""

import re
import signal
import time
from collections.abc import Callable, Iterable

from tests.benchmarks.members import Start, Stream, arrivals_at, group, until, wrong_order
from tests.benchmarks.native_broker import broker
from tests.harness.command import Running
from tests.harness.sink import Sink

MEMBERS = 3
STEADY = 1_000
"""Events that have arrived before anything is done; the second half of them says what steady is."""

QUIET_S = 5.0
AWAY_S = 3.0
ALLOWED_MS = 3_000.0
NO_BOUND = 0.0

STATIC = {"session.timeout.ms": 20_000}

_ASSIGNED = re.compile(r"partitions_assigned .*=\[\d")

Row = tuple[str, float, float, float]
Roll = Callable[[dict[str, Running], Callable[[str], Running]], None]


def run() -> list[Row]:
    """Milliseconds allowed and taken."""
    with broker() as servers:
        return [
            _row(servers, "static", _in_turn(0.0), static=True),
            _row(servers, "dynamic", _in_turn(0.0), static=False),
            _row(servers, f"static, away for {AWAY_S:g} s", _in_turn(AWAY_S), static=True),
            _row(servers, f"dynamic, away for {AWAY_S:g} s", _in_turn(AWAY_S), static=False),
            _row(servers, "surge", _surge, static=False),
            _row(servers, "static, killed", _killed, static=True),
            _row(servers, "dynamic, killed", _killed, static=False),
        ]


def _in_turn(away_s: float) -> Roll:
    def roll(members: dict[str, Running], start: Callable[[str], Running]) -> None:
        for name, old in members.items():
            _stop(old)
            time.sleep(away_s)
            members[name] = start(name)
            _owning([members[name]])

    return roll


def _killed(members: dict[str, Running], start: Callable[[str], Running]) -> None:
    for name, old in members.items():
        old.kill()
        members[name] = start(name)
        _owning([members[name]])


def _surge(members: dict[str, Running], start: Callable[[str], Running]) -> None:
    for name, old in members.items():
        members[name] = start(name)
        _owning([members[name]])
        _stop(old)


def _stop(member: Running) -> None:
    member.process.send_signal(signal.SIGTERM)
    assert member.process.wait(30) == 0


def _owning(members: Iterable[Running]) -> None:
    until(lambda: all(any(_ASSIGNED.search(line) for line in list(one.lines)) for one in members))


def _row(servers: str, what: str, roll: Roll, *, static: bool) -> Row:
    topic = f"bench-rolling-{what.replace(', ', '-').replace(' ', '-')}"
    kafka = STATIC if static else {}
    with Sink() as sink, group(servers, topic, sink, kafka) as start, Stream(servers, topic) as stream:
        started = _starter(start, static=static)
        members = {f"pod-{number}": started(f"pod-{number}") for number in range(MEMBERS)}
        _owning(members.values())
        begun = len(stream.sent_s)
        until(lambda: len(stream.sent_s) >= begun + STEADY)
        first = len(stream.sent_s)
        roll(members, started)
        until_s = time.monotonic() + QUIET_S
        until(lambda: time.monotonic() > until_s)
        last = len(stream.sent_s)
        until(lambda: {*range(begun, last)} <= arrivals_at(sink).keys())
        arrivals = arrivals_at(sink)
        assert wrong_order(sink) == 0
    waits = {number: arrivals[number] - stream.sent_s[number] for number in range(begun, last)}
    steady_s = _p99(waits[number] for number in range(begun + STEADY // 2, first))
    rolling_s = _p99(waits[number] for number in range(first, last))
    name = f"{MEMBERS} members restarted, {what}: ms allowed / p99"
    return name, ALLOWED_MS, 1000 * (rolling_s - steady_s), 1.0 if what == "static" else NO_BOUND


def _starter(start: Start, *, static: bool) -> Callable[[str], Running]:
    return lambda name: start(name if static else "")


def _p99(waits: Iterable[float]) -> float:
    ordered = sorted(waits)
    return ordered[len(ordered) * 99 // 100]
