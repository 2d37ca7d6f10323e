"""Avro bytes -> CMQ Base64 message on one core, against a bare fastavro decode of the same record."""

import time
from collections.abc import Callable
from io import BytesIO

from fastavro import schemaless_reader

from pipeline.lifecycle import event_of
from schemas.avro import LATEST, AvroEncoder, decode_avro
from schemas.cmq_message import message_body
from schemas.events import BatchEvent, Family
from tests.benchmarks.samples import change

RECORDS = 100_000
ROUNDS = 5


def run() -> list[tuple[str, float, float, float]]:
    """Records per second; the best of five interleaved rounds each."""
    event = event_of(change(1, 1))
    assert isinstance(event, BatchEvent)
    value = AvroEncoder().encode(event)
    schema = LATEST[Family.TASK_INSTANCE].parsed
    bare = value[10:]

    def ours() -> None:
        message_body(decode_avro(value))

    def floor() -> None:
        schemaless_reader(BytesIO(bare), schema, None)

    rates = [(_rate(ours), _rate(floor)) for _ in range(ROUNDS)]
    return [("Avro -> CMQ Base64 message, records/s", max(r[0] for r in rates), max(r[1] for r in rates), 0.5)]


def _rate(call: Callable[[], None]) -> float:
    began_s = time.perf_counter()
    for _ in range(RECORDS):
        call()
    return RECORDS / (time.perf_counter() - began_s)
