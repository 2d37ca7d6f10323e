"""Producing where the producer's queue may be full."""

from confluent_kafka import Producer


def produce(producer: Producer, topic: str, value: bytes, key: bytes | str | None) -> None:
    """Wait for room."""
    while True:
        try:
            producer.produce(topic, value, key)
        except BufferError:
            producer.poll(0.05)
        else:
            return
