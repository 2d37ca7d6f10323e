"""What was made at run time through the CMQ API: queues, topics, subscriptions; records of `cmq.registry`.

Shape   encode(entry) -> (key, value); decode(value) -> entry, or Gone for a name that is being released
Topic   `cmq.registry`: one partition, compacted. Key `queue:<lower-case name>`, `topic:<lower-case name>`,
        `subscription:<lower-case topic>/<lower-case name>`; value JSON. A deleted name stays as a Gone
        entry while it is being released (CMQ: 30 s), then as a tombstone
Source  design section 4; cmq.md 3.3, 3.4
"""

import msgspec

REGISTRY_TOPIC = "cmq.registry"


class DeadLetterPolicy(msgspec.Struct, frozen=True):
    """Where a queue's message goes that nobody deletes: received more often than this, or unconsumed for so long.

    Attributes:
        queue_name: the dead-letter queue.
        max_receive_count: 1 to 1000; 0: does not count.
        max_time_to_live_s: 300 to 43,200; 0: does not count.
    """

    queue_name: str
    max_receive_count: int = 0
    max_time_to_live_s: int = 0


class QueueAttributes(msgspec.Struct, frozen=True, omit_defaults=True):
    """What CreateQueue and SetQueueAttributes set; CMQ's defaults. Sizes in bytes, times in seconds."""

    max_msg_heap_num: int = 10_000_000
    polling_wait_s: int = 0
    visibility_timeout_s: int = 30
    max_msg_size: int = 65_536
    retention_s: int = 345_600
    rewind_s: int = 0
    dead_letter: DeadLetterPolicy | None = None


class QueueEntry(msgspec.Struct, frozen=True, tag="queue"):
    """A queue.

    Attributes:
        queue_id: CMQ's, opaque to clients.
        topic_id: of its Kafka topic; what is known of a former topic of that name is void.
        slot: of `cmq.slots`, where its messages' states are journaled.
    """

    name: str
    queue_id: str
    topic_id: str
    partitions: int
    slot: int
    attributes: QueueAttributes
    created_s: int
    modified_s: int


class TopicEntry(msgspec.Struct, frozen=True, tag="topic"):
    """A topic; filter_type 1: tags, 2: binding keys."""

    name: str
    topic_id: str
    max_msg_size: int
    filter_type: int
    created_s: int
    modified_s: int


class SubscriptionEntry(msgspec.Struct, frozen=True, tag="subscription"):
    """A subscription; the strings are CMQ's own words (`http`, `queue`, `BACKOFF_RETRY`, `JSON`, …).

    Attributes:
        configured: of the configuration file: read-only through the API; never a record.
    """

    topic_name: str
    name: str
    subscription_id: str
    protocol: str
    endpoint: str
    notify_strategy: str = "EXPONENTIAL_DECAY_RETRY"
    notify_content_format: str = "JSON"
    filter_tags: tuple[str, ...] = ()
    binding_keys: tuple[str, ...] = ()
    created_s: int = 0
    modified_s: int = 0
    configured: bool = False


class Gone(msgspec.Struct, frozen=True, tag="gone"):
    """A name that was deleted and is not free yet."""

    kind: str
    name: str
    until_s: int


Entry = QueueEntry | TopicEntry | SubscriptionEntry | Gone

_ENCODER = msgspec.json.Encoder()
_DECODER: msgspec.json.Decoder[Entry] = msgspec.json.Decoder(Entry)


def queue_key(name: str) -> str:
    """Key of a queue's entry."""
    return f"queue:{name.lower()}"


def topic_key(name: str) -> str:
    """Key of a topic's entry."""
    return f"topic:{name.lower()}"


def subscription_key(topic_name: str, name: str) -> str:
    """Key of a subscription's entry."""
    return f"subscription:{topic_name.lower()}/{name.lower()}"


def key_of(entry: Entry) -> str:
    """Key of an entry."""
    match entry:
        case QueueEntry():
            return queue_key(entry.name)
        case TopicEntry():
            return topic_key(entry.name)
        case SubscriptionEntry():
            return subscription_key(entry.topic_name, entry.name)
        case Gone():
            return f"{entry.kind}:{entry.name.lower()}"


def encode(entry: Entry) -> tuple[bytes, bytes]:
    """Key and value of an entry's record."""
    return key_of(entry).encode(), _ENCODER.encode(entry)


def decode(value: bytes) -> Entry:
    """An entry from its record's value.

    Raises:
        msgspec.ValidationError, msgspec.DecodeError: it is none of ours.
    """
    return _DECODER.decode(value)
