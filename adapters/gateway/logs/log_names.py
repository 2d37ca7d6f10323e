"""Which Kafka topics there are, for names that the registry does not know: asked at most once a second.

Shape   LogNames(existing): await has(kafka_topic)
Why     a client may ask for a queue that is not there as often as it likes; each such call must not become a question
        to every broker and to the owner of slot 0
Errors  none: a list that cannot be had is logged, and the last one stands
"""

import asyncio
import logging
from collections.abc import Callable, Collection

from confluent_kafka import KafkaException

from adapters.gateway.logs.blocking import blocking
from pipeline.kafka_errors import describe

log = logging.getLogger(__name__)

EVERY_S = 1.0
ANSWER_S = 6.0


class LogNames:
    """The names, as of a second ago at most."""

    def __init__(self, existing: Callable[[], Collection[str]]) -> None:
        """`existing` blocks (KafkaLogs.existing)."""
        self._existing = existing
        self._names: Collection[str] = ()
        self._asked_s = float("-inf")
        self._asking: asyncio.Task[None] | None = None

    async def has(self, kafka_topic: str) -> bool:
        """Whether there is a Kafka topic of that name."""
        loop = asyncio.get_running_loop()
        if self._asking is None and loop.time() - self._asked_s > EVERY_S:
            self._asking = loop.create_task(self._ask())
        if self._asking is not None:
            await asyncio.shield(self._asking)
        return kafka_topic in self._names

    async def _ask(self) -> None:
        try:
            self._names = await blocking(self._existing, ANSWER_S)
        except (KafkaException, TimeoutError) as error:
            shown = describe(error) if isinstance(error, KafkaException) else "no answer"
            log.warning("kafka_topics_unknown", extra={"error": shown})
        finally:
            self._asked_s = asyncio.get_running_loop().time()
            self._asking = None
