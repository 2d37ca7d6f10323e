"""The queue subscription of `run`, against a bare transactional loop with the same re-encoding in plain Python.

Both are processes of their own and find the same backlog; a rate is records over the time between the first and the
last record that appeared in the queue topic.
"""

import base64
import json
import subprocess
import sys
import tempfile
from io import BytesIO
from pathlib import Path

from confluent_kafka import Consumer, Producer, TopicPartition
from fastavro import schemaless_reader

from pipeline.producer import LifecycleProducer, ProducerSettings
from pipeline.topics import event_topic, queue_topic
from schemas.avro import LATEST
from schemas.events import Family
from tests.benchmarks.native_broker import broker, create
from tests.benchmarks.producing import produce
from tests.benchmarks.samples import NOTIFICATIONS, TOPIC, change
from tests.harness.command import COMMAND, wait_until

RECORDS = 300_000
ROUNDS = 3
BATCH = 5_000
POLL_S = 1.0


def run() -> list[tuple[str, float, float, float]]:
    """Records per second; the medians of three interleaved rounds."""
    with broker() as servers:
        create(servers, event_topic(TOPIC))
        _fill(servers)
        rates = [(_ours(servers, number), _floor(servers, number)) for number in range(ROUNDS)]
    ours, floor = (sorted(column)[ROUNDS // 2] for column in zip(*rates, strict=True))
    return [("queue subscription, records/s", ours, floor, 0.7)]


def _fill(servers: str) -> None:
    with LifecycleProducer(ProducerSettings({"bootstrap.servers": servers})) as producer:
        for index in range(RECORDS):
            producer.publish(change(index % 500, index), NOTIFICATIONS)


def _ours(servers: str, number: int) -> float:
    queue, name = f"ours-{number}", f"ours-{number}"
    create(servers, queue_topic(queue), partitions=1)
    create(servers, f"cmq.{TOPIC}.{name}.dead-letter")
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "batch-events.yaml"
        subscription = {"topic": TOPIC, "name": name, "protocol": "queue", "endpoint": queue}
        settings = {"kafka": {"bootstrap.servers": servers}, "http": {"listen": "127.0.0.1:0"}}
        config.write_text(json.dumps(settings | {"subscriptions": [subscription]}))
        return _timed([COMMAND, "run", "--log-level", "ERROR", "--config", str(config)], servers, queue_topic(queue))


def _floor(servers: str, number: int) -> float:
    topic = queue_topic(f"floor-{number}")
    create(servers, topic, partitions=1)
    return _timed([sys.executable, "-m", __name__, servers, topic], servers, topic)


def _timed(command: list[str], servers: str, topic: str) -> float:
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        consumer = Consumer({"bootstrap.servers": servers, "group.id": "bench", "isolation.level": "read_committed"})
        where = TopicPartition(topic, 0)
        # Transaction markers take offsets too: at least as many as records is a sign to count, not a count.
        wait_until(lambda: consumer.get_watermark_offsets(where, timeout=30)[1] >= RECORDS, "the backlog", 300)
        rate = _rate(consumer, where)
        consumer.close()
        return rate
    finally:
        process.terminate()
        process.wait()


def _rate(consumer: Consumer, where: TopicPartition) -> float:
    """Read the queue topic; its records' own times tell how fast they came."""
    consumer.assign([TopicPartition(where.topic, 0, 0)])
    count, first_ms, last_ms = 0, 0, 0
    while count < RECORDS:
        for message in consumer.consume(10_000, POLL_S):
            assert message.error() is None, message.error()
            last_ms = message.timestamp()[1]
            first_ms = first_ms or last_ms
            count += 1
    return RECORDS * 1000 / (last_ms - first_ms)


def _bare_loop(servers: str, topic: str) -> None:
    """What one would write first: decode, json.dumps, Base64, one transaction a batch."""
    schema = LATEST[Family.TASK_INSTANCE].parsed
    consumer = Consumer(
        {
            "bootstrap.servers": servers,
            "group.id": f"bare-{topic}",
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "isolation.level": "read_committed",
            "fetch.queue.backoff.ms": 10,
        }
    )
    config = {"bootstrap.servers": servers, "transactional.id": topic, "compression.type": "lz4", "linger.ms": 5}
    producer = Producer(config)
    producer.init_transactions(30)
    consumer.subscribe([event_topic(TOPIC)])
    while True:
        messages = [m for m in consumer.consume(BATCH, 0.1) if m.error() is None]
        if not messages:
            continue
        producer.begin_transaction()
        positions: dict[int, int] = {}
        for message in messages:
            datum = schemaless_reader(BytesIO((message.value() or b"")[10:]), schema, None)
            assert isinstance(datum, dict)
            batch = {name: value for name, value in datum["Batch"].items() if value is not None}
            text = json.dumps({"Events": [datum | {"Batch": batch}]}, ensure_ascii=False, separators=(",", ":"))
            produce(producer, topic, base64.b64encode(text.encode()), message.key())
            positions[message.partition() or 0] = (message.offset() or 0) + 1
        offsets = [TopicPartition(event_topic(TOPIC), part, at) for part, at in positions.items()]
        producer.send_offsets_to_transaction(offsets, consumer.consumer_group_metadata())
        producer.commit_transaction()


if __name__ == "__main__":
    _bare_loop(sys.argv[1], sys.argv[2])
