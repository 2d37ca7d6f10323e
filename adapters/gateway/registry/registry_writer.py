"""The management calls: what the owner of slot 0 does to the registry and to the Kafka topics.

Shape   RegistryWriter(view, log, logs, plan, …): await manage(request) -> Answer; await tidy(); await close()
Order   a queue's or topic's Kafka topic is there before its entry, and goes after it: an entry says what can be used
Take    before the first change, and after one whose outcome nobody knows, the log is opened anew, which shuts a former
        writer out, and read to its end: what is decided is decided on all there is. Whoever else still takes itself
        for the owner fails at its next change
Adopted a Kafka topic of ours without an entry (made for the configuration file, or by a writer that died before it
        wrote the entry) gets one when the log is opened, and when somebody asks for it
Grown   a queue's Kafka topic that an operator has given more partitions is looked for now and then, and its entry put
        right: messages go to all of them at once
Gone    a deleted name cannot be made again for 30 s, and as long as its Kafka topic is there; tidy() sees to both
Errors  CmqError; SlotLostError where the outcome is unknown: ask again, whoever the owner is then
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import partial
from typing import Protocol, TypeVar

from confluent_kafka import KafkaException

from adapters.gateway.errors import CmqError, Row
from adapters.gateway.logs.blocking import blocking
from adapters.gateway.logs.kafka_logs import KafkaLogs
from adapters.gateway.peers.peer_messages import (
    AdoptQueueRequest,
    AdoptTopicRequest,
    CreateQueueRequest,
    CreateTopicRequest,
    DeleteQueueRequest,
    DeleteTopicRequest,
    Done,
    Made,
    ManageRequest,
    SetQueueRequest,
    SetSubscriptionRequest,
    SetTopicRequest,
    SubscribeRequest,
    UnsubscribeRequest,
)
from adapters.gateway.registry.registry_decisions import (
    RegistryLimits,
    changed_queue,
    changed_subscription,
    changed_topic,
    gone_queue,
    gone_topic,
    may_create_queue,
    may_create_topic,
    new_subscription,
    own_subscription,
    queue_entry,
)
from adapters.gateway.registry.registry_log import AppendedRecord, RegistryLog
from adapters.gateway.registry.registry_plan import Plan
from adapters.gateway.registry.registry_state import RegistryState
from adapters.gateway.slot_ports import SlotLostError
from pipeline.clock import SystemTimes, Times
from pipeline.cmq_registry import Entry, Gone, SubscriptionEntry, TopicEntry, encode, key_of, queue_key, topic_key
from pipeline.errors import PipelineError
from pipeline.kafka_errors import NOTHING, About, describe

log = logging.getLogger(__name__)

STEP_S = 15.0
"""How long one step may take that asks Kafka."""

GROWN_EACH_S = 15.0

DELETE_WITHIN_S = 5.0
"""From the decision to delete a Kafka topic to the request: far less than the name's quarantine."""

Result = TypeVar("Result")
Spread = Callable[[], Awaitable[None]]


class View(Protocol):
    """What the writer needs of the RegistryView."""

    state: RegistryState

    async def catch_up(self) -> None:
        """As RegistryView's."""


class RegistryWriter:
    """Changes the registry, one change after the other. All on the event loop's thread."""

    def __init__(
        self,
        view: View,
        registry_log: RegistryLog,
        logs: KafkaLogs,
        plan: Plan,
        limits: RegistryLimits | None = None,
        times: Times | None = None,
        spread: Spread | None = None,
        begin: Callable[[SubscriptionEntry], None] | None = None,
    ) -> None:
        """Nothing is asked of the brokers yet.

        Args:
            plan: what the Kafka topics are to be.
            begin: has a subscription that is about to be made begin at its topic's end; blocks.
            spread: called after each change, before it is answered: has every replica read the registry.
        """
        self._view = view
        self._log = registry_log
        self._logs = logs
        self._plan = plan
        self._limits = limits or RegistryLimits()
        self._times = times or SystemTimes()
        self._spread = spread or view.catch_up
        self._begin = begin
        self._turn = asyncio.Lock()
        self._open = False
        self._looked_s = 0.0

    async def manage(self, request: ManageRequest) -> Done | Made:
        """Do what is asked.

        Raises:
            CmqError: it cannot be done; nothing was changed.
            SlotLostError: nobody knows what was done.
        """
        async with self._turn:
            await self._take_over()
            await self._free()
            return await self._made(request) or await self._changed(request)

    async def tidy(self) -> None:
        """Free the names whose quarantine is over; take over, if that was not done yet; see what has grown.

        Raises:
            SlotLostError: another time.
        """
        async with self._turn:
            await self._take_over()
            await self._free()
            if time.monotonic() - self._looked_s >= GROWN_EACH_S:
                await self._grow(await self._ask(self._logs.existing))

    async def close(self) -> None:
        """The slot is another's now, or we end."""
        async with self._turn:
            self._open = False
            try:
                await blocking(self._log.close, STEP_S)
            except TimeoutError:
                log.warning("registry_log_not_closed")

    async def _free(self) -> None:
        """Free the names whose quarantine is over and whose Kafka topics are gone."""
        now_s = self._now_s()
        over = [gone for gone in self._view.state.gone() if gone.until_s <= now_s]
        if not over:
            return
        decided_s = time.monotonic()
        existing = await self._ask(self._logs.existing)
        for gone in over:
            if (name := self._plan.kafka_topic(gone)) in existing:
                await self._delete(name, decided_s)
        existing = await self._ask(self._logs.existing)
        free = [gone for gone in over if self._plan.kafka_topic(gone) not in existing]
        await self._write((), removed=map(key_of, free))

    async def _take_over(self) -> None:
        if self._open:
            return
        await self._ask(self._log.open, self._log.about)
        await self._read()
        self._open = True
        existing = await self._ask(self._logs.existing)
        state = self._view.state
        queues = {name: topic for topic in existing if (name := self._plan.queue_of(topic)) is not None}
        topics = {name.lower(): name for topic in existing if (name := self._plan.topic_of(topic)) is not None}
        await self._adopt(
            {name: topic for name, topic in queues.items() if state.get(queue_key(name)) is None},
            [name for name in topics.values() if state.get(topic_key(name)) is None],
            existing,
        )
        await self._grow(existing)

    async def _grow(self, existing: Mapping[str, int]) -> None:
        """Have all partitions of queues' Kafka topics read."""
        self._looked_s = time.monotonic()
        grown = self._plan.grown(self._view.state.queues(), existing)
        if grown:
            log.info("queues_grown", extra={"names": [entry.name for entry in grown]})
            await self._write(grown)

    async def _adopt(self, queues: dict[str, str], topics: Iterable[str], existing: dict[str, int]) -> None:
        """Make entries for queues, whose Kafka topics are told with them, and topics."""
        now_s = self._now_s()
        events = {name: self._plan.event_topic(name) for name in topics}
        ids = await self._ask(partial(self._logs.ids, asked := [*queues.values(), *events.values()]), About((*asked,)))
        await self._stamp([topic for topic in queues.values() if topic in ids], self._plan.adopted_queue_config)
        entries: list[Entry] = [
            self._plan.adopted_queue(name, (ids[topic], existing[topic]), now_s)
            for name, topic in queues.items()
            if topic in ids
        ]
        entries += [self._plan.adopted_topic(name, ids[topic], now_s) for name, topic in events.items() if topic in ids]
        if entries:
            log.info("registry_adopted", extra={"names": [key_of(entry) for entry in entries]})
            await self._write(entries)

    async def _stamp(self, topics: list[str], config: Mapping[str, str]) -> None:
        """Have Kafka's time stand in what is found; without the right to it the producers' times have to do."""
        try:
            await blocking(partial(self._logs.set_config, topics, config), STEP_S)
        except (KafkaException, TimeoutError) as error:
            log.warning("queue_topic_not_configured", extra={"topics": topics, "error": _shown(error)})

    async def _made(self, request: ManageRequest) -> Made | None:
        """Make what is asked for; None if that is not what is asked."""
        match request:
            case CreateQueueRequest():
                return await self._create_queue(request)
            case CreateTopicRequest():
                return await self._create_topic(request)
            case AdoptQueueRequest(name):
                return await self._adopt_one(queue_key(name), self._plan.queue_topic(name))
            case AdoptTopicRequest(name):
                return await self._adopt_one(topic_key(name), self._plan.event_topic(name))
            case SubscribeRequest(asked):
                entry = new_subscription(self._view.state, asked, self._limits, self._now_s())
                if entry is not None and self._begin is not None:
                    await self._begun(partial(self._begin, entry))
                await self._write([entry] if entry is not None else [])
                return Made(asked.subscription_id)
            case _:
                return None

    async def _changed(self, request: ManageRequest) -> Done:
        """Change or delete what is there."""
        state, now_s = self._view.state, self._now_s()
        match request:
            case SetQueueRequest():
                await self._set_queue(request)
            case SetTopicRequest():
                await self._write([changed_topic(state, request, now_s)])
            case SetSubscriptionRequest():
                await self._write([changed_subscription(state, request, now_s)])
            case DeleteQueueRequest(name):
                await self._delete_name(gone_queue(state, name, now_s))
            case DeleteTopicRequest(name):
                await self._delete_name(gone_topic(state, name, now_s))
            case UnsubscribeRequest(topic, name):
                await self._write((), removed=[key_of(own_subscription(state, topic, name))])
            case _:
                raise TypeError(f"{type(request).__name__} changes nothing")
        return Done()

    async def _create_queue(self, request: CreateQueueRequest) -> Made:
        made = may_create_queue(self._view.state, request, self._limits, self._now_s())
        if made is None:
            spec = self._plan.queue_spec(request.name, request.attributes)
            if not await self._ask(partial(self._logs.create, spec), About((spec.name,))):
                config = {"retention.ms": spec.config["retention.ms"], **self._plan.adopted_queue_config}
                await self._stamp([spec.name], config)
            about = await self._ask(partial(self._logs.describe, spec.name), About((spec.name,)))
            await self._write([queue_entry(request.name, request.queue_id, about, request.attributes, self._now_s())])
        return Made(request.queue_id)

    async def _create_topic(self, request: CreateTopicRequest) -> Made:
        made = may_create_topic(self._view.state, request, self._limits, self._now_s())
        if made is None:
            spec = self._plan.topic_spec(request.name)
            await self._ask(partial(self._logs.create, spec), About((spec.name,)))
            now_s = self._now_s()
            limit, kind = request.max_msg_size, request.filter_type
            await self._write([TopicEntry(request.name, request.topic_id, limit, kind, now_s, now_s)])
        return Made(request.topic_id)

    async def _set_queue(self, request: SetQueueRequest) -> None:
        before = self._view.state.queue(request.name)
        entry = changed_queue(self._view.state, request, self._now_s())
        if before is not None and before.attributes.retention_s != entry.attributes.retention_s:
            config = {"retention.ms": self._plan.queue_spec(entry.name, entry.attributes).config["retention.ms"]}
            topics = (self._plan.queue_topic(entry.name),)
            await self._ask(partial(self._logs.set_config, topics, config), About(topics))
        await self._write([entry])

    async def _delete_name(self, gone: Gone) -> None:
        decided_s = time.monotonic()
        await self._write([gone])
        await self._delete(self._plan.kafka_topic(gone), decided_s)

    async def _delete(self, kafka_topic: str, decided_s: float) -> None:
        """What cannot be deleted now is deleted when its name is freed."""
        try:
            done = await blocking(partial(self._logs.delete, kafka_topic, decided_s + DELETE_WITHIN_S), STEP_S)
        except (KafkaException, TimeoutError) as error:
            log.warning("kafka_topic_not_deleted", extra={"topic": kafka_topic, "error": _shown(error)})
        else:
            if not done:
                log.warning("kafka_topic_not_deleted", extra={"topic": kafka_topic, "error": "too late"})

    async def _adopt_one(self, key: str, kafka_topic: str) -> Made:
        queue, topic = self._plan.queue_of(kafka_topic), self._plan.topic_of(kafka_topic)
        state = self._view.state
        if state.get(key) is None and (queue or topic):
            existing = await self._ask(self._logs.existing)
            if kafka_topic in existing:
                await self._adopt({queue: kafka_topic} if queue else {}, [topic] if topic else [], existing)
        entry = state.get(key)
        return Made("" if entry is None or isinstance(entry, Gone) else key)

    async def _write(self, entries: Iterable[Entry], removed: Iterable[str] = ()) -> None:
        """Append, and have it known; nothing to append: have known what was."""
        records: list[AppendedRecord] = [encode(entry) for entry in entries]
        records += [(key.encode(), None) for key in removed]
        if records:
            await self._ask(partial(self._log.append, records), self._log.about)
            await self._read()
        await self._spread()

    async def _read(self) -> None:
        """Know what is in the log."""
        try:
            await self._view.catch_up()
        except CmqError as error:
            self._open = False
            raise SlotLostError from error

    async def _begun(self, begin: Callable[[], None]) -> None:
        """What has not begun is not made."""
        try:
            await blocking(begin, STEP_S)
        except TimeoutError as error:
            raise Row.INTERNAL.error() from error
        except PipelineError as error:
            log.warning("subscription_not_begun", extra={"error": str(error)})
            raise Row.INTERNAL.error() from error

    async def _ask(self, call: Callable[[], Result], about: About = NOTHING) -> Result:
        """Ask Kafka; whatever it does not answer leaves us without a writer."""
        try:
            return await blocking(call, STEP_S)
        except (KafkaException, TimeoutError) as error:
            self._open = False
            log.warning("registry_change_failed", extra={"error": _shown(error, about)})
            raise SlotLostError from error
        except asyncio.CancelledError:
            self._open = False  # what was asked goes on by itself, and would meet the next change
            raise

    def _now_s(self) -> int:
        return self._times.now_ms() // 1000


def _shown(error: KafkaException | TimeoutError, about: About = NOTHING) -> str:
    return describe(error, about) if isinstance(error, KafkaException) else "no answer"
