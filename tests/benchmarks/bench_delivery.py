"""HTTP delivery in order per key: `batch-events run`, the bare loop and the peers, on one broker and one sink.

    S1     10,000 events, 500 keys, the sink answers after 5 ms
    S2     5,000 events, 50 keys, 20 ms, 5 % answered 503 and retried after 0.1 s until delivered
    S1x10  100,000 events, 500 keys, 5 ms

Each is the median of three interleaved rounds. Rates are events over the time between the first arrival and the last
acceptance, as the sink saw them; ours must be without a fault. CPU and memory are the process's own, from its start to
its end. The floor finds the text of the messages in a topic; a second one, beside it, decodes the events from Avro, as
we have to. The best peer is the fastest whose every round was without a fault. Peers know no Avro either: they find the
same events, with the same keys, as text in a topic of their own, and post that text as it is.
"""

import sys
import tempfile
from collections.abc import Callable, Sequence
from typing import NamedTuple

from pipeline.topics import TRACE_TOPIC, event_topic
from tests.benchmarks.contender import (
    PARTITIONS,
    Measured,
    fill,
    fill_text,
    in_turn,
    measured,
    median,
    run_command,
    sink,
)
from tests.benchmarks.native_broker import broker, create
from tests.benchmarks.peers.available import available
from tests.benchmarks.peers.peer import Peer, Target
from tests.benchmarks.sink_plan import Plan, fails

CONNECTIONS = 512
ROUNDS = 3
RETRY_S = 0.1
FLOOR = "bare loop"
FLOOR_WITH_AVRO = "bare loop with Avro"
TRACED = "ours, traced"
OF_UNTRACED = 0.85
NO_BOUND = 0.0
ALLOWED_CPU_US = 32.0
ALLOWED_MIB = 150.0

Row = tuple[str, float, float, float]
Runs = list[Measured]
Command = Callable[[int, int, str], list[str]]
"""Of the sink's port, the round, and a folder for whatever it needs."""


class Case(NamedTuple):
    """What is delivered, how the sink answers, and what we want of the floor and of the best peer."""

    name: str
    plan: Plan
    of_floor: float
    of_peer: float | None

    @property
    def topic(self) -> str:
        """The CMQ topic; the peers' own Kafka topic goes by the same name."""
        return f"bench-{self.name.lower()}"


S1 = Case("S1", Plan(delay_ms=5, expected=10_000, keys=500), 0.6, 1.0)
S2 = Case("S2", Plan(delay_ms=20, expected=5_000, keys=50, fail_per_cent=5), 0.95, None)
S1X10 = Case("S1x10", Plan(delay_ms=5, expected=100_000, keys=500), 0.5, 1.1)


def run() -> list[Row]:
    """Events per second, and where it says so CPU and memory; what each contender did is printed beside."""
    peers = available(print)
    rows = []
    with broker() as servers:
        for case in (S1, S2, S1X10):
            _fill(servers, case)
            rows += _rows(case, _measure(servers, case, peers))
    return rows


def unluckiest_key(plan: Plan) -> float:
    """The rate that it allows: its answers' delays and its retries' gaps, one after another."""
    delay_s = plan.delay_ms / 1000
    worst_s = 0.0
    for job in range(plan.keys):
        total_s = 0.0
        for number in range(job, plan.expected, plan.keys):
            attempt = 1
            while fails(job, number, attempt, plan.fail_per_cent):
                total_s += delay_s + RETRY_S
                attempt += 1
            total_s += delay_s
        worst_s = max(worst_s, total_s)
    return plan.expected / worst_s


def _fill(servers: str, case: Case) -> None:
    if case is S1X10:
        create(servers, TRACE_TOPIC)
    create(servers, event_topic(case.topic), case.topic, partitions=PARTITIONS)
    fill(servers, case.topic, in_turn(case.plan.keys, case.plan.expected))
    fill_text(servers, case.topic, in_turn(case.plan.keys, case.plan.expected))


def _measure(servers: str, case: Case, peers: Sequence[Peer]) -> dict[str, Runs]:
    contenders = _contenders(servers, case, peers)
    runs: dict[str, Runs] = {name: [] for name in contenders}
    for number in range(ROUNDS):
        for name, command in contenders.items():
            with sink(case.plan) as (process, port), tempfile.TemporaryDirectory() as folder:
                runs[name].append(measured(command(port, number, folder), process, case.plan.expected))
    for name, ones in runs.items():
        _tell(f"{case.name}, {name}", ones)
    for who in {"ours", TRACED} & runs.keys():
        assert not any(one.faults for one in runs[who]), runs[who]
    return runs


def _contenders(servers: str, case: Case, peers: Sequence[Peer]) -> dict[str, Command]:
    plan = case.plan

    def ours(port: int, number: int, folder: str) -> list[str]:
        retry = {"retry_schedule_s": [RETRY_S] * 20} if plan.fail_per_cent else {}
        endpoints = {f"ours-{number}": f"http://127.0.0.1:{port}/"}
        return run_command(folder, servers, case.topic, endpoints, concurrency=CONNECTIONS, **retry)

    def traced(port: int, number: int, folder: str) -> list[str]:
        endpoints = {f"traced-{number}": f"http://127.0.0.1:{port}/"}
        return run_command(folder, servers, case.topic, endpoints, concurrency=CONNECTIONS, trace=True)

    def floor(port: int, _number: int, _folder: str) -> list[str]:
        return _module("bare_loop", "text", port, servers, case.topic, min(CONNECTIONS, plan.keys))

    def floor_with_avro(port: int, _number: int, _folder: str) -> list[str]:
        return _module("bare_loop", "avro", port, servers, event_topic(case.topic), min(CONNECTIONS, plan.keys))

    def bare_client(port: int, _number: int, _folder: str) -> list[str]:
        return _module("bare_client", port, plan.keys, plan.expected)

    contenders: dict[str, Command] = {"ours": ours, FLOOR: floor, FLOOR_WITH_AVRO: floor_with_avro} | {
        peer.name: _of_peer(servers, case, peer) for peer in peers
    }
    of_one_case: dict[str, dict[str, Command]] = {S1.name: {"sink": bare_client}, S1X10.name: {TRACED: traced}}
    return contenders | of_one_case.get(case.name, {})


def _of_peer(servers: str, case: Case, peer: Peer) -> Command:
    def command(port: int, number: int, _folder: str) -> list[str]:
        return peer.command(Target(servers, case.topic, f"{case.topic}-{peer.name}-{number}", port))

    return command


def _module(name: str, *arguments: str | int) -> list[str]:
    return [sys.executable, "-m", f"tests.benchmarks.{name}", *map(str, arguments)]


def _tell(who: str, runs: Runs) -> None:
    print(
        f"{who}: {_rate(runs):,.0f} events/s, {_cpu_us(runs):.1f} us of CPU an event, {_mib(runs):.0f} MiB, "
        f"faults in {len(runs)} rounds: {sum(one.faults for one in runs)}"
    )


def _rows(case: Case, runs: dict[str, Runs]) -> list[Row]:
    name, ours = case.name, _rate(runs["ours"])
    if case.plan.fail_per_cent:
        rows = [(f"{name}, events/s; floor: unluckiest key", ours, unluckiest_key(case.plan), case.of_floor)]
    else:
        rows = [
            (f"{name}, events/s; {FLOOR}", ours, _rate(runs[FLOOR]), case.of_floor),
            (f"{name}, events/s; {FLOOR_WITH_AVRO}", ours, _rate(runs[FLOOR_WITH_AVRO]), NO_BOUND),
        ]
    peers = {
        who: _rate(ones) for who, ones in runs.items() if who not in {"ours", TRACED, "sink", FLOOR, FLOOR_WITH_AVRO}
    }
    sound = [who for who in peers if not any(one.faults for one in runs[who])]
    if sound and case.of_peer is not None:
        best = max(sound, key=lambda who: peers[who])
        rows.append((f"{name}, events/s; {best}", ours, peers[best], case.of_peer))
    if case is S1:
        fastest = max(ours, _rate(runs[FLOOR]), *peers.values())
        rows.append((f"{name}, sink's own ceiling; fastest contender", _rate(runs["sink"]), fastest, 1.0))
    if case is S1X10:
        rows.append((f"{name}, allowed / taken, us of CPU an event", ALLOWED_CPU_US, _cpu_us(runs["ours"]), 1.0))
        rows.append((f"{name} with `trace: true`, events/s; without", _rate(runs[TRACED]), ours, OF_UNTRACED))
        rows.append((f"{name}, allowed / peak, MiB", ALLOWED_MIB, _mib(runs["ours"]), 1.0))
    return rows


def _rate(runs: Runs) -> float:
    return median([one.rate for one in runs])


def _cpu_us(runs: Runs) -> float:
    return median([one.cpu_us for one in runs])


def _mib(runs: Runs) -> float:
    return median([one.peak_mib for one in runs])
