"""The tails of queue topics: a consumer without a group, thousands of partitions.

Shape   TailReader(Pace, cluster, on_loop, on_died, on_trouble): changed(follow, begin) after a Follow was made, ended
        or paused, or is to begin elsewhere; the reader's own thread does what follows from it, all that changed at once
Two     a fetch names every partition that is read, and each record ends a fetch: a thousand idle partitions beside a
        busy one would cost broker and client more than the records. So there are two readers: partitions that have
        something go to the quick one, those that have had nothing for COOL_S to the slow one
        What was read reaches the loop by one call for each poll, and its listeners there
End     that a tail was read to its end, behind markers too, is told after what was read: its count is exact then
Kafka   read_committed, `auto.offset.reset=error`: an offset that the log does not have is told to on_trouble
Bounds  two batches of STEP bodies are handed over and not yet taken by the loop; then nothing is read
Cost    a thread each. A change takes up to WAKE_S, and a new partition up to the reader's fetch_wait_ms more, to be
        read for the first time: that long a fetch of idle partitions is out
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable
from collections.abc import Set as AbstractSet
from functools import partial
from typing import NamedTuple

from confluent_kafka import Consumer, KafkaError, Message, TopicPartition

from adapters.gateway.logs.client_thread import ClientThread, OnDied
from adapters.gateway.logs.follow import Follow, Where
from adapters.gateway.slot_ports import Body, OnLoop
from pipeline.cluster import Cluster
from pipeline.kafka_errors import is_end
from pipeline.resuming import resume

log = logging.getLogger(__name__)

STEP = 500
WAKE_S = 0.02
REST_S = 1.0
COOL_S = 30.0
MANY = 200
COOL_OF_MANY_S = 2.0
"""With many partitions in the quick reader each record waits for the fetches of all."""

SWEEP_S = 1.0
AHEAD = 2

OnTrouble = Callable[[Follow, KafkaError], None]
"""Called on the loop: a follow cannot go on as it is."""


class Pace(NamedTuple):
    """Which of the two a reader is."""

    name: str
    fetch_wait_ms: int
    quick: bool


QUICK = Pace("queue-tails", 20, quick=True)
SLOW = Pace("idle-queue-tails", 500, quick=False)


class TailReader:
    """One consumer and its thread."""

    def __init__(self, pace: Pace, cluster: Cluster, on_loop: OnLoop, on_died: OnDied, on_trouble: OnTrouble) -> None:
        config = cluster.consumer_config("batch-events-tails", cluster.note) | {
            "fetch.wait.max.ms": pace.fetch_wait_ms,
            "fetch.message.max.bytes": 256 << 10,
            "queued.min.messages": 2 * STEP,
            "enable.partition.eof": True,
            "logger": log,
        }
        self._consumer = Consumer(config)
        self._quick = pace.quick
        self._other: TailReader | None = None
        self._swept_s = time.monotonic()
        self._on_loop = on_loop
        self._on_trouble = on_trouble
        self._lock = threading.Lock()
        self._changed: dict[Where, tuple[Follow, int | None]] = {}
        self._following: dict[Where, Follow] = {}
        self._paused: set[Where] = set()
        self._room = threading.Semaphore(AHEAD)
        self._wake = threading.Event()
        self._stopping = False
        self._thread = ClientThread(pace.name, self._run, on_died)

    def start(self, other: "TailReader | None" = None) -> None:
        """Begin; give what is idle, or busy, to the other reader if there is one."""
        self._other = other
        self._thread.start()

    def __len__(self) -> int:
        """How many partitions it reads."""
        return len(self._following)

    def changed(self, follow: Follow, begin: int | None = None) -> None:
        """Take up what has become of it; begin tells where it is to be read from now on, if it has changed.

        The other reader may tell late of one that has ended: by then another may follow the partition.
        """
        with self._lock:
            known = self._changed.get(follow.where)
            if known is not None and known[0].live and not follow.live:
                return  # what the other one wants ends this one, too
            if begin is None and known is not None and known[0] is follow:
                begin = known[1]
            self._changed[follow.where] = follow, begin
        self._wake.set()

    def close(self) -> None:
        """Stop reading. Blocks for a moment."""
        self._stopping = True
        self._wake.set()
        self._room.release()
        self._thread.join()
        self._consumer.close()

    def _run(self) -> None:
        while not self._stopping:
            self._take_up()
            if not self._following:
                self._consumer.poll(0)
                self._wake.wait(REST_S)
                self._wake.clear()
            elif messages := self._read():
                self._hand_over(messages)
            if self._quick and time.monotonic() - self._swept_s > SWEEP_S:
                self._swept_s = time.monotonic()
                idle_s = self._swept_s - (COOL_S if len(self._following) <= MANY else COOL_OF_MANY_S)
                self._pass_on([follow for follow in self._following.values() if follow.heard_s < idle_s])

    def _read(self) -> list[Message]:
        """One message within a moment, and with it all that lies ready."""
        first = self._consumer.poll(WAKE_S)
        return [] if first is None else [first, *self._consumer.consume(STEP - 1, 0)]

    def _take_up(self) -> None:
        if not self._changed:
            return
        with self._lock:
            changed, self._changed = self._changed, {}
        gone: list[TopicPartition] = []
        fresh: list[TopicPartition] = []
        for where, (follow, begin) in changed.items():
            if follow.reader is not self:
                follow.reader.changed(follow, begin)  # it was passed on meanwhile
                continue
            current = self._following.get(where)
            if current is not None and (not current.live or (follow.live and begin is not None)):
                gone.append(TopicPartition(*where))
                del self._following[where]
                self._paused.discard(where)
            if follow.live and begin is not None:
                follow.position = begin
                follow.heard_s = time.monotonic()
                fresh.append(TopicPartition(*where, begin))
                self._following[where] = follow
        if gone:
            self._consumer.incremental_unassign(gone)
        if fresh:
            self._consumer.incremental_assign(fresh)
        self._take_up_pauses(changed.keys())

    def _take_up_pauses(self, changed: AbstractSet[Where]) -> None:
        wanted = {where for where in changed if where in self._following and self._following[where].paused}
        if pause := wanted - self._paused:
            self._consumer.pause([TopicPartition(*where) for where in pause])
        if resumed := (self._paused & changed) - wanted:
            resume(self._consumer, [TopicPartition(*where) for where in resumed])
        self._paused = (self._paused - resumed) | pause

    def _hand_over(self, messages: list[Message]) -> None:
        runs: dict[Follow, list[Body]] = {}
        ends: dict[Follow, int] = {}
        troubles: list[tuple[Follow, KafkaError]] = []
        for message in messages:
            follow = self._following.get((message.topic() or "", message.partition() or 0))
            if follow is None:
                continue  # of the client as a whole, which says it in the log too, or of what was let go of
            error = message.error()
            if error is not None and is_end(error):
                ends[follow] = follow.position = max(follow.position, message.offset() or 0)
                continue
            if error is not None:
                troubles.append((follow, error))
                continue
            body = body_of(message)
            if body.offset >= follow.position:
                follow.position = body.offset + 1
                runs.setdefault(follow, []).append(body)
        now_s = time.monotonic()
        for follow in runs:
            follow.heard_s = now_s
        self._room.acquire()
        self._on_loop(partial(self._tell, runs, ends, troubles))
        if not self._quick:
            self._pass_on(runs)

    def _pass_on(self, follows: Iterable[Follow]) -> None:
        """Let the other one read them: what it reads reaches the loop behind what was read here."""
        passed = list(follows)
        if not passed or self._other is None:
            return
        self._consumer.incremental_unassign([TopicPartition(*follow.where) for follow in passed])
        for follow in passed:
            del self._following[follow.where]
            self._paused.discard(follow.where)
            follow.reader = self._other
            self._other.changed(follow, follow.position)

    def _tell(
        self, runs: dict[Follow, list[Body]], ends: dict[Follow, int], troubles: list[tuple[Follow, KafkaError]]
    ) -> None:
        self._room.release()
        for follow, bodies in runs.items():
            if follow.live:
                follow.listener.on_bodies(bodies)
        for follow, offset in ends.items():
            if follow.live:
                follow.listener.on_end(follow.partition, offset)
        for follow, error in troubles:
            if follow.live:
                self._on_trouble(follow, error)


def body_of(message: Message) -> Body:
    """A message without an error."""
    return Body(
        message.partition() or 0,
        message.offset() or 0,
        message.timestamp()[1],
        message.value() or b"",
        message.headers() or [],  # type: ignore[arg-type]  # typed as if it could be a dict
    )
