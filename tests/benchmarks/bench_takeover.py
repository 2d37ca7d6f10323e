"""How long an event waits at most when a member of three goes: killed, or restarted in order; by group protocol.

Events of 40 keys are published at an even pace to a stock broker, three members deliver. The rows read the other way
round than the others: seconds allowed over the longest wait from publishing to arrival of what was published from the
fault on. Both protocols are measured, as the default was chosen by this; only ours has a bound.
"""

import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from confluent_kafka import Producer

from pipeline.cluster import Cluster
from pipeline.lifecycle import event_of
from pipeline.topics import event_topic
from schemas.avro import AvroEncoder
from schemas.cmq_message import parse_body
from schemas.events import BatchEvent
from tests.benchmarks.contender import PARTITIONS
from tests.benchmarks.native_broker import broker, create
from tests.benchmarks.samples import change
from tests.harness.command import Running
from tests.harness.sink import Sink
from tests.integration.setting import Setting

MEMBERS = 3
KEYS = 40
EVERY_S = 0.01
STEADY = 500
"""Events that have arrived before anything is done."""

AFTER_S = {"classic": 15.0, "consumer": 60.0}
ALLOWED_S = {"killed": 12.0, "restarted": 3.0}
NO_BOUND = 0.0

Row = tuple[str, float, float, float]


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


def run() -> list[Row]:
    """Seconds allowed and seconds taken."""
    with broker() as servers:
        return [
            _row(servers, protocol, what, act)
            for protocol in AFTER_S
            for what, act in (("killed", _kill), ("restarted", _restart))
        ]


Act = Callable[[list[Running], Callable[[], Running]], None]


def _kill(members: list[Running], _start: Callable[[], Running]) -> None:
    members[0].kill()


def _restart(members: list[Running], start: Callable[[], Running]) -> None:
    members[0].process.send_signal(signal.SIGTERM)
    assert members[0].process.wait(30) == 0
    members.append(start())


def _row(servers: str, protocol: str, what: str, act: Act) -> Row:
    topic = f"bench-{what}-{protocol}"
    with Sink() as sink, _group(servers, protocol, topic, sink) as (members, start), Stream(servers, topic) as stream:
        _until(lambda: sink.accepted("/") >= STEADY)
        _until(lambda: all(any("partitions_assigned" in line for line in one.lines) for one in members))
        first = len(stream.sent_s)
        act(members, start)
        _until(lambda: time.monotonic() - stream.sent_s[first] > AFTER_S[protocol])
        last = len(stream.sent_s)
        _until(lambda: {*range(first, last)} <= _arrivals(sink).keys())
        arrivals = _arrivals(sink)
    taken_s = max(arrivals[number] - stream.sent_s[number] for number in range(first, last))
    name = f"a member of {MEMBERS} {what}, {protocol}: s allowed / longest wait"
    return name, ALLOWED_S[what], taken_s, 1.0 if protocol == "classic" else NO_BOUND


@contextmanager
def _group(
    servers: str, protocol: str, topic: str, sink: Sink
) -> Iterator[tuple[list[Running], Callable[[], Running]]]:
    create(servers, event_topic(topic), f"cmq.{topic}.one.held", f"cmq.{topic}.one.dead-letter", partitions=PARTITIONS)
    with tempfile.TemporaryDirectory() as folder:
        setting = Setting(Path(folder), servers, topic)
        setting.config["kafka"]["group.protocol"] = protocol
        setting.http("one", sink.url("/"))
        started: list[Running] = []

        def start() -> Running:
            started.append(setting.run())
            return started[-1]

        try:
            yield [start() for _ in range(MEMBERS)], start
        finally:
            for one in started:
                one.__exit__(None, None, None)


def _arrivals(sink: Sink) -> dict[int, float]:
    """When each event came first, by number."""
    arrivals: dict[int, float] = {}
    for request in list(sink.requests):
        arrivals.setdefault(_number(request.body), request.time_s)
    return arrivals


def _number(body: bytes) -> int:
    text = body.split(b'"msgBody":"', 1)[1].split(b'"', 1)[0]
    return int(parse_body(text)[0].batch["TaskInstanceIndex"])


def _until(true: Callable[[], bool]) -> None:
    until_s = time.monotonic() + 120
    while not true():
        assert time.monotonic() < until_s
        time.sleep(0.1)
