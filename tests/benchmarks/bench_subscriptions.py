"""100 subscriptions of 8 partitions in one process, each with 100,000 events of backlog, a tenth of the endpoints dead.

Memory is measured from outside, at the peak, for several numbers of subscriptions, and held against the README's
formula. A run ends when each healthy subscription has had SHARE events, in order and without a gap; with
BATCH_EVENTS_BENCH_FULL=1 when it has had all of them.
"""

import os
import tempfile

from pipeline.room import share
from pipeline.topics import event_topic
from tests.benchmarks.contender import PARTITIONS, fill, in_turn, measured, run_command, sink
from tests.benchmarks.native_broker import broker, create
from tests.benchmarks.sink_plan import Plan

TOPIC = "bench-subscriptions"
EVENTS = 100_000
KEYS = 500
SHARE = 2_000
NUMBERS = (1, 10, 100)
ALLOWED_MIB = 1024.0


def formula_mib(subscriptions: int) -> float:
    """What `run` may take: itself, and for each subscription its clients and the events that may lie with it."""
    return 85 + subscriptions * (3.5 + 2.7 * share(subscriptions).events / 1024)


def run() -> list[tuple[str, float, float, float]]:
    """MiB allowed and MiB at the peak; a ratio of 1 or more is good."""
    rows = []
    with broker() as servers:
        create(servers, event_topic(TOPIC), partitions=PARTITIONS)
        fill(servers, TOPIC, in_turn(KEYS, EVENTS))
        for number in NUMBERS:
            peak_mib = _peak_mib(servers, number)
            rows.append((f"{number} subscriptions, formula / peak, MiB", formula_mib(number), peak_mib, 1.0))
    return [*rows, ("100 subscriptions, allowed / peak, MiB", ALLOWED_MIB, peak_mib, 1.0)]


def _peak_mib(servers: str, number: int) -> float:
    dead = number // 10
    healthy = number - dead
    each = EVENTS if os.environ.get("BATCH_EVENTS_BENCH_FULL") else SHARE
    with (
        sink(Plan(delay_ms=5, expected=each, paths=healthy, keys=KEYS)) as (process, port),
        tempfile.TemporaryDirectory() as folder,
    ):
        endpoints = {f"of{number}-{index}": f"http://127.0.0.1:{port}/{index}" for index in range(healthy)}
        endpoints |= {f"of{number}-dead{index}": "http://127.0.0.1:9/" for index in range(dead)}
        one = measured(run_command(folder, servers, TOPIC, endpoints), process, each * healthy)
    assert one.faults == 0, one.books
    print(f"{number} subscriptions: {one.rate:,.0f} events/s, {one.cpu_us:.0f} us of CPU an event")
    return one.peak_mib
