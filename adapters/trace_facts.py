"""What Kafka knows of events and one subscription: gathered for pipeline/verdict.py, which judges.

Shape   Investigation(…).run(now_ms) -> Found for each event that was asked for, oldest first
Sources the event topic, the group's offsets and maps, the held keys, the dead letters and what of them was redriven,
        the trace; in that order, so that what moves meanwhile is seen where it arrives. Events that the event topic
        has lost are known from the others
Cost    the event topic is read once from the time asked for, or from its beginning; of the trace one partition a key
Bounds  at most MOST events; `more` says that there were others
Errors  PipelineError; TopicMissingError for the event topic alone
"""

from collections.abc import Iterator

import msgspec
from confluent_kafka import Message

from adapters.group_progress import Progress, progress_of
from adapters.topic_reader import Choice, everything, read_topic
from pipeline.cluster import Cluster
from pipeline.dead_letter import PREFIX
from pipeline.errors import TopicMissingError
from pipeline.free_text import is_text, record_id
from pipeline.headers import find_header
from pipeline.held import HeldKey, HeldKeys
from pipeline.held_record import EVENTS, HeldRecordError, read_record, released_key
from pipeline.log_reader import record_of
from pipeline.ports import Record
from pipeline.subscription import Subscription
from pipeline.topics import (
    TRACE_TOPIC,
    dead_letter_topic,
    event_topic,
    held_topic,
    redrive_topic,
    subscription_group,
)
from pipeline.trace_record import FAILED, TraceBlockError, TraceEntry, read_block, trace_partition
from pipeline.transform import event_id_of, passes_filters
from pipeline.verdict import Behind, Buried, Facts, Turn
from schemas.avro import ResolveId, decode_avro
from schemas.errors import AvroDecodeError, ResourceError
from schemas.events import BatchEvent

MOST = 10_000

SLACK_MS = 3_600_000
"""How much the clocks of those who publish and those who deliver may differ."""

Place = tuple[int, int]
"""Partition and offset in the event topic."""


class Question(msgspec.Struct, frozen=True):
    """Which events are meant; what is None lets everything through.

    Attributes:
        since_ms, until_ms: when the event was published, Unix milliseconds; until is exclusive.
    """

    event_id: bytes | None = None
    key: bytes | None = None
    since_ms: int | None = None
    until_ms: int | None = None

    def in_time(self, published_ms: int) -> bool:
        """Whether it was published in that time."""
        late = self.until_ms is not None and published_ms >= self.until_ms
        return not late and (self.since_ms is None or published_ms >= self.since_ms)


class Event(msgspec.Struct, frozen=True):
    """An event, as far as it is known: without a name or a time where only the trace tells of it."""

    partition: int
    offset: int
    key: bytes | None
    event_id: bytes
    name: str | None = None
    published_ms: int | None = None
    text: bool = False
    """It is no event but free text."""

    filtered: bool = False
    """The subscription's filter tags or binding keys leave it out."""

    @property
    def place(self) -> Place:
        """Where it is, or was."""
        return self.partition, self.offset


class Found(msgspec.Struct, frozen=True):
    """An event, and what is known about it and the subscription."""

    event: Event
    facts: Facts


class Investigation:
    """One question about one subscription."""

    def __init__(
        self, cluster: Cluster, prefix: str, subscription: Subscription, resolve: ResolveId, question: Question
    ) -> None:
        self._cluster = cluster
        self._one = subscription
        self._resolve = resolve
        self._question = question
        self._topic = event_topic(subscription.topic_name, prefix)
        self._letters_topic = dead_letter_topic(subscription.topic_name, subscription.name)
        self._events: dict[Place, Event] = {}
        self._earlier: dict[Place, Event] = {}
        """Events that were not asked for, and that others wait for."""

        self._heads: dict[tuple[int, bytes | None], Place] = {}
        """By partition and key the first event that is not settled, where the key is not held."""

        self._progress: dict[int, Progress] = {}
        self._held: dict[int, HeldKeys] = {}
        self._letters: dict[Place, Buried] = {}
        self._entries: dict[Place, list[TraceEntry]] = {}
        self.more = False
        self.untraced: str | None = None
        """Why there are no entries, if nobody could have read them."""

    def run(self, now_ms: int) -> list[Found]:
        """Gather."""
        self._read_events()
        partitions = sorted({event.partition for event in self._events.values()})
        group = subscription_group(self._one.topic_name, self._one.name)
        self._progress = progress_of(self._cluster, group, self._topic, partitions)
        if self._one.http is not None:
            self._read_held(partitions)
            self._read_earlier()
        self._read_letters()
        if self._one.http is not None:
            self._read_trace()
        events = sorted(self._events.values(), key=lambda event: (event.published_ms or 0, event.place))
        return [Found(event, self._facts(event, now_ms)) for event in events]

    def _read_events(self) -> None:
        question = self._question
        for message in read_topic(self._cluster, self._topic, since_ms=question.since_ms):
            if question.key is not None and message.key() != question.key:
                continue
            if not question.in_time(message.timestamp()[1]):
                continue
            event = self._event(record_of(message))
            if question.event_id in {None, event.event_id} and self._full_of(event):
                return

    def _full_of(self, event: Event) -> bool:
        """Keep it, if there is room."""
        if len(self._events) >= MOST:
            self.more = True
        else:
            self._events[event.place] = event
        return self.more

    def _event(self, record: Record) -> Event:
        an_id, event, text = record_id(record.headers), self._decoded(record), is_text(record)
        if event is not None and not an_id:
            try:
                an_id = event_id_of(record, event).encode()
            except ResourceError:
                an_id = b""
        name = None if event is None else event.name
        filtered = not passes_filters(self._one, record)
        return Event(record.partition, record.offset, record.key, an_id, name, record.timestamp_ms, text, filtered)

    def _decoded(self, record: Record) -> BatchEvent | None:
        try:
            return None if is_text(record) else decode_avro(record.value or b"", self._resolve)
        except AvroDecodeError:
            return None

    def _read_held(self, partitions: list[int]) -> None:
        topic = held_topic(self._one.topic_name, self._one.name)
        for message in self._if_there(topic, lambda count: {part: 0 for part in partitions if part < count}):
            value = message.value()
            try:
                source, key, state = released_key(message.key()) if value is None else read_record(message.key(), value)
            except HeldRecordError:
                continue
            if source == EVENTS:
                self._held.setdefault(message.partition() or 0, HeldKeys(0)).restore(key, state)

    def _if_there(self, topic: str, choice: Choice = everything, since_ms: int | None = None) -> Iterator[Message]:
        try:
            yield from read_topic(self._cluster, topic, choice, since_ms)
        except TopicMissingError:
            return

    def _held_key(self, event: Event) -> HeldKey | None:
        """Its key, if that is held and the event is not done."""
        keys = self._held.get(event.partition)
        held = None if keys is None else keys.get(event.key)
        return held if held is not None and event.offset >= held.frontier else None

    def _read_earlier(self) -> None:
        """The events that others wait for."""
        lanes: dict[int, dict[bytes | None, int]] = {}
        for event in self._events.values():
            held, progress = self._held_key(event), self._progress.get(event.partition, Progress())
            if held is not None and held.known:
                self._read_one((event.partition, held.known[0]))
            elif held is None and progress.committed is not None and not progress.settled(event.offset):
                last = lanes.setdefault(event.partition, {})
                last[event.key] = max(event.offset, last.get(event.key, 0))
        for partition, last in lanes.items():
            self._read_heads(partition, last)

    def _read_one(self, place: Place) -> None:
        if place in self._events or place in self._earlier:
            return
        partition, offset = place
        message = next(read_topic(self._cluster, self._topic, lambda _: {partition: offset}), None)
        if message is not None and message.offset() == offset:
            self._earlier[place] = self._event(record_of(message))

    def _read_heads(self, partition: int, last: dict[bytes | None, int]) -> None:
        """Of these keys the first events that are not settled, up to what was asked for."""
        progress, end = self._progress[partition], max(last.values())
        start = progress.committed or 0
        for message in read_topic(self._cluster, self._topic, lambda _: {partition: start}):
            offset, key = message.offset() or 0, message.key()
            if offset >= end:
                return
            if key not in last or (partition, key) in self._heads or progress.settled(offset):
                continue
            event = self._event(record_of(message))
            if not event.filtered and (event.name is None or self._one.wants(event.name)):
                self._heads[partition, key] = event.place
                self._earlier.setdefault(event.place, event)

    def _since_ms(self) -> int | None:
        """From when on others may tell of these events."""
        published = [event.published_ms for event in self._known() if event.published_ms is not None]
        if self._question.since_ms is None and not published:
            return None
        return max(0, min([*published, *filter(None, [self._question.since_ms])]) - SLACK_MS)

    def _known(self) -> Iterator[Event]:
        yield from self._events.values()
        yield from self._earlier.values()

    def _read_letters(self) -> None:
        redriven: dict[int, Progress] = {}
        found: list[tuple[Place, Record]] = []
        for message in self._if_there(self._letters_topic, since_ms=self._since_ms()):
            record = record_of(message)
            found += [(place, record) for place in self._places_of_letter(record)]
        partitions = sorted({record.partition for _, record in found})
        redriven = progress_of(self._cluster, f"{self._letters_topic}.redrive", self._letters_topic, partitions)
        for place, record in found:
            buried = Buried(
                f"{record.partition}:{record.offset}",
                record.timestamp_ms,
                _told(record, "reason"),
                int(_told(record, "attempts") or 0),
                redriven[record.partition].settled(record.offset),
            )
            if place not in self._letters or self._letters[place].time_ms <= buried.time_ms:
                self._letters[place] = buried

    def _places_of_letter(self, record: Record) -> list[Place]:
        """The events that a dead letter is of; one that is known from it alone is an event from now on."""
        topic, an_id = _told(record, "source_topic"), record_id(record.headers)
        if topic == redrive_topic(self._one.topic_name, self._one.name):
            return self._places_of_id(an_id)
        if topic != self._topic:
            return []
        partition, offset = int(_told(record, "source_partition")), int(_told(record, "source_offset"))
        published_ms = int(_told(record, "source_timestamp_ms") or 0)
        if (partition, offset) not in self._events:
            if not self._asked_for(record.key, an_id) or not self._question.in_time(published_ms):
                return []
            event = self._event(msgspec.structs.replace(record, timestamp_ms=published_ms))
            self._full_of(msgspec.structs.replace(event, partition=partition, offset=offset))
        return [(partition, offset)]

    def _asked_for(self, key: bytes | None, an_id: bytes) -> bool:
        """Whether an event that is not in its topic any more is meant, by its own name."""
        question = self._question
        named = question.key is not None or question.event_id is not None
        return named and question.key in {None, key} and question.event_id in {None, an_id}

    def _places_of_id(self, an_id: bytes) -> list[Place]:
        """Where the event of this id is; of one that was published twice, a redrive counts for both."""
        return [event.place for event in self._events.values() if an_id and event.event_id == an_id]

    def _read_trace(self) -> None:
        keys = {event.key for event in self._known()}
        if self._question.key is not None:
            keys.add(self._question.key)

        def choice(count: int) -> dict[int, int]:
            chosen = {trace_partition(key, count) for key in keys} or range(count)
            return dict.fromkeys(chosen, 0)

        label = self._one.label.encode()
        try:
            for message in read_topic(self._cluster, TRACE_TOPIC, choice, self._since_ms()):
                if message.key() == label:
                    self._take_block(message.value())
        except TopicMissingError as error:
            self.untraced = str(error)

    def _take_block(self, value: bytes | None) -> None:
        try:
            entries = read_block(value)
        except TraceBlockError as error:
            self.untraced = str(error)
            return
        for entry in entries:
            for place in self._places_of_entry(entry):
                self._entries.setdefault(place, []).append(entry)

    def _places_of_entry(self, entry: TraceEntry) -> list[Place]:
        if entry.source != EVENTS:
            return self._places_of_id(entry.event_id)
        place = entry.partition, entry.offset
        if place in self._events or place in self._earlier:
            return [place]
        if self._asked_for(entry.key, entry.event_id) and self._question.in_time(entry.time_ms):
            self._full_of(Event(*place, entry.key, entry.event_id))
            return [place]
        return []

    def _facts(self, event: Event, now_ms: int) -> Facts:
        progress, held = self._progress.get(event.partition, Progress()), self._held_key(event)
        is_next = held is not None and bool(held.known) and held.known[0] == event.offset
        return Facts(
            self._one,
            event.partition,
            event.offset,
            event.name,
            now_ms,
            tuple(sorted(self._entries.get(event.place, ()), key=lambda entry: entry.time_ms)),
            progress.committed,
            progress.settled(event.offset),
            progress.read(event.offset),
            held is not None,
            Turn(held.attempts, held.due_ms) if held is not None and is_next else None,
            None if is_next else self._behind(event, held),
            self._letters.get(event.place),
            event.filtered,
        )

    def _behind(self, event: Event, held: HeldKey | None) -> Behind | None:
        if held is not None:
            if not held.known or held.known[0] > event.offset:
                return None
            return Behind(self._what((event.partition, held.known[0])), held.attempts, held.due_ms)
        head = self._heads.get((event.partition, event.key))
        if head is None or head >= event.place:
            return None
        last = next((entry for entry in reversed(self._entries.get(head, ())) if entry.outcome == FAILED), None)
        return Behind(self._what(head), last.attempt if last else 0, last.next_try_ms if last else None)

    def _what(self, place: Place) -> str:
        event = self._events.get(place) or self._earlier.get(place)
        name = "an event" if event is None else event.name or ("a text" if event.text else "an event")
        return f"{name} at {place[0]}:{place[1]}"


def _told(record: Record, name: str) -> str:
    """One of our headers of a dead letter; empty if it is not there."""
    return (find_header(record.headers, f"{PREFIX}{name}") or b"").decode("utf-8", "replace")
