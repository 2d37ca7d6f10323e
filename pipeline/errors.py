"""What can go wrong on the way into and through Kafka.

PipelineError
├── ChangeError            a change refused; .faults lists all of them
├── TopicMissingError      a CMQ topic, queue or dead-letter topic that Kafka does not have
├── BrokerUnreachableError no broker answers; .servers says which were asked
├── AccessRefusedError     the broker refuses our credentials or our rights
│   └── TopicRefusedError  topics that we have no right to, which the brokers hide
├── DeliveryFailedError    records that were published and not acknowledged
├── TransactionFailedError nothing of a transaction is in the log; .refused: a record was the reason
└── LedgerError            an offset settled that was never received: a bug of ours
"""

from schemas.errors import Fault


class PipelineError(Exception):
    """Anything of ours that a caller may want to catch."""


class ChangeError(PipelineError):
    """A state change that cannot become an event."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("\n".join(map(str, faults)))
        self.faults = faults


class TopicMissingError(PipelineError):
    """A topic that is not there."""

    def __init__(self, kafka_topic: str, cmq_topic: str | None = None) -> None:
        subject = f"CMQ topic {cmq_topic!r} does not exist: " if cmq_topic else ""
        super().__init__(
            f"{subject}Kafka has no topic {kafka_topic!r}; "
            "`batch-events topics --apply` creates those of the configuration"
        )
        self.kafka_topic = kafka_topic


class BrokerUnreachableError(PipelineError):
    """No broker answers."""

    def __init__(self, servers: str, reason: str) -> None:
        super().__init__(f"no broker answers at {servers}: {reason}")
        self.servers = servers


class AccessRefusedError(PipelineError):
    """Credentials or rights refused."""


class TopicRefusedError(AccessRefusedError):
    """Topics that we may not even see."""

    def __init__(self, servers: str, topics: list[str]) -> None:
        named = f"topic{'s' if len(topics) > 1 else ''} {', '.join(map(repr, topics))}"
        super().__init__(
            f"the broker at {servers} refuses us: no right to {named}, which it hides (TOPIC_AUTHORIZATION_FAILED)"
        )
        self.topics = topics


class DeliveryFailedError(PipelineError):
    """Published, and not acknowledged.

    Attributes:
        count: how many records.
        examples: the first reasons, topic and record key with each.
    """

    def __init__(self, count: int, examples: list[str]) -> None:
        shown = "; ".join(examples)
        super().__init__(f"{count} records were not acknowledged: {shown}")
        self.count = count
        self.examples = examples


class TransactionFailedError(PipelineError):
    """Not committed.

    Attributes:
        refused: a record was the reason, not the state of the group or the broker.
        access: a right that is missing was the reason.
        unknown: there was no verdict in time; what is committed, and what is in the log, tells what it came to.
        note_too_large: the broker takes no commit metadata of that length.
    """

    def __init__(
        self,
        reason: str,
        *,
        refused: bool = False,
        unknown: bool = False,
        note_too_large: bool = False,
        access: bool = False,
    ) -> None:
        super().__init__(reason)
        self.access = access
        self.note_too_large = note_too_large
        self.refused = refused
        self.unknown = unknown


class LedgerError(PipelineError):
    """An offset was settled that was never received."""
