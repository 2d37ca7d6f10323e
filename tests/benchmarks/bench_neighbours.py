"""Eight healthy endpoints, one that is dead and one that hangs, in one process: what the bad two cost the others.

Ours is the healthy ones' rate beside the bad two, the floor their rate without them.
"""

import tempfile

from pipeline.topics import event_topic
from tests.benchmarks.contender import PARTITIONS, fill, in_turn, measured, median, run_command, sink
from tests.benchmarks.native_broker import broker, create
from tests.benchmarks.sink_plan import HANG, Plan

TOPIC = "bench-neighbours"
HEALTHY = 8
KEYS = 500
EVENTS = 10_000
ROUNDS = 3


def run() -> list[tuple[str, float, float, float]]:
    """Events per second over all healthy endpoints, the medians of three interleaved rounds."""
    with broker() as servers:
        create(servers, event_topic(TOPIC), partitions=PARTITIONS)
        fill(servers, TOPIC, in_turn(KEYS, EVENTS))
        beside, alone = zip(
            *((_rate(servers, f"b{n}", bad=True), _rate(servers, f"a{n}", bad=False)) for n in range(ROUNDS)),
            strict=True,
        )
    return [("8 healthy endpoints beside a dead, a hanging one", median(beside), median(alone), 0.9)]


def _rate(servers: str, name: str, *, bad: bool) -> float:
    with (
        sink(Plan(delay_ms=5, expected=EVENTS, paths=HEALTHY, keys=KEYS)) as (process, port),
        tempfile.TemporaryDirectory() as folder,
    ):
        endpoints = {f"{name}-{index}": f"http://127.0.0.1:{port}/{index}" for index in range(HEALTHY)}
        if bad:
            endpoints |= {
                f"{name}-dead": "http://127.0.0.1:9/",
                f"{name}-hang": f"http://127.0.0.1:{port}{HANG.decode()}",
            }
        one = measured(run_command(folder, servers, TOPIC, endpoints), process, EVENTS * HEALTHY)
    assert one.faults == 0, one.books
    return one.rate
