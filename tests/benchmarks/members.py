"""Members of a group that deliver an even stream of events, for benchmarks of what becomes of it when one of them goes.

Shape   Stream publishes without end and remembers when each event went; group(…) gives a way to start a member;
        arrivals_at(sink) tells when each event came first, wrong_order(sink) how many came behind a later one of
        their key
"""

import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol, Self

from confluent_kafka import Producer

from pipeline.cluster import Cluster
from pipeline.lifecycle import event_of
from pipeline.topics import event_topic
from schemas.avro import AvroEncoder
from schemas.cmq_message import parse_body
from schemas.events import BatchEvent
from tests.benchmarks.contender import PARTITIONS
from tests.benchmarks.native_broker import create
from tests.benchmarks.samples import change
from tests.harness.command import Running
from tests.harness.sink import Sink
from tests.integration.setting import Setting

KEYS = 40
EVERY_S = 0.01


class Stream:
    """Publishes without end; remembers when each event went."""

    def __init__(self, servers: str, topic: str) -> None:
        self.sent_s: list[float] = []
        self._producer = Producer(Cluster({"bootstrap.servers": servers}).producer_config())
        self._topic = event_topic(topic)
        self._encoder = AvroEncoder()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(EVERY_S):
            number = len(self.sent_s)
            event = event_of(change(number % KEYS, number))
            assert isinstance(event, BatchEvent)
            self.sent_s.append(time.monotonic())
            self._producer.produce(self._topic, self._encoder.encode(event), f"job-{number % KEYS:08d}")
            self._producer.poll(0)
        assert self._producer.flush(30) == 0


class Start(Protocol):
    """Starts a member, under a name of its own where it has one."""

    def __call__(self, name: str = "") -> Running: ...


@contextmanager
def group(servers: str, topic: str, sink: Sink, kafka: Mapping[str, Any]) -> Iterator[Start]:
    """Topics and a subscription; whatever was started ends with it."""
    create(servers, event_topic(topic), f"cmq.{topic}.one.held", f"cmq.{topic}.one.dead-letter", partitions=PARTITIONS)
    with tempfile.TemporaryDirectory() as folder:
        setting = Setting(Path(folder), servers, topic)
        setting.config["kafka"] |= kafka
        setting.http("one", sink.url("/"))
        started: list[Running] = []

        def start(name: str = "") -> Running:
            started.append(setting.run(env={"BATCH_EVENTS__KAFKA__GROUP_INSTANCE_ID": name} if name else None))
            return started[-1]

        try:
            yield start
        finally:
            for one in started:
                one.__exit__(None, None, None)


def arrivals_at(sink: Sink) -> dict[int, float]:
    """When each event came first, by number."""
    arrivals: dict[int, float] = {}
    for request in list(sink.requests):
        arrivals.setdefault(_number(request.body), request.time_s)
    return arrivals


def wrong_order(sink: Sink) -> int:
    """How many came, for the first time, behind a later one of their key."""
    latest: dict[int, int] = {}
    found = 0
    for number in arrivals_at(sink):
        found += number < latest.get(number % KEYS, -1)
        latest[number % KEYS] = max(number, latest.get(number % KEYS, -1))
    return found


def _number(body: bytes) -> int:
    text = body.split(b'"msgBody":"', 1)[1].split(b'"', 1)[0]
    return int(parse_body(text)[0].batch["TaskInstanceIndex"])


def until(true: Callable[[], bool]) -> None:
    """Wait for a condition."""
    until_s = time.monotonic() + 120
    while not true():
        assert time.monotonic() < until_s
        time.sleep(0.1)
