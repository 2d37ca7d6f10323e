"""One hot key among 1,000: the others go on as if it were not there.

Ours is the others' rate while every eleventh event is of one key, the floor their rate without it.
"""

import tempfile
from collections.abc import Iterator

from pipeline.topics import event_topic
from tests.benchmarks.contender import PARTITIONS, fill, measured, median, run_command, sink
from tests.benchmarks.native_broker import broker, create
from tests.benchmarks.sink_plan import Plan

OTHERS = 999
EVENTS = 50_000
HOT = 999
ROUNDS = 3


def run() -> list[tuple[str, float, float, float]]:
    """Events per second of the others, the medians of three interleaved rounds."""
    with broker() as servers:
        for topic, lines in (("bench-hot", with_a_hot_key()), ("bench-even", others())):
            create(servers, event_topic(topic), partitions=PARTITIONS)
            fill(servers, topic, lines)
        hot, even = zip(
            *((_rate(servers, "bench-hot", n), _rate(servers, "bench-even", n)) for n in range(ROUNDS)), strict=True
        )
    return [("one hot key, the others' events/s", median(hot), median(even), 0.9)]


def others() -> Iterator[tuple[int, int]]:
    """Key after key in turn."""
    return ((number % OTHERS, number) for number in range(EVENTS))


def with_a_hot_key() -> Iterator[tuple[int, int]]:
    """The same, and every eleventh event is of one key more; its events, too, are as far apart as the others'."""
    for job, number in others():
        yield job, number
        if number % 10 == 0:
            yield HOT, HOT + number // 10 * OTHERS


def _rate(servers: str, topic: str, number: int) -> float:
    plan = Plan(delay_ms=5, expected=EVENTS, keys=OTHERS, unwatched=HOT)
    with sink(plan) as (process, port), tempfile.TemporaryDirectory() as folder:
        endpoints = {f"hot-{number}": f"http://127.0.0.1:{port}/"}
        one = measured(run_command(folder, servers, topic, endpoints, concurrency=256), process, EVENTS)
    assert one.faults == 0, one.books
    return one.rate
