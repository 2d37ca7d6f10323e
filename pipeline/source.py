"""A Kafka consumer as a source of records.

Shape   KafkaSource keeps the Source port (ports.py) over a confluent-kafka consumer
Start   each assignment begins at our own committed offset, never at the client's guess (`auto.offset.reset=error`):
        starts.py says where, and what expired or fell off the log is said and counted. Where we may not know it yet,
        it begins when we may
Commits one is outstanding at most; its answer comes through poll
Errors  errors of the broker or the network, and rights that are wanting, are logged and waited out; a fatal one, as
        that another process has our group.instance.id, lets go of all partitions and raises PipelineError from the next
        poll
"""

import logging
import time
from collections.abc import Callable
from typing import NoReturn

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from pipeline.client_properties import INSTANCE_ID
from pipeline.cluster import Cluster
from pipeline.errors import AccessRefusedError, PipelineError
from pipeline.kafka_errors import About, describe, is_access, is_unreachable, kafka_error
from pipeline.leaving import leave
from pipeline.log_reader import record_of
from pipeline.ports import Commit, Record, SourceListener, Start
from pipeline.resuming import resume
from pipeline.starts import Starts
from pipeline.subscription import Start as StartAt

log = logging.getLogger(__name__)

ASK_AGAIN_S = 0.5


class KafkaSource:
    """One topic, one consumer group."""

    def __init__(
        self,
        cluster: Cluster,
        topic: str,
        group: str,
        start: StartAt,
        listener: SourceListener,
        on_error: Callable[[str | None], None],
        suffix: str = "",
    ) -> None:
        """Join the group.

        Args:
            on_error: hears what keeps us from working, and None when a broker has answered again.
            suffix: of our group.instance.id, where we have one.
        """
        self._cluster = cluster
        self._topic = topic
        self._about = About((topic,), group)
        self._listener = listener
        self._on_error = on_error
        self._troubled = False
        self._fatal: KafkaError | None = None
        self._held: set[int] = set()
        self._paused: set[int] = set()
        self._outstanding = False
        self._out_of_range = False
        self._fresh: dict[int, int] = {}
        self._placed: dict[int, int] = {}
        """Where each partition began, until something of it has been read."""

        self._refused: set[int] = set()
        """Partitions of ours of which we may not know where they begin."""

        self._try_again_s = 0.0

        config = cluster.member_config(group, suffix, self._on_client_error)
        self._instance = config.get(INSTANCE_ID)
        self._cooperative = config["group.protocol"] == "consumer" or "cooperative" in str(
            config.get("partition.assignment.strategy", "")
        )
        self._config = config
        self._consumer = Consumer(config | {"on_commit": self._on_commit, "logger": log})
        self._starts = Starts(cluster, self._consumer, topic, start, self._trouble, self._about)
        self._consumer.subscribe([topic], on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_lost)

    def poll(self, limit: int, timeout_s: float) -> list[Record]:
        """Take one record within the timeout, and with it all that lies ready."""
        if self._refused and time.monotonic() >= self._try_again_s:
            self._begin(self._refused)
        self._fresh.clear()
        first = self._consumer.poll(timeout_s)
        if self._fatal is not None:
            self._give_up(self._fatal)
        if first is None:
            return []
        messages = [first]
        if limit > 1:
            messages += self._consumer.consume(limit - 1, 0)
        if self._fresh:
            messages = self._without_fresh(messages)
        records = [record for message in messages if (record := self._record(message)) is not None]
        if self._out_of_range:
            self.restart()
            return []
        return records

    def _without_fresh(self, messages: list[Message]) -> list[Message]:
        """Leave out what may have been read before its partition was assigned in this very call.

        One call may take records, then lose their partition, then get it back: which came first cannot be told.
        """
        mixed = self._fresh.keys() & {message.partition() for message in messages if not message.error()}
        if mixed and self._cooperative:
            self._consumer.incremental_unassign([TopicPartition(self._topic, part) for part in mixed])
            self._place({part: self._fresh[part] for part in mixed})
        elif mixed:
            self.restart()
        return [message for message in messages if message.error() or message.partition() not in mixed]

    def commit(self, commits: dict[int, Commit]) -> None:
        """Begin a commit."""
        try:
            self._consumer.commit(offsets=self._commits(commits), asynchronous=True)
            self._outstanding = True
        except KafkaException as error:
            log.warning("commit_failed", extra={"topic": self._topic, "error": describe(error, self._about)})
            self._listener.on_committed(acknowledged=False)

    def commit_outstanding(self) -> bool:
        """Whether an answer is still to come."""
        return self._outstanding

    def set_paused(self, partitions: set[int]) -> None:
        """Pause these and no others."""
        if partitions == self._paused:
            return
        if resumed := self._paused - partitions:
            resume(self._consumer, self._offsets(dict.fromkeys(resumed, 0)))
        if paused := partitions - self._paused:
            self._consumer.pause(self._offsets(dict.fromkeys(paused, 0)))
        self._paused = set(partitions)

    def reach(self, partitions: list[int]) -> dict[int, tuple[int, int]]:
        """What the client knows by itself; of what is paused it learns nothing, so that is asked for meanwhile."""
        if stale := self._paused & set(partitions):
            self._cluster.log_ends.ask(self._topic, stale)
        reach = {}
        for at in self._consumer.position([TopicPartition(self._topic, partition) for partition in partitions]):
            _, end = self._consumer.get_watermark_offsets(at, cached=True)
            if at.partition in stale:
                end = max(end, self._cluster.log_ends.known(self._topic, at.partition))
            position = at.offset if at.offset >= 0 else self._placed.get(at.partition, -1)
            if end >= 0 and position >= 0:
                reach[at.partition] = position, end
        return reach

    def close(self) -> None:
        """Leave the group."""
        leave(self._consumer, self._config)

    def _record(self, message: Message) -> Record | None:
        error = message.error()
        if error is not None:
            self._on_message_error(error)
            return None
        if self._troubled:
            self._answered()
        return record_of(message)

    def _on_message_error(self, error: KafkaError) -> None:
        if _is_fatal(error):
            self._give_up(error)
        if error.code() == KafkaError._AUTO_OFFSET_RESET:
            # The log was cut under a running consumer. Begin this assignment again: that says what was lost.
            log.error("offset_out_of_range", extra={"topic": self._topic, "error": describe(error)})
            self._out_of_range = True
            return
        self._trouble(error)

    def restart(self) -> None:
        """Begin every partition again at its committed offset: what was read since is read again."""
        self._out_of_range = False
        held = self._consumer.assignment()
        partitions = {part.partition for part in held}
        self._listener.on_lost(partitions)
        self._unassign(held)
        self._begin(partitions | self._refused)

    def group_metadata(self) -> object:
        """Who we are in the group: fences a transaction's offsets. Valid until the next poll."""
        return self._consumer.consumer_group_metadata()

    def _give_up(self, error: KafkaError) -> NoReturn:
        """Somebody else has our partitions, or will have them; the client has forgotten which they were."""
        self._listener.on_lost(self._held)
        reason = self._cluster.explain(error, self._about)
        if self._instance is None:
            raise reason
        raise PipelineError(f"{reason}; our group.instance.id is {self._instance!r}, which no other process may have")

    def _on_client_error(self, error: KafkaError) -> None:
        if _is_fatal(error):
            self._fatal = error
        if is_unreachable(error) or is_access(error):
            self._trouble(error)

    def _trouble(self, error: KafkaError) -> None:
        self._troubled = True
        self._on_error(str(self._cluster.explain(error, self._about)))

    def _answered(self) -> None:
        """All is well, but for what is refused."""
        if not self._refused:
            self._troubled = False
            self._on_error(None)

    def _on_assign(self, _consumer: Consumer, partitions: list[TopicPartition]) -> None:
        if self._begin({part.partition for part in partitions}):
            self._answered()
        else:
            self._place({})  # the client waits for an answer

    def _begin(self, partitions: set[int]) -> bool:
        """Begin partitions of ours; False: we may not know where, or what of them is held. A later poll asks again."""
        try:
            starts = self._starts.of(sorted(partitions))
            self._listener.on_assigned(starts)
        except AccessRefusedError as error:
            self._refused = self._refused | partitions
            self._try_again_s = time.monotonic() + ASK_AGAIN_S
            self._troubled = True
            self._on_error(str(error))
            return False
        self._take(starts)
        if self._refused:
            self._refused = self._refused - partitions
            self._answered()
        return True

    def _take(self, starts: dict[int, Start]) -> None:
        for partition, start in starts.items():
            if start.lost:
                where = {"topic": self._topic, "partition": partition}
                log.error("offsets_lost", extra=where | {"lost": start.lost, "start": start.offset})
        placed = {partition: start.offset for partition, start in starts.items()}
        self._place(placed)
        self._fresh |= placed

    def _place(self, starts: dict[int, int]) -> None:
        placed = self._offsets(starts)
        self._placed |= starts
        if self._cooperative:
            self._consumer.incremental_assign(placed)
        else:
            self._consumer.assign(placed)
        # librdkafka keeps a pause across losing and regaining a partition: say it anew.
        self._consumer.pause(placed)
        self._paused |= starts.keys()
        self._held |= starts.keys()

    def _on_revoke(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        commits = self._listener.on_revoked({part.partition for part in partitions} - self._refused)
        if commits:
            try:
                consumer.commit(offsets=self._commits(commits), asynchronous=False)
            except KafkaException as error:
                log.warning("commit_failed", extra={"topic": self._topic, "error": describe(error)})
        self._unassign(partitions)

    def _on_lost(self, _consumer: Consumer, partitions: list[TopicPartition]) -> None:
        log.warning("partitions_lost", extra={"topic": self._topic, "partitions": [p.partition for p in partitions]})
        self._listener.on_lost({part.partition for part in partitions} - self._refused)
        self._unassign(partitions)

    def _unassign(self, partitions: list[TopicPartition]) -> None:
        gone = {part.partition for part in partitions}
        self._paused -= gone
        self._held -= gone
        self._refused = self._refused - gone
        if self._cooperative:
            # Those that could not begin are not there; the client waits for good for a call that can be heeded.
            there = self._consumer.assignment()
            self._consumer.incremental_unassign([one for one in partitions if one in there])
        else:
            self._consumer.unassign()

    def _on_commit(self, error: KafkaError | None, partitions: list[TopicPartition]) -> None:
        self._outstanding = False
        failed = error or next((part.error for part in partitions if part.error), None)
        if failed:
            if _is_fatal(kafka_error(failed)):
                self._fatal = kafka_error(failed)
            # Refused because the group moves, or not answered: what it would have said is said by the next one.
            log.warning(
                "commit_failed", extra={"topic": self._topic, "error": describe(kafka_error(failed), self._about)}
            )
        too_large = failed is not None and kafka_error(failed).code() == KafkaError.OFFSET_METADATA_TOO_LARGE
        self._listener.on_committed(acknowledged=not failed, too_large=too_large)

    def _commits(self, commits: dict[int, Commit]) -> list[TopicPartition]:
        return [TopicPartition(self._topic, part, one.offset, one.metadata) for part, one in commits.items()]

    def _offsets(self, offsets: dict[int, int]) -> list[TopicPartition]:
        return [TopicPartition(self._topic, partition, offset) for partition, offset in offsets.items()]


def _is_fatal(error: KafkaError) -> bool:
    """Whether the client is beyond help; of a fenced one its commits are told first."""
    return error.fatal() or error.code() in {KafkaError._FATAL, KafkaError.FENCED_INSTANCE_ID}
