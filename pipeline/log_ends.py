"""Where partitions end of which a consumer learns nothing by itself, because it does not fetch them while paused.

Shape   LogEnds(shared_admin): ask(topic, partitions) begins a question, returns at once; known(topic, partition) is the
        latest answer. One for a process; any thread may call
Bounds  one question a topic is out at a time, until it is answered or given up; the last answer stands meanwhile
"""

import time
from collections.abc import Iterable
from concurrent.futures import Future
from functools import partial

from confluent_kafka import KafkaException, TopicPartition
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # they forgot __all__
    ListOffsetsResultInfo,
    OffsetSpec,
)

from pipeline.kafka_errors import is_outdated
from pipeline.shared_admin import SharedAdmin

ANSWER_S = 5.0
GIVEN_UP_S = 2 * ANSWER_S
"""The client may have been replaced: nobody answers then."""

UNKNOWN = -1


class LogEnds:
    """Asks through a client that is there for others too."""

    def __init__(self, shared: SharedAdmin) -> None:
        self._shared = shared
        self._outdated = False
        self._known: dict[tuple[str, int], int] = {}
        self._asked: dict[str, tuple[float, list[Future[ListOffsetsResultInfo]]]] = {}

    def ask(self, topic: str, partitions: Iterable[int]) -> None:
        """Ask, unless a question is still out."""
        now_s = time.monotonic()
        asked_s, out = self._asked.get(topic, (now_s, []))
        if now_s - asked_s < GIVEN_UP_S and not all(future.done() for future in out):
            return
        latest = OffsetSpec.latest()  # type: ignore[no-untyped-call]
        wanted = {TopicPartition(topic, partition): latest for partition in partitions}
        try:
            if self._outdated:
                self._outdated = False
                self._shared.replace(self._shared.client())
            futures = self._shared.client().list_offsets(wanted, request_timeout=ANSWER_S)
        except KafkaException:
            return  # no client can be made now: the subscription itself says so
        self._asked[topic] = now_s, list(futures.values())
        for where, future in futures.items():
            future.add_done_callback(partial(self._answered, (topic, where.partition)))

    def known(self, topic: str, partition: int) -> int:
        """The latest answer; UNKNOWN without one."""
        return self._known.get((topic, partition), UNKNOWN)

    def _answered(self, where: tuple[str, int], future: Future[ListOffsetsResultInfo]) -> None:
        """On the client's own thread, which must not be the last to hold the client: a client cannot end itself."""
        try:
            self._known[where] = future.result().offset
        except KafkaException as error:
            if is_outdated(error):
                self._outdated = True
            return  # nobody answered: the subscription itself says so
