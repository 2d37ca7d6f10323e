"""HTTP delivery in order per key: `batch-events run` against the bare loop, on one broker and one sink.

    S1     10,000 events, 500 keys, the sink answers after 5 ms
    S2     5,000 events, 50 keys, 20 ms, 5 % answered 503 and retried after 0.1 s until delivered
    S1x10  100,000 events, 500 keys, 5 ms

Rates are events over the time between the first arrival and the last acceptance, as the sink saw them; out of order and
overlap must be zero. CPU and memory are the process's own, from its start to its end.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from pipeline.producer import LifecycleProducer, ProducerSettings
from pipeline.topics import event_topic
from schemas.notifications import parse_notifications
from tests.benchmarks.delivery_sink import fails
from tests.benchmarks.native_broker import broker, create
from tests.benchmarks.samples import change
from tests.harness.command import COMMAND

PARTITIONS = 8
CONNECTIONS = 512
ROUNDS = 3


class Case(NamedTuple):
    """What is delivered, and how the sink answers."""

    name: str
    events: int
    keys: int
    delay_ms: int
    fail_per_cent: int
    wanted: float


CASES = (
    Case("S1", 10_000, 500, 5, 0, 0.6),
    Case("S2", 5_000, 50, 20, 5, 0.95),
    Case("S1x10", 100_000, 500, 5, 0, 0.5),
)


class Measured(NamedTuple):
    """One run."""

    rate: float
    out_of_order: int
    overlap: int
    cpu_us: float
    peak_mib: float


def run() -> list[tuple[str, float, float, float]]:
    """Events per second of the medians; CPU and memory are printed beside."""
    rows = []
    with broker() as servers:
        for case in CASES:
            topic = f"bench-{case.name.lower()}"
            create(servers, event_topic(topic), partitions=PARTITIONS)
            fill(servers, topic, case)
            pairs = [(ours(servers, topic, case, number), floor(servers, topic, case)) for number in range(ROUNDS)]
            mine, bare = (sorted(column)[ROUNDS // 2] for column in zip(*pairs, strict=True))
            wrong = sum(one.out_of_order + one.overlap for one, _ in pairs)
            print(
                f"{case.name}: {mine.cpu_us:.1f} us of CPU an event, {mine.peak_mib:.0f} MiB; "
                f"the floor {bare.cpu_us:.1f} us, {bare.peak_mib:.0f} MiB; out of order and overlap: {wrong}"
            )
            against = ceiling(case) if case.fail_per_cent else bare.rate
            rows.append((f"{case.name}, events/s", mine.rate, against, case.wanted))
    return rows


def ceiling(case: Case) -> float:
    """The rate that the unluckiest key allows: its answers' delays and its retries' gaps, one after another."""
    worst_s = 0.0
    for key in range(case.keys):
        total_s = 0.0
        for number in range(key, case.events, case.keys):
            attempt = 1
            while fails(f"job-{key:08d}", number, attempt, case.fail_per_cent):
                total_s += case.delay_ms / 1000 + 0.1
                attempt += 1
            total_s += case.delay_ms / 1000
        worst_s = max(worst_s, total_s)
    return case.events / worst_s


def fill(servers: str, topic: str, case: Case) -> None:
    """Publish the case's events, key after key in turn."""
    wanted = parse_notifications([{"TopicName": topic, "EventConfigs": [{"EventName": "TASK_INSTANCE_SUCCEED"}]}])
    with LifecycleProducer(ProducerSettings({"bootstrap.servers": servers})) as producer:
        for number in range(case.events):
            producer.publish(change(number % case.keys, number), wanted)


@contextmanager
def sink(case: Case) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """The sink's process and port."""
    command = [sys.executable, "-m", "tests.benchmarks.delivery_sink"]
    arguments = [str(case.delay_ms), str(case.fail_per_cent), str(case.events)]
    with subprocess.Popen([*command, *arguments], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process, int(process.stdout.readline())


def ours(servers: str, topic: str, case: Case, number: int) -> Measured:
    """`batch-events run`."""
    name = f"ours-{number}"
    for kind in ("held", "dead-letter"):
        create(servers, f"cmq.{topic}.{name}.{kind}", partitions=PARTITIONS)
    with sink(case) as (process, port), tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "batch-events.yaml"
        subscription = {"topic": topic, "name": name, "protocol": "http", "endpoint": f"http://127.0.0.1:{port}/"}
        subscription |= {"concurrency": CONNECTIONS, "allow_private_addresses": True}  # type: ignore[dict-item]
        if case.fail_per_cent:
            subscription |= {"retry_schedule_s": [0.1] * 20}  # type: ignore[dict-item]
        settings = {"kafka": {"bootstrap.servers": servers}, "http": {"listen": "127.0.0.1:0"}}
        config.write_text(json.dumps(settings | {"subscriptions": [subscription]}))
        return measured([COMMAND, "run", "--log-level", "ERROR", "--config", str(config)], process, case)


def floor(servers: str, topic: str, case: Case) -> Measured:
    """The bare loop."""
    with sink(case) as (process, port):
        module = [sys.executable, "-m", "tests.benchmarks.bare_loop"]
        arguments = [servers, event_topic(topic), str(port), str(min(CONNECTIONS, case.keys))]
        return measured([*module, *arguments], process, case)


def measured(command: list[str], sink_process: "subprocess.Popen[str]", case: Case) -> Measured:
    """Run a contender until the sink has everything."""
    assert sink_process.stdout is not None
    contender = subprocess.Popen(command)
    try:
        books = json.loads(sink_process.stdout.readline())
    finally:
        contender.terminate()
        _, _, usage = os.wait4(contender.pid, 0)
    return Measured(
        case.events / books["seconds"],
        books["out_of_order"],
        books["overlap"],
        (usage.ru_utime + usage.ru_stime) * 1e6 / case.events,
        usage.ru_maxrss / 1024,
    )


if __name__ == "__main__":
    for row in run():
        print(row, row[1] / row[2])
