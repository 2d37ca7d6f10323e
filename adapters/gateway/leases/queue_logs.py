"""What a slot's owner asks of queue topics beside their bodies: ends, places in time, and a place for dead letters.

Kept by the Kafka part and by a double in the tests. All calls are made on the event loop's thread; all may raise
CmqError where there is no such queue, and PipelineError where the brokers do not answer or do not take the record.
"""

from collections.abc import Sequence
from typing import Protocol

from pipeline.headers import Headers

SOURCE_TOPIC_ID = "cmq_source_topic_id"
SOURCE_PARTITION = "cmq_source_partition"
SOURCE_OFFSET = "cmq_source_offset"
"""Where a dead letter was before, ASCII decimal but for the id: the three say which message it is."""


class QueueLogs(Protocol):
    """The logs of queues, by the queues' names."""

    async def ends(self, queue_name: str) -> Sequence[int]:
        """The end of each partition, as a reader of committed records sees it."""
        ...

    async def offset_at(self, queue_name: str, partition: int, timestamp_ms: int) -> int:
        """The first offset of that time or later; the end if there is none."""
        ...

    async def bury(self, queue_name: str, body: bytes, headers: Headers) -> None:
        """Append a dead letter; durable when it returns."""
        ...

    async def is_buried(self, queue_name: str, since: Sequence[int], headers: Headers) -> bool:
        """Whether a record that has these headers, the three of its source, lies there from these offsets on."""
        ...
