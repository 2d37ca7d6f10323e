"""The subscriptions made at run time, as `run` is to deliver them: what `cmq.registry` says, from its beginning on.

Shape   RunTime: look(topics) now and then, wanted() -> what is to be delivered now, by label, or None as long as that
        is not known; create_topics(subscription) -> what makes its topics, as `topics --apply` does for the file's
Judged  an entry that no subscription can be made of is said once and left out; a subscription of the file wins over an
        entry of its name, whatever the case of its letters
Start   whoever makes a subscription commits its group's offsets at the topic's end before the entry is written
        (subscribing.py). Where a partition has none (it is newer, or they have expired) it begins at the first record
        that is not older than the subscription
Kafka   one consumer that joins no group. Nothing counts before the registry was read to its end: what has been replaced
        since must not start. One that is gone, or made anew, changes nothing until it has been read again
Errors  none: what cannot be read is said, and read again from its beginning as soon as it can be
Threads the main thread is its only caller; what create_topics() gives may be called by any
"""

import logging
import time
from collections.abc import Collection

import msgspec
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, Message, TopicPartition

from adapters.inputs import CreateTopics
from adapters.provision import TopicAdmin
from adapters.run_time_entries import EntryError, needed_by, settings_of, subscription_of
from adapters.settings import HttpSubscriptionSettings, QueueSubscriptionSettings, Settings
from adapters.topic_wait import SAY_EVERY_S
from pipeline.cluster import Cluster
from pipeline.cmq_registry import REGISTRY_TOPIC, Entry, Gone, SubscriptionEntry, decode
from pipeline.kafka_errors import About, describe
from pipeline.subscription import Subscription
from pipeline.topics import event_topic, queue_topic

log = logging.getLogger(__name__)

STEP = 1_000
"""Records that are read in one go."""


class RunTime:
    """Follows the registry."""

    def __init__(
        self, settings: Settings, cluster: Cluster, admin: TopicAdmin, only: Collection[str] | None = None
    ) -> None:
        """Begin with nothing known.

        Args:
            only: the labels that may be delivered here; None for all.
        """
        self._settings = settings
        self._cluster = cluster
        self._admin = admin
        self._only = only
        self._of_file = {f"{one.topic}/{one.name}".lower() for one in settings.subscriptions}
        self._consumer: Consumer | None = None
        self._entries: dict[str, Entry] = {}
        self._changed = False
        self._wanted: dict[str, Subscription] | None = None
        self._made: dict[str, QueueSubscriptionSettings | HttpSubscriptionSettings] = {}
        self._said: dict[str, str] = {}
        """By key, what was said of its entry last."""

        self._troubled_s = float("-inf")

    def look(self, topics: Collection[str]) -> None:
        """Take the registry up once it is there."""
        if self._consumer is None and REGISTRY_TOPIC in topics:
            config = self._cluster.consumer_config("batch-events-registry", self._cluster.note)
            self._consumer = Consumer(config | {"enable.partition.eof": True, "logger": log})
            self._consumer.assign([TopicPartition(REGISTRY_TOPIC, 0, OFFSET_BEGINNING)])
            self._entries, self._changed = {}, True

    def wanted(self) -> dict[str, Subscription] | None:
        """What is to be delivered, as far as the registry was read; does not block."""
        while self._consumer is not None:
            messages = self._consumer.consume(STEP, 0)
            for message in messages:
                self._take(message)
            if len(messages) < STEP:
                break
        return self._wanted

    def close(self) -> None:
        """Let go of the client."""
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            consumer.close()

    def _take(self, message: Message) -> None:
        error = message.error()
        if error is None:
            self._changed = True
            self._enter((message.key() or b"").decode("utf-8", "replace").lower(), message.value())
        elif error.code() == KafkaError._PARTITION_EOF:
            if self._changed:
                self._changed, self._wanted = False, self._judged()
        elif error.code() != KafkaError.GROUP_AUTHORIZATION_FAILED:  # no group is joined
            self._trouble(error)

    def _trouble(self, error: KafkaError) -> None:
        """Begin again with the next look()."""
        if time.monotonic() - self._troubled_s >= SAY_EVERY_S:
            self._troubled_s = time.monotonic()
            log.error("registry_not_read", extra={"reason": describe(error, About((REGISTRY_TOPIC,)))})
        self.close()

    def _enter(self, key: str, value: bytes | None) -> None:
        self._entries.pop(key, None)
        if value is None:
            self._said.pop(key, None)
            return
        try:
            self._entries[key] = decode(value)
        except msgspec.DecodeError as error:  # a ValidationError is one, too
            self._say(key, "registry_entry_unread", str(error))

    def _judged(self) -> dict[str, Subscription]:
        wanted: dict[str, Subscription] = {}
        self._made = {}
        for key, entry in self._entries.items():
            if isinstance(entry, SubscriptionEntry) and (one := self._one(key, entry)) is not None:
                wanted[one.label] = one
        return wanted

    def create_topics(self, one: Subscription) -> CreateTopics:
        """What makes its topics as long as some are missing."""
        made, said = self._made[one.label], set[str]()

        def create(topics: set[str]) -> None:
            partitions = self._admin.partitions.get(event_topic(one.topic_name, self._settings.topics.prefix), 0)
            specs = needed_by(made, self._settings, partitions) if partitions else []
            missing = [spec for spec in specs if spec.name not in topics and not self._goes(spec.name)]
            for name, reason in self._admin.create(missing).items():
                if reason is None:
                    log.info("topic_created", extra={"topic": name})
                elif reason not in said:
                    said.add(reason)
                    log.error("topic_not_created", extra={"topic": name, "reason": reason})

        return create

    def _goes(self, topic: str) -> bool:
        """Whether it is that of a queue that was deleted: it must not come back by itself."""
        return any(isinstance(one, Gone) and queue_topic(one.name) == topic for one in tuple(self._entries.values()))

    def _one(self, key: str, entry: SubscriptionEntry) -> Subscription | None:
        label = f"{entry.topic_name}/{entry.name}"
        if label.lower() in self._of_file:
            self._say(key, "registry_entry_ignored", "the configuration file has a subscription of that name")
            return None
        if self._only is not None and label not in self._only:
            return None
        try:
            self._made[label] = settings_of(entry, self._settings)
            return subscription_of(entry, self._settings)
        except EntryError as error:
            self._say(key, "registry_entry_ignored", str(error))
            return None

    def _say(self, key: str, event: str, reason: str) -> None:
        """Once, as long as it is the same."""
        if self._said.get(key) != reason:
            self._said[key] = reason
            log.warning(event, extra={"key": key, "reason": reason})
