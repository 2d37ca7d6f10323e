"""What the configuration file may say: one frozen model, refused early, all faults at once.

Shape   Settings; each of its .subscriptions gives the pipeline's own frozen policy. settings_file.py reads it, and
        checks what no key knows by itself: names (settings_names.py), librdkafka's properties (settings_kafka.py),
        client certificates (settings_identity.py), ages (settings_age.py)
Source  design sections 4 and 8; every key stands in the README's configuration reference, held by a test
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from adapters.gateway.front.keys import KeySpec
from adapters.settings_values import (
    AgeSeconds,
    CaFile,
    CallRate,
    CmqName,
    Concurrency,
    Count,
    EndpointUrl,
    Events,
    GapSeconds,
    Globs,
    GraceSeconds,
    Hosts,
    Internal,
    Keys,
    Listen,
    Owner,
    Prefix,
    Quota,
    Replicas,
    Retention,
    SecretKey,
    Secrets,
    StartForm,
    TimeoutSeconds,
    Url,
)
from pipeline.retry import NotifyStrategy, RetrySchedule
from pipeline.subscription import BodyEncoding, HttpPolicy, OnExhausted, OnRefused, Protocol, Start, Subscription
from pipeline.topics import DAY_MS, DEFAULT_PREFIX
from schemas.cmq_push import ContentFormat


class _Model(BaseModel):
    model_config = ConfigDict(
        extra="forbid", frozen=True, arbitrary_types_allowed=True, hide_input_in_errors=True, allow_inf_nan=False
    )


class TopicSettings(_Model):
    """The Kafka topics that stand for CMQ topics."""

    prefix: Prefix = DEFAULT_PREFIX
    partitions: Count = 6
    replication_factor: Replicas = 3
    retention_s: Retention = 3 * DAY_MS // 1000


class QueueSettings(_Model):
    """The Kafka topics that stand for CMQ queues."""

    partitions: Count = 1
    retention_s: Retention = 4 * DAY_MS // 1000


class DeadLetterSettings(_Model):
    """The dead-letter topics."""

    retention_s: Retention = 14 * DAY_MS // 1000


class TraceSettings(_Model):
    """The topic of attempts, there as soon as a subscription says `trace: true`."""

    partitions: Count = 6
    retention_s: Retention = 3 * DAY_MS // 1000


class HttpServerSettings(_Model):
    """Where /live, /ready and /metrics are."""

    listen: Listen = "127.0.0.1:8080"


class SchemaRegistrySettings(_Model):
    """A schema registry; absent: single-object encoding and the shipped schemas."""

    url: Url
    auto_register: bool = True
    username: str | None = None
    password: Annotated[str | None, Field(repr=False)] = None
    ca_file: CaFile | None = None


class GatewayKeySettings(_Model):
    """A key of the CMQ gateway; what is absent is not limited."""

    secret: Annotated[SecretKey, Field(repr=False)]
    actions: Globs | None = None
    names: Globs | None = None
    rate: CallRate | None = None
    enabled: bool = True


class QuotaSettings(_Model):
    """How much the CMQ gateway lets be; the same on every replica, or it depends on who is asked."""

    queues: Quota = 1_000
    topics: Quota = 1_000
    subscriptions: Quota = 500
    in_flight: Quota = 100_000
    delayed: Quota = 20_000


class GatewaySettings(_Model):
    """The CMQ gateway."""

    keys: Keys[GatewayKeySettings]
    listen: Listen = "127.0.0.1:8090"
    internal: Internal = ""
    hosts: Hosts = ()
    clock_tolerance_s: AgeSeconds = 900.0
    quotas: QuotaSettings = QuotaSettings()

    def key_specs(self) -> tuple[KeySpec, ...]:
        """The gateway's own form of its keys."""
        return tuple(
            KeySpec(secret_id, key.secret, key.actions, key.names, key.rate, key.enabled)
            for secret_id, key in self.keys.items()
        )


class SubscriptionBase(_Model):
    """What a subscription of either protocol has."""

    topic: CmqName
    name: CmqName
    events: Events | None = None
    start: StartForm = Start()


class QueueSubscriptionSettings(SubscriptionBase):
    """A subscription that fills a queue."""

    protocol: Literal[Protocol.QUEUE]
    endpoint: CmqName

    def subscription(self) -> Subscription:
        """The pipeline's policy."""
        return Subscription(self.topic, self.name, Protocol.QUEUE, self.events, self.start, queue_name=self.endpoint)


class HttpSubscriptionSettings(SubscriptionBase):
    """A subscription that calls an endpoint."""

    protocol: Literal[Protocol.HTTP]
    endpoint: Annotated[EndpointUrl, Field(repr=False)]  # it may hold a token
    notify_strategy: NotifyStrategy = NotifyStrategy.EXPONENTIAL_DECAY_RETRY
    notify_content_format: ContentFormat = ContentFormat.JSON
    body_encoding: BodyEncoding = BodyEncoding.BASE64
    retry_schedule_s: tuple[GapSeconds, ...] | None = None
    concurrency: Concurrency = 64
    timeout_s: TimeoutSeconds = 15.0
    allow_private_addresses: bool = False
    on_exhausted: OnExhausted = OnExhausted.DEAD_LETTER
    on_refused: OnRefused = OnRefused.RETRY
    max_age_s: AgeSeconds = 2 * DAY_MS / 1000
    signing_secret: Annotated[Secrets, Field(repr=False)] = ()
    ca_file: CaFile | None = None
    client_certificate_file: str | None = None
    client_key_file: str | None = None
    trace: bool = False

    def subscription(self) -> Subscription:
        """The pipeline's policy."""
        policy = HttpPolicy(
            endpoint=self.endpoint,
            content_format=self.notify_content_format,
            body_encoding=self.body_encoding,
            retry=RetrySchedule(self.notify_strategy, self.retry_schedule_s),
            concurrency=self.concurrency,
            timeout_s=self.timeout_s,
            allow_private_addresses=self.allow_private_addresses,
            on_exhausted=self.on_exhausted,
            on_refused=self.on_refused,
            max_age_s=self.max_age_s,
            signing_secrets=self.signing_secret,
            ca_file=self.ca_file,
            client_certificate_file=self.client_certificate_file,
            client_key_file=self.client_key_file,
            trace=self.trace,
        )
        return Subscription(self.topic, self.name, Protocol.HTTP, self.events, self.start, http=policy)


SubscriptionSettings = Annotated[QueueSubscriptionSettings | HttpSubscriptionSettings, Field(discriminator="protocol")]


class SubscribedSettings(_Model):
    """What an HTTP subscription that was made through the CMQ API has beside what that can say."""

    body_encoding: BodyEncoding = BodyEncoding.BASE64
    concurrency: Concurrency = 64
    timeout_s: TimeoutSeconds = 15.0
    allow_private_addresses: bool = False


class Settings(_Model):
    """The whole file."""

    kafka: Annotated[dict[str, Any], Field(repr=False)]
    topics: TopicSettings = TopicSettings()
    queues: QueueSettings = QueueSettings()
    dead_letters: DeadLetterSettings = DeadLetterSettings()
    trace: TraceSettings = TraceSettings()
    subscriptions: tuple[SubscriptionSettings, ...] = ()
    subscribed: SubscribedSettings = SubscribedSettings()
    http: HttpServerSettings = HttpServerSettings()
    stop_grace_s: GraceSeconds = 25.0
    topic_owner: Owner = 0
    schema_registry: SchemaRegistrySettings | None = None
    gateway: GatewaySettings | None = None
