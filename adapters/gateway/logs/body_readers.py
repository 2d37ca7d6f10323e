"""The bodies of queues' messages: tails followed, single ones read again; and topics that are not what they were.

Shape   KafkaBodyReaders keeps the BodyReaders port over a tail reader, a point reader and the brokers' facts. All calls
        and all that listeners hear are on the event loop's thread
Ended   unfollow() counts at once: what was read meanwhile reaches nobody
Expired the log begins later than a follow: on_start(low), then from there on. Never silently
Anew    a topic that was deleted ends its follows quietly, and so does one that was deleted and created again, by its
        id: the one that follow() names, else the first that is seen. Ids are asked for soon after each follow(), at
        each trouble and every CHECK_S, and twice before they count. Kafka's client itself reads a new topic on as if
        it were the old one, so where neither registry nor owner knows of the deletion, records of the new one can be
        read for twice that long
"""

import asyncio
import logging
from collections.abc import Coroutine, Iterable, Sequence
from typing import Any

from confluent_kafka import KafkaError, KafkaException

from adapters.gateway.logs.client_thread import OnDied
from adapters.gateway.logs.follow import Follow, Where
from adapters.gateway.logs.log_facts import GONE, LogFacts
from adapters.gateway.logs.point_reader import PointReader
from adapters.gateway.logs.tail_reader import QUICK, SLOW, TailReader
from adapters.gateway.slot_ports import BodyListener
from pipeline.cluster import Cluster
from pipeline.kafka_errors import describe, is_out_of_range, is_unknown_topic

log = logging.getLogger(__name__)

CHECK_SOON_S = 0.05
CHECK_S = 5.0
GONE_AFTER = 2
"""Times in a row: a broker that lags behind may not know a topic yet, or know its predecessor."""

NEVER_SEEN_AFTER = 6
FEW = 100
"""More follows than these at once are a take-over: they need not be read quickly, each for itself."""

AGAIN_S = 1.0


class KafkaBodyReaders:
    """One process's. Made on the event loop's thread."""

    def __init__(self, cluster: Cluster, facts: LogFacts, on_died: OnDied) -> None:
        self._loop = asyncio.get_running_loop()
        self._facts = facts
        self._follows: dict[Where, Follow] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._unchecked: set[Follow] = set()
        on_loop = self._loop.call_soon_threadsafe
        self._quick = TailReader(QUICK, cluster, on_loop, on_died, self._on_trouble)
        self._slow = TailReader(SLOW, cluster, on_loop, on_died, self._on_trouble)
        self._quick.start(self._slow)
        self._slow.start(self._quick)
        self._points = PointReader(cluster, on_loop, on_died)
        self._checks = self._loop.call_later(CHECK_S, self._check_all)

    def follow(self, topic: str, partition: int, offset: int, listener: BodyListener, topic_id: str = "") -> None:
        """Read on from there, until unfollow(); with an id only while the topic has it."""
        self.unfollow(topic, partition)
        reader = self._quick if len(self._quick) < FEW else self._slow
        follow = self._follows[topic, partition] = Follow(topic, partition, offset, listener, topic_id, reader)
        reader.changed(follow, offset)
        if not self._unchecked:
            self._loop.call_later(CHECK_SOON_S, self._check_fresh)
        self._unchecked.add(follow)

    def unfollow(self, topic: str, partition: int) -> None:
        """Stop; nothing more comes after this call."""
        follow = self._follows.pop((topic, partition), None)
        if follow is not None:
            follow.live = False
            self._unchecked.discard(follow)
            follow.reader.changed(follow)

    def set_paused(self, topic: str, partition: int, paused: bool) -> None:  # noqa: FBT001  as the port has it
        """Stop reading for a while. What has been read already still comes."""
        follow = self._follows.get((topic, partition))  # None: it has ended quietly, of which nobody was told
        if follow is not None and follow.paused != paused:
            follow.paused = paused
            follow.reader.changed(follow)

    def want(self, topic: str, partition: int, offsets: Sequence[int]) -> None:
        """Read these again, for the listener that follows the partition."""
        follow = self._follows.get((topic, partition))  # None: as above
        if offsets and follow is not None:
            self._points.want(follow, offsets)

    async def close(self) -> None:
        """Let go of everything."""
        self._checks.cancel()
        for where in list(self._follows):
            self.unfollow(*where)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        readers = (self._quick, self._slow, self._points)
        await asyncio.gather(*[asyncio.to_thread(reader.close) for reader in readers])

    def _on_trouble(self, follow: Follow, error: KafkaError) -> None:
        if is_out_of_range(error):
            self._begin(self._place_anew(follow))
        elif is_unknown_topic(error):
            self._begin(self._read_again(follow))
        else:
            log.warning("tail_waits", extra={"topic": follow.topic, "error": describe(error)})

    async def _place_anew(self, follow: Follow) -> None:
        """The log does not have the offset: tell from where it has any, and go on there."""
        await self._check([follow])
        while follow.live:
            try:
                extents = await self._facts.extents(follow.topic, [follow.partition])
                break
            except KafkaException as error:
                log.warning("tail_waits", extra={"topic": follow.topic, "error": describe(error)})
                await asyncio.sleep(AGAIN_S)
        if not follow.live:
            return
        low, end = extents[follow.partition]
        position = follow.position
        if position > end:
            extra = {"topic": follow.topic, "partition": follow.partition, "offset": position, "end": end}
            log.error("queue_log_cut", extra=extra)
        elif position < low:
            follow.listener.on_start(follow.partition, low)
        if follow.live:
            follow.reader.changed(follow, min(max(position, low), end))

    async def _read_again(self, follow: Follow) -> None:
        """Some broker does not know the topic: it is gone, or so new that not all have heard of it."""
        await self._check([follow])
        await asyncio.sleep(AGAIN_S)
        if follow.live:
            follow.reader.changed(follow, follow.position)

    def _check_fresh(self) -> None:
        fresh, self._unchecked = self._unchecked, set()
        self._begin(self._check(fresh))

    def _check_all(self) -> None:
        self._checks = self._loop.call_later(CHECK_S, self._check_all)
        self._begin(self._check(self._follows.values()))

    async def _check(self, follows: Iterable[Follow]) -> None:
        """End those whose topic is gone, or another one by now."""
        asked = [follow for follow in follows if follow.live]
        ids = await self._facts.topic_ids(follow.topic for follow in asked)
        for follow in asked:
            topic_id = ids.get(follow.topic)
            if not follow.live or topic_id is None:
                continue
            if topic_id != GONE and follow.topic_id in {"", topic_id}:
                follow.topic_id, follow.seen, follow.deviations = topic_id, True, 0
                continue
            follow.deviations += 1
            if follow.deviations >= (NEVER_SEEN_AFTER if topic_id == GONE and not follow.seen else GONE_AFTER):
                log.info("queue_topic_gone", extra={"topic": follow.topic, "partition": follow.partition})
                self.unfollow(*follow.where)

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
