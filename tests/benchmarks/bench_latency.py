"""From the acknowledgement of a publish to the arrival of its POST, at 500 events a second.

The first ten seconds do not count: the process starts, and catches up. The rows read the other way round than the
others: milliseconds allowed over milliseconds taken.
"""

import subprocess
import tempfile
import threading
import time

import msgspec
from confluent_kafka import KafkaError, Message, Producer

from pipeline.cluster import Cluster
from pipeline.lifecycle import event_of
from pipeline.topics import event_topic
from schemas.avro import AvroEncoder
from schemas.events import BatchEvent
from tests.benchmarks.contender import PARTITIONS, run_command, sink
from tests.benchmarks.native_broker import broker, create
from tests.benchmarks.samples import change
from tests.benchmarks.sink_books import Books
from tests.benchmarks.sink_plan import Plan

TOPIC = "bench-latency"
EVENTS = 15_000
KEYS = 500
WARM_UP = 5_000
PER_S = 500
ALLOWED_MS = {50: 6.0, 99: 30.0}


def run() -> list[tuple[str, float, float, float]]:
    """Milliseconds at the median and for 99 of 100."""
    plan = Plan(delay_ms=0, expected=EVENTS, keys=KEYS, arrivals=True)
    with broker() as servers, sink(plan) as (process, port), tempfile.TemporaryDirectory() as folder:
        create(servers, event_topic(TOPIC), partitions=PARTITIONS)
        assert process.stdout is not None
        command = run_command(folder, servers, TOPIC, {"one": f"http://127.0.0.1:{port}/"})
        with subprocess.Popen(command) as contender:
            acknowledged = _publish(servers)
            books = msgspec.json.decode(process.stdout.readline(), type=Books)
            contender.terminate()
    assert books.faults == 0, books
    added = sorted(1000 * (books.arrivals[number] - at_s) for number, at_s in acknowledged.items() if number >= WARM_UP)
    taken = {share: max(0.01, added[len(added) * share // 100]) for share in ALLOWED_MS}
    return [(f"added latency p{share}, allowed / taken, ms", ms, taken[share], 1.0) for share, ms in ALLOWED_MS.items()]


def _publish(servers: str) -> dict[int, float]:
    """At an even pace; when each was acknowledged."""
    acknowledged: dict[int, float] = {}
    producer = Producer(Cluster({"bootstrap.servers": servers}).producer_config())
    encoder, pace = AvroEncoder(), threading.Event()
    began_s = time.monotonic()
    for number in range(EVENTS):
        event = event_of(change(number % KEYS, number))
        assert isinstance(event, BatchEvent)

        def on_delivery(error: KafkaError | None, _message: Message, number: int = number) -> None:
            assert error is None, error
            acknowledged[number] = time.monotonic()

        key = f"job-{number % KEYS:08d}"
        producer.produce(event_topic(TOPIC), encoder.encode(event), key, on_delivery=on_delivery)
        while (left_s := began_s + (number + 1) / PER_S - time.monotonic()) > 0:
            producer.poll(min(left_s, 0.001))
            pace.wait(0)
    assert producer.flush(30) == 0
    return acknowledged
