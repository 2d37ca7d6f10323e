"""The memory of `run` with a backlog of 500,000 events: a queue, a callback that answers, one that nobody serves.

The row reads the other way round than the others: allowed over peak, so that a ratio of 1 or more is good.
"""

import json
import os
import subprocess
import tempfile
from pathlib import Path

from pipeline.producer import LifecycleProducer, ProducerSettings
from pipeline.topics import event_topic, queue_topic
from schemas.notifications import parse_notifications
from tests.benchmarks.bench_delivery import Case, sink
from tests.benchmarks.native_broker import broker, create
from tests.benchmarks.samples import change
from tests.harness.command import COMMAND

TOPIC = "bench-memory"
EVENTS = 500_000
ALLOWED_MIB = 250.0
ANSWERED = Case("memory", 100_000, 500, 1, 0, 1.0)
"""The run ends when the sink has this many; the backlog is still there."""


def run() -> list[tuple[str, float, float, float]]:
    """MiB allowed and MiB at the peak, as the operating system counted it."""
    with broker() as servers, sink(ANSWERED) as (process, port), tempfile.TemporaryDirectory() as folder:
        names = [f"cmq.{TOPIC}.{name}.{kind}" for name in ("q", "a", "b") for kind in ("held", "dead-letter")]
        create(servers, event_topic(TOPIC), *names)
        create(servers, queue_topic("bench-memory"), partitions=1)
        _fill(servers)
        config = Path(folder) / "batch-events.yaml"
        config.write_text(json.dumps(_settings(servers, port)))
        contender = subprocess.Popen([COMMAND, "run", "--log-level", "ERROR", "--config", str(config)])
        assert process.stdout is not None
        json.loads(process.stdout.readline())
        contender.terminate()
        _, _, usage = os.wait4(contender.pid, 0)
    return [("memory allowed / peak, MiB (500,000 events)", ALLOWED_MIB, usage.ru_maxrss / 1024, 1.0)]


def _fill(servers: str) -> None:
    wanted = parse_notifications([{"TopicName": TOPIC, "EventConfigs": [{"EventName": "TASK_INSTANCE_SUCCEED"}]}])
    with LifecycleProducer(ProducerSettings({"bootstrap.servers": servers})) as producer:
        for number in range(EVENTS):
            producer.publish(change(number % 500, number), wanted)


def _settings(servers: str, port: int) -> dict[str, object]:
    http = {"topic": TOPIC, "protocol": "http", "allow_private_addresses": True}
    subscriptions = [
        {"topic": TOPIC, "name": "q", "protocol": "queue", "endpoint": "bench-memory"},
        http | {"name": "a", "endpoint": f"http://127.0.0.1:{port}/"},
        http | {"name": "b", "endpoint": "http://127.0.0.1:9/"},
    ]
    return {
        "kafka": {"bootstrap.servers": servers},
        "http": {"listen": "127.0.0.1:0"},
        "stop_grace_s": 5,
        "subscriptions": subscriptions,
    }
