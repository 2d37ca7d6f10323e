"""`batch-events rewind`: a subscription's events again from a time on.

Shape   Rewind(cluster, subscription, topic).plan() -> what would become of each partition, beside whoever delivers;
        .run() -> what became of it
Alone   refused while the group has members. run() then joins the group itself, as its only member, and takes all
        partitions: whoever joins meanwhile gets none before it has left, and finds what it has written
Atomic  one transaction moves all partitions: offsets, maps, and the tombstones of the held keys that are released. A
        kill half way leaves everything as it was, or all of it done; repeated, the command does the same again
Untouched  the redrive input's offsets and held keys, dead letters, other subscriptions
Errors  PipelineError: members, a partition whose held keys are not known, Kafka does not go along
"""

import logging
import time

import msgspec
from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from pipeline.cluster import Cluster
from pipeline.commit_note import CommitNote, write_fitting
from pipeline.errors import PipelineError, TopicMissingError, TransactionFailedError
from pipeline.group_questions import answer, members
from pipeline.held import HeldKey
from pipeline.held_reader import KafkaHeldReader
from pipeline.held_record import EVENTS, held_key
from pipeline.kafka_errors import About, describe, is_access, kafka_error
from pipeline.leaving import leave
from pipeline.ports import Batch, Commit, Start, Write
from pipeline.restoring import Restored, Restoring
from pipeline.rewinding import Rewound, rewound
from pipeline.starts import Starts
from pipeline.subscription import Start as StartAt
from pipeline.subscription import Subscription
from pipeline.topics import held_topic, subscription_group
from pipeline.transactions import KafkaTransactions

log = logging.getLogger(__name__)

ANSWER_S = 10.0
JOIN_S = 30.0
HELD_S = 60.0
POLL_S = 0.05


class Target(msgspec.Struct, frozen=True):
    """What is asked for: everything from there on again; skip gives up what is pending before."""

    at: StartAt
    skip: bool


class _Known(msgspec.Struct, frozen=True):
    """What is known of a partition: where it would begin, what its next commits say, and its held keys."""

    start: Start
    note: CommitNote
    held: list[HeldKey]


class Rewind:
    """One subscription's."""

    def __init__(self, cluster: Cluster, subscription: Subscription, topic: str) -> None:
        self._cluster = cluster
        self._label = subscription.label
        self._topic = topic
        self._group = subscription_group(subscription.topic_name, subscription.name)
        self._held_topic = held_topic(subscription.topic_name, subscription.name)
        self._about = About((topic, self._held_topic), self._group)
        self._holds = subscription.http is not None
        self._config = cluster.consumer_config(self._group) | {"logger": log}
        if self._config["group.protocol"] == "classic":
            self._config["partition.assignment.strategy"] = "cooperative-sticky"  # _on_assign is for that alone
        self._start = subscription.start
        self._assigned: set[int] = set()
        self._disturbed = False

    def members(self) -> int:
        """How many members the group has."""
        try:
            return members_of(self._cluster, self._group)
        except KafkaException as error:
            raise self._cluster.explain(error, self._about) from error

    def plan(self, target: Target) -> dict[int, Rewound]:
        """What would become of each partition."""
        consumer = Consumer(self._config)
        try:
            known = self._known(consumer, self._partitions(consumer), target, end_transactions=False)
            return self._decide(consumer, known, target)
        except KafkaException as error:
            raise self._cluster.explain(error, self._about) from error
        finally:
            consumer.close()

    def run(self, target: Target) -> dict[int, Rewound]:
        """Do it."""
        self._refuse_company(self.members())
        consumer = Consumer(self._config)
        transactions = KafkaTransactions(self._cluster, f"{self._group}.rewind", lambda: True, self._group)
        try:
            membership = self._join(consumer)
            known = self._known(consumer, sorted(self._assigned), target, end_transactions=True)
            decided = self._decide(consumer, known, target)
            batch = self._batch(known, decided, transactions.transactional_id)
            if batch.commits:
                self._move(transactions, batch, membership)
        except KafkaException as error:
            raise self._cluster.explain(error, self._about) from error
        else:
            return decided
        finally:
            transactions.close()
            leave(consumer, self._config)

    def _move(self, transactions: KafkaTransactions, batch: Batch, membership: object) -> None:
        try:
            transactions.run(batch, membership)
        except TransactionFailedError as error:
            came = "whether it was done is not known; repeat it" if error.unknown else "nothing was changed"
            raise PipelineError(f"{self._label}: {came}: {error}") from error

    def _refuse_company(self, members: int) -> None:
        if members:
            raise PipelineError(
                f"{self._label}: group {self._group} has {members} members: stop every process that delivers it first "
                "(one that was killed stays a member until its session has expired, 6 s unless configured)"
            )

    def _partitions(self, consumer: Consumer) -> list[int]:
        topics = consumer.list_topics(timeout=ANSWER_S).topics
        if self._topic not in topics:
            raise self._cluster.topic_refused([self._topic]) or TopicMissingError(self._topic)
        return sorted(topics[self._topic].partitions)

    def _join(self, consumer: Consumer) -> object:
        """Become the group's only member; returns who we are, as long as nobody else joins."""
        wanted = set(self._partitions(consumer))
        consumer.subscribe([self._topic], on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_revoke)
        until_s = time.monotonic() + JOIN_S
        while self._assigned != wanted:
            self._poll(consumer)
            if time.monotonic() > until_s:
                raise PipelineError(
                    f"{self._label}: {len(self._assigned)} of {len(wanted)} partitions assigned within {JOIN_S:g} s: "
                    f"somebody else is a member of group {self._group}"
                )
        return consumer.consumer_group_metadata()

    def _poll(self, consumer: Consumer) -> None:
        message = consumer.poll(POLL_S)
        error = None if message is None else message.error()
        if error is not None:
            self._waits(error, About((self._topic,), self._group))
        if self._disturbed:
            raise PipelineError(f"{self._label}: somebody joined group {self._group} meanwhile; nothing was changed")

    def _on_assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        placed = [TopicPartition(part.topic, part.partition, 0) for part in partitions]
        consumer.incremental_assign(placed)
        consumer.pause(placed)
        self._assigned |= {part.partition for part in partitions}

    def _on_revoke(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._disturbed = True
        consumer.incremental_unassign(partitions)

    def _known(
        self, consumer: Consumer, partitions: list[int], target: Target, *, end_transactions: bool
    ) -> dict[int, _Known]:
        """Where the partitions begin, and their held keys.

        Args:
            target: one that skips needs no held keys that can be trusted.
            end_transactions: end what a killed owner has left open. Never beside a living one: it would be fenced.
        """
        starts = Starts(self._cluster, consumer, self._topic, self._start, self._asks_again, self._about).of(partitions)
        if not self._holds:
            return {partition: _Known(start, CommitNote(), []) for partition, start in starts.items()}
        if not end_transactions:
            starts = {partition: _without_owner(start) for partition, start in starts.items()}
        restored = self._restored(consumer, starts, skip=target.skip)
        return {one.partition: _Known(starts[one.partition], one.note, list(one.keys)) for one in restored}

    def _restored(self, consumer: Consumer, starts: dict[int, Start], *, skip: bool) -> list[Restored]:
        restoring = Restoring(self._held_reader(), EVENTS, self._label)
        restored: list[Restored] = []
        until_s = time.monotonic() + HELD_S
        try:
            restoring.begin(starts)
            while restoring.reading:
                restored += restoring.step()
                if self._assigned:
                    self._poll(consumer)
                if time.monotonic() > until_s:
                    raise PipelineError(f"{self._held_topic}: not read to its end within {HELD_S:g} s")
            for partition, fault in restoring.unfit.items():
                if not skip:
                    raise PipelineError(
                        f"{self._label}: partition {partition}: {fault}: what is pending there is not known; "
                        "--skip gives it up"
                    )
            return restored + restoring.take_unfit()
        finally:
            restoring.close()

    def _held_reader(self) -> KafkaHeldReader:
        about = About((self._held_topic,))
        return KafkaHeldReader(self._cluster, self._held_topic, lambda error: self._waits(error, about))

    def _asks_again(self, error: KafkaError) -> None:
        self._waits(error, self._about)

    def _waits(self, error: KafkaError, about: About) -> None:
        """For what passes; a right that is missing does not."""
        if is_access(error):
            raise self._cluster.explain(error, about)
        log.warning("rewind_waits", extra={"topic": self._topic, "error": describe(error, about)})

    def _decide(self, consumer: Consumer, known: dict[int, _Known], target: Target) -> dict[int, Rewound]:
        starts = Starts(self._cluster, consumer, self._topic, self._start, self._asks_again, self._about)
        to = starts.offsets_at(target.at, sorted(known))
        return {
            partition: rewound(one.start, one.held, to[partition], skip=target.skip)
            for partition, one in sorted(known.items())
        }

    def _batch(self, known: dict[int, _Known], decided: dict[int, Rewound], transactional_id: str) -> Batch:
        writes: list[Write] = []
        commits: dict[int, Commit] = {}
        for partition, one in decided.items():
            if one.changed:
                keys = [held_key(EVENTS, key) for key in one.released]
                writes += [Write(self._held_topic, partition, key, None) for key in keys]
                note = msgspec.structs.replace(
                    known[partition].note, held_keys=one.kept, transactional_id=transactional_id, runs=one.runs
                )
                commits[partition] = Commit(one.offset, write_fitting(note) if self._holds else "")
        return Batch(writes, self._topic, commits, "in-rewind")


def members_of(cluster: Cluster, group: str) -> int:
    """How many members a group has; none if there is no such group.

    Raises:
        KafkaException: nobody says so now.
    """
    try:
        return len(answer(cluster.shared_admin, lambda admin: members(admin, group), ANSWER_S).members)
    except KafkaException as error:
        if kafka_error(error).code() == KafkaError.GROUP_ID_NOT_FOUND:
            return 0
        raise


def _without_owner(start: Start) -> Start:
    return msgspec.structs.replace(start, note=msgspec.structs.replace(start.note, transactional_id=""))
