"""What one replica asks of another, and what that one answers.

Shape   a Request, answered with an Answer; both are msgspec structs with tags of their own
Errors  NotMineError: the one that was asked does not own the slot, and has done nothing; ask the directory again
        PeerLostError: nobody knows what came of it; so it is with SlotLostError
        CmqError: as the owner raised it, row and text
"""

from typing import Any

import msgspec

from adapters.gateway.errors import CmqError, Row
from adapters.gateway.ports import Message, QueueCounts
from adapters.gateway.slot_ports import SlotLostError
from pipeline.cmq_registry import QueueAttributes, SubscriptionEntry


class NotMineError(Exception):
    """The slot belongs to another replica; nothing was done."""


class PeerLostError(Exception):
    """The other replica did not answer: it may have done what it was asked, or not, or do it yet."""


class _Words(msgspec.Struct, frozen=True, array_like=True, gc=False):
    pass


class ReceiveRequest(_Words, frozen=True, tag=1):
    """Of the owner of the queue's slot, as all requests with a topic_id: it tells a queue from a former one."""

    name: str
    topic_id: str
    count: int
    wait_s: float


class DeleteMessagesRequest(_Words, frozen=True, tag=2):
    """Settle what was received."""

    name: str
    topic_id: str
    handles: list[str]


class GiveBackRequest(_Words, frozen=True, tag=3):
    """Nobody took what these receives gave: make it visible again."""

    name: str
    topic_id: str
    handles: list[str]


class CountsRequest(_Words, frozen=True, tag=4):
    """Count a queue's messages."""

    name: str
    topic_id: str


class RewindRequest(_Words, frozen=True, tag=5):
    """Rewind a queue."""

    name: str
    topic_id: str
    start_s: int


class CatchUpRequest(_Words, frozen=True, tag=6):
    """Of any replica: read the registry to its end before answering."""


class CreateQueueRequest(_Words, frozen=True, tag=10):
    """Of the owner of slot 0, as all that follow. The id is the asker's choice: asked again, it is the same queue."""

    name: str
    queue_id: str
    attributes: QueueAttributes


class SetQueueRequest(_Words, frozen=True, tag=11):
    """Change attributes, by the field names of QueueAttributes."""

    name: str
    changes: dict[str, Any]


class DeleteQueueRequest(_Words, frozen=True, tag=12):
    """Delete a queue."""

    name: str


class AdoptQueueRequest(_Words, frozen=True, tag=13):
    """Make an entry for a queue whose Kafka topic exists."""

    name: str


class CreateTopicRequest(_Words, frozen=True, tag=20):
    """Make a topic."""

    name: str
    topic_id: str
    max_msg_size: int
    filter_type: int


class SetTopicRequest(_Words, frozen=True, tag=21):
    """Change a topic."""

    name: str
    max_msg_size: int


class DeleteTopicRequest(_Words, frozen=True, tag=22):
    """Delete a topic."""

    name: str


class AdoptTopicRequest(_Words, frozen=True, tag=23):
    """Make an entry for a topic whose Kafka topic exists."""

    name: str


class SubscribeRequest(_Words, frozen=True, tag=30):
    """Make a subscription; the id in it is the asker's choice."""

    entry: SubscriptionEntry


class SetSubscriptionRequest(_Words, frozen=True, tag=31):
    """Change fields of a subscription's entry, by name."""

    topic: str
    name: str
    changes: dict[str, Any]


class UnsubscribeRequest(_Words, frozen=True, tag=32):
    """Delete a subscription."""

    topic: str
    name: str


SlotRequest = ReceiveRequest | DeleteMessagesRequest | GiveBackRequest | CountsRequest | RewindRequest
"""Of the owner of a queue's slot."""

ManageRequest = (
    CreateQueueRequest
    | SetQueueRequest
    | DeleteQueueRequest
    | AdoptQueueRequest
    | CreateTopicRequest
    | SetTopicRequest
    | DeleteTopicRequest
    | AdoptTopicRequest
    | SubscribeRequest
    | SetSubscriptionRequest
    | UnsubscribeRequest
)
"""Of the owner of slot 0."""

Request = SlotRequest | ManageRequest | CatchUpRequest


class Done(_Words, frozen=True, tag=1):
    """It is done, and there is no more to say."""


class Messages(_Words, frozen=True, tag=2):
    """What a receive gives."""

    messages: list[Message]


class Verdicts(_Words, frozen=True, tag=3):
    """For each handle None, or the name of the row that says why not."""

    rows: list[str | None]


class Counted(_Words, frozen=True, tag=4):
    """A queue's counts."""

    counts: QueueCounts


class Made(_Words, frozen=True, tag=5):
    """The id of what was made; empty: there was nothing to adopt."""

    made_id: str


class Refused(_Words, frozen=True, tag=6):
    """A CmqError."""

    row: str
    text: str


class NotMine(_Words, frozen=True, tag=7):
    """A NotMineError."""


class Lost(_Words, frozen=True, tag=8):
    """A SlotLostError, or something unforeseen: the outcome is unknown."""


Answer = Done | Messages | Verdicts | Counted | Made | Refused | NotMine | Lost


def refusal(error: Exception) -> Answer:
    """The answer that says the same as an error."""
    match error:
        case CmqError():
            return Refused(error.row.name, str(error).partition(")")[2])
        case NotMineError():
            return NotMine()
        case _:
            return Lost()


def heard(answer: Answer) -> Done | Messages | Verdicts | Counted | Made:
    """An answer without an error in it.

    Raises:
        CmqError, NotMineError, SlotLostError: as the other replica did.
    """
    match answer:
        case Refused():
            raise Row[answer.row].error(answer.text)
        case NotMine():
            raise NotMineError
        case Lost():
            raise SlotLostError
        case _:
            return answer
