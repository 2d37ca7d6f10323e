"""A contender of the delivery benchmarks: a process that delivers a topic to the sink, measured from outside.

Shape   fill(…) publishes, fill_text(…) does so for those who know no Avro, sink(plan) serves, run_command(…) makes what
        `batch-events run` needs, measured(…) runs a command until the sink has enough
Errors  AssertionError: a contender ended before that
"""

import json
import os
import resource
import select
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Timer
from typing import Any, NamedTuple

import msgspec
from confluent_kafka import Producer

from pipeline.cluster import Cluster
from pipeline.lifecycle import event_of
from pipeline.producer import LifecycleProducer, ProducerSettings
from schemas.cmq_message import message_text
from schemas.events import BatchEvent
from schemas.notifications import parse_notifications
from tests.benchmarks.native_broker import create
from tests.benchmarks.producing import produce
from tests.benchmarks.samples import change
from tests.benchmarks.sink_books import Books
from tests.benchmarks.sink_plan import Plan
from tests.harness.command import COMMAND

PARTITIONS = 8
STOP_S = 30.0
SinkProcess = subprocess.Popen[str]


class Measured(NamedTuple):
    """One run."""

    rate: float
    faults: int
    cpu_us: float
    peak_mib: float
    books: Books


def fill(servers: str, topic: str, numbers: Iterable[tuple[int, int]]) -> None:
    """Publish the end of an instance for each (job, number)."""
    wanted = parse_notifications([{"TopicName": topic, "EventConfigs": [{"EventName": "TASK_INSTANCE_SUCCEED"}]}])
    with LifecycleProducer(ProducerSettings({"bootstrap.servers": servers})) as producer:
        for job, number in numbers:
            producer.publish(change(job, number), wanted)


def fill_text(servers: str, topic: str, numbers: Iterable[tuple[int, int]]) -> None:
    """Produce the same events as the text of their CMQ messages, to a topic of this very name."""
    producer = Producer(Cluster({"bootstrap.servers": servers}).producer_config())
    for job, number in numbers:
        event = event_of(change(job, number))
        assert isinstance(event, BatchEvent)
        produce(producer, topic, message_text(event), event.batch["JobId"])
    assert producer.flush(60) == 0


def in_turn(keys: int, events: int) -> Iterator[tuple[int, int]]:
    """Key after key in turn."""
    return ((number % keys, number) for number in range(events))


@contextmanager
def sink(plan: Plan) -> Iterator[tuple[SinkProcess, int]]:
    """The sink's process and port."""
    command = [sys.executable, "-m", "tests.benchmarks.delivery_sink", msgspec.json.encode(plan).decode()]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process, int(process.stdout.readline())
        finally:
            process.kill()


def run_command(folder: str, servers: str, topic: str, endpoints: dict[str, str], **more: Any) -> list[str]:
    """`batch-events run` with a subscription for each name and endpoint, a URL or a queue's name; makes their topics.

    More is for the http ones.
    """
    create(
        servers,
        *(f"cmq.{topic}.{name}.{kind}" for name in endpoints for kind in ("held", "dead-letter")),
        partitions=PARTITIONS,
    )
    http = {"protocol": "http", "allow_private_addresses": True} | more
    settings = {
        "kafka": {"bootstrap.servers": servers},
        "http": {"listen": "127.0.0.1:0"},
        "stop_grace_s": 5,
        "subscriptions": [
            {"topic": topic, "name": name, "endpoint": endpoint}
            | (http if endpoint.startswith("http://") else {"protocol": "queue"})
            for name, endpoint in endpoints.items()
        ],
    }
    config = Path(folder) / "batch-events.yaml"
    config.write_text(json.dumps(settings))
    return [COMMAND, "run", "--log-level", "ERROR", "--config", str(config)]


def measured(command: Sequence[str], process: SinkProcess, events: int) -> Measured:
    """Run a contender until the sink has enough."""
    contender = subprocess.Popen(command)
    try:
        books = _books(process, contender.pid)
    finally:
        usage = _ended(contender)
    cpu_us = (usage.ru_utime + usage.ru_stime) * 1e6 / events
    return Measured(events / books.seconds, books.faults, cpu_us, usage.ru_maxrss / 1024, books)


def _books(process: SinkProcess, pid: int) -> Books:
    assert process.stdout is not None
    while not select.select([process.stdout], [], [], 1.0)[0]:
        assert os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None, "the contender ended early"
    return msgspec.json.decode(process.stdout.readline(), type=Books)


def _ended(contender: subprocess.Popen[bytes]) -> resource.struct_rusage:
    """Stop it, and say what it used; Popen's own methods would take that away where it had ended already."""
    os.kill(contender.pid, signal.SIGTERM)
    timer = Timer(STOP_S, os.kill, (contender.pid, signal.SIGKILL))
    timer.start()
    _, status, usage = os.wait4(contender.pid, 0)
    timer.cancel()
    contender.returncode = os.waitstatus_to_exitcode(status)
    return usage


def median(rates: Sequence[float]) -> float:
    """The one in the middle."""
    return sorted(rates)[len(rates) // 2]
