"""LifecycleProducer.publish, against a bare loop: encode the same Avro record, produce it with the same headers."""

import time
from io import BytesIO
from typing import Any

from confluent_kafka import Producer
from fastavro import schemaless_writer

from pipeline.cluster import Cluster
from pipeline.headers import Headers, event_headers
from pipeline.lifecycle import Change, event_of
from pipeline.producer import LifecycleProducer, ProducerSettings
from pipeline.topics import event_topic
from schemas.avro import LATEST
from schemas.events import BatchEvent, Family
from schemas.identity import event_id
from tests.benchmarks.native_broker import broker, create
from tests.benchmarks.samples import NOTIFICATIONS, TOPIC, change

RECORDS = 200_000
ROUNDS = 3

CHANGES = [change(index % 500, index) for index in range(2_000)]
SCHEMA = LATEST[Family.TASK_INSTANCE]


def run() -> list[tuple[str, float, float, float]]:
    """Acknowledged records per second; the medians of three interleaved rounds."""
    with broker() as servers:
        create(servers, event_topic(TOPIC))
        rates = [(_ours(servers), _floor(servers)) for _ in range(ROUNDS)]
    ours, floor = (sorted(column)[ROUNDS // 2] for column in zip(*rates, strict=True))
    return [("LifecycleProducer.publish, records/s", ours, floor, 0.5)]


def _ours(servers: str) -> float:
    began_s = time.perf_counter()
    with LifecycleProducer(ProducerSettings({"bootstrap.servers": servers})) as producer:
        for _ in range(RECORDS // len(CHANGES)):
            for one in CHANGES:
                producer.publish(one, NOTIFICATIONS)
    assert producer.acknowledged == RECORDS
    return RECORDS / (time.perf_counter() - began_s)


def _prepared(one: Change) -> tuple[dict[str, Any], Headers, str]:
    event = event_of(one)
    assert isinstance(event, BatchEvent)
    datum: dict[str, Any] = {
        "EventVersion": "1.0",
        "EventTime": event.time,
        "Region": event.region,
        "Batch": event.batch,
    }
    datum |= {"EventName": event.name, "EventVars": [], "Extra": None}
    return datum, event_headers(event, one, event_id(event, one.resource.path())), one.resource.key()


def _floor(servers: str) -> float:
    """Everything but the encoding is prepared before the clock starts."""
    prepared = [_prepared(one) for one in CHANGES]
    topic, marker, parsed = event_topic(TOPIC), SCHEMA.marker, SCHEMA.parsed
    producer = Producer(Cluster({"bootstrap.servers": servers}).producer_config())
    began_s = time.perf_counter()
    for _ in range(RECORDS // len(CHANGES)):
        for datum, headers, key in prepared:
            out = BytesIO()
            out.write(marker)
            schemaless_writer(out, parsed, datum)
            while True:
                try:
                    producer.produce(topic, out.getvalue(), key, headers=headers)
                    break
                except BufferError:
                    producer.poll(0.05)
        producer.poll(0)
    assert producer.flush(60) == 0
    return RECORDS / (time.perf_counter() - began_s)
