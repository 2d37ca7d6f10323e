"""What the brokers know of topics: where logs begin and end, the offsets of a time, topic ids. Nothing blocks.

Shape   LogFacts(cluster): extents(topic, partitions), offsets_at(topic, partitions, time_ms), topic_ids(topics)
Errors  KafkaException: no answer, or a no; where leaders move only after MOVES_S, as where a topic has just been made:
        a broker tells of it before it has made its logs. A topic that does not exist has the id GONE; extents and
        offsets of it are refused (UNKNOWN_TOPIC_OR_PART). refusals.py makes a row of it
Cost    a request or two to each leader; of topic_ids one to the controller, however many topics
"""

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from confluent_kafka import KafkaError, KafkaException, TopicCollection, TopicPartition
from confluent_kafka.admin import ListOffsetsResultInfo, OffsetSpec  # type: ignore[attr-defined]  # they forgot __all__

from pipeline.cluster import Cluster
from pipeline.kafka_errors import is_moving, is_outdated, is_unknown_topic

if TYPE_CHECKING:
    from concurrent.futures import Future

ANSWER_S = 5.0
MOVES_S = 3.0
AGAIN_S = 0.05

GONE = ""
"""In the place of a topic's id: there is no such topic."""

Answer = TypeVar("Answer")


class Extent(NamedTuple):
    """A partition has the offsets from low to before end; of the last ones transactions may still be open."""

    low: int
    end: int


class LogFacts:
    """Asks each time, through the client that the process has for such questions. The event loop's thread calls it."""

    def __init__(self, cluster: Cluster) -> None:
        self._shared = cluster.shared_admin

    async def extents(self, topic: str, partitions: Iterable[int]) -> dict[int, Extent]:
        """Where partitions begin and end."""
        wanted = list(partitions)
        low = OffsetSpec.earliest()  # type: ignore[no-untyped-call]
        end = OffsetSpec.latest()  # type: ignore[no-untyped-call]
        lows, ends = await asyncio.gather(self._offsets(topic, wanted, low), self._offsets(topic, wanted, end))
        return {partition: Extent(lows[partition], ends[partition]) for partition in wanted}

    async def offsets_at(self, topic: str, partitions: Iterable[int], time_ms: int) -> dict[int, int]:
        """The first offsets whose records are of that time or later; the end of a partition that has none."""
        wanted = list(partitions)
        found = await self._offsets(topic, wanted, OffsetSpec.for_timestamp(time_ms))
        if none := [partition for partition, offset in found.items() if offset < 0]:
            found |= await self._offsets(topic, none, OffsetSpec.latest())  # type: ignore[no-untyped-call]
        return found

    async def topic_ids(self, topics: Iterable[str]) -> dict[str, str]:
        """The ids of topics, GONE for those that do not exist; without those that nobody tells now."""
        wanted = sorted(set(topics))
        if not wanted:
            return {}
        client = self._shared.client()  # kept while it owes an answer
        answers = client.describe_topics(TopicCollection(wanted), request_timeout=ANSWER_S)
        ids: dict[str, str] = {}
        for topic, answer in answers.items():
            try:
                ids[topic] = str((await _awaited(answer)).topic_id)
            except KafkaException as error:
                if is_unknown_topic(error):
                    ids[topic] = GONE
        return ids

    async def _offsets(self, topic: str, partitions: list[int], spec: OffsetSpec) -> dict[int, int]:
        wanted = {TopicPartition(topic, partition): spec for partition in partitions}
        if not wanted:
            return {}
        until_s = asyncio.get_running_loop().time() + MOVES_S
        while True:
            try:
                return await self._asked_once(wanted)
            except KafkaException as error:
                if (await self.topic_ids([topic])).get(topic) == GONE:  # else it has no leader now
                    raise KafkaException(KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART)) from error
                if not is_moving(error) or asyncio.get_running_loop().time() >= until_s:
                    raise
            await asyncio.sleep(AGAIN_S)

    async def _asked_once(self, wanted: dict[TopicPartition, OffsetSpec]) -> dict[int, int]:
        client = self._shared.client()
        answers: dict[TopicPartition, Future[ListOffsetsResultInfo]] = client.list_offsets(
            wanted, request_timeout=ANSWER_S
        )
        try:
            told = await asyncio.gather(*map(_awaited, answers.values()))
        except KafkaException as error:
            if is_outdated(error):
                self._shared.replace(client)
            raise
        return {where.partition: one.offset for where, one in zip(answers, told, strict=True)}


def _awaited(answer: "Future[Answer]") -> "asyncio.Future[Answer]":
    return asyncio.wrap_future(answer)
