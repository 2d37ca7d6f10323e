"""The memory of `run` with a backlog of 500,000 events: a queue, a callback that answers, one that nobody serves.

The run ends when the callback has had a fifth of them; the backlog is still there. The row reads the other way round
than the others: allowed over peak, so that a ratio of 1 or more is good.
"""

import tempfile

from pipeline.topics import event_topic, queue_topic
from tests.benchmarks.contender import PARTITIONS, fill, in_turn, measured, run_command, sink
from tests.benchmarks.native_broker import broker, create
from tests.benchmarks.sink_plan import Plan

TOPIC = "bench-memory"
QUEUE = "bench-memory"
EVENTS = 500_000
ANSWERED = 100_000
KEYS = 500
ALLOWED_MIB = 250.0


def run() -> list[tuple[str, float, float, float]]:
    """MiB allowed and MiB at the peak, as the operating system counted it."""
    plan = Plan(delay_ms=1, expected=ANSWERED, keys=KEYS)
    with broker() as servers, sink(plan) as (process, port), tempfile.TemporaryDirectory() as folder:
        create(servers, event_topic(TOPIC), partitions=PARTITIONS)
        create(servers, queue_topic(QUEUE), partitions=1)
        fill(servers, TOPIC, in_turn(KEYS, EVENTS))
        endpoints = {"q": QUEUE, "a": f"http://127.0.0.1:{port}/", "b": "http://127.0.0.1:9/"}
        one = measured(run_command(folder, servers, TOPIC, endpoints), process, ANSWERED)
    assert one.faults == 0, one.books
    return [("memory allowed / peak, MiB (500,000 events)", ALLOWED_MIB, one.peak_mib, 1.0)]
