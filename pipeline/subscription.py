"""A subscription: who gets which events of a CMQ topic, and how.

Shape   Subscription is frozen policy; settings make it from the file, the delivery reads it
"""

import enum

import msgspec

from pipeline.retry import RetrySchedule
from pipeline.shown import shown
from schemas.cmq_push import ContentFormat


class Protocol(enum.StrEnum):
    """CMQ's two protocols."""

    QUEUE = "queue"
    HTTP = "http"


class OnExhausted(enum.StrEnum):
    """What becomes of a message whose retries are used up."""

    DEAD_LETTER = "dead-letter"
    DROP = "drop"


class OnRefused(enum.StrEnum):
    """What becomes of a message that the endpoint refuses as such: a 4xx other than 408, 410, 429."""

    RETRY = "retry"
    DEAD_LETTER = "dead-letter"


class BodyEncoding(enum.StrEnum):
    """How msgBody holds the text."""

    BASE64 = "base64"
    PLAIN = "plain"


class Start(msgspec.Struct, frozen=True):
    """Where a group without offsets begins: the earliest record, the latest, or the first not before a time."""

    at: str = "earliest"
    time_ms: int | None = None


class HttpPolicy(msgspec.Struct, frozen=True):
    """What only an HTTP subscription has.

    Attributes:
        concurrency: most events in flight.
        timeout_s: one deadline for an attempt, from resolving the name to the end of the answer's head.
        max_age_s: an older event goes to the dead letters unattempted.
        signing_secrets: Standard Webhooks keys, `whsec_…`; the first signs, all do while rotating.
        client_certificate_file, client_key_file: what we show an endpoint that asks who we are; both or neither.
        trace: whether each attempt is written to the trace topic.
    """

    endpoint: str
    content_format: ContentFormat = ContentFormat.JSON
    body_encoding: BodyEncoding = BodyEncoding.BASE64
    retry: RetrySchedule = RetrySchedule()
    concurrency: int = 64
    timeout_s: float = 15.0
    allow_private_addresses: bool = False
    on_exhausted: OnExhausted = OnExhausted.DEAD_LETTER
    on_refused: OnRefused = OnRefused.RETRY
    max_age_s: float = 172_800.0
    signing_secrets: tuple[str, ...] = ()
    ca_file: str | None = None
    client_certificate_file: str | None = None
    client_key_file: str | None = None
    trace: bool = False

    def __repr__(self) -> str:
        """Without the keys, and without the URL, which may hold a token."""
        return shown(self, hidden={"endpoint", "signing_secrets"})


class Subscription(msgspec.Struct, frozen=True):
    """One subscription of one CMQ topic; `queue` or `http` holds what its protocol needs.

    Attributes:
        filter_tags, binding_keys: CMQ's two filters (message_filter.py), of one made through its API.
    """

    topic_name: str
    name: str
    protocol: Protocol
    events: frozenset[str] | None = None
    start: Start = Start()
    queue_name: str = ""
    http: HttpPolicy | None = None
    filter_tags: tuple[str, ...] = ()
    binding_keys: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """How people name it: TOPIC/NAME."""
        return f"{self.topic_name}/{self.name}"

    def wants(self, event_name: str) -> bool:
        """Whether this event passes the filter; no filter lets everything through."""
        return self.events is None or event_name in self.events
