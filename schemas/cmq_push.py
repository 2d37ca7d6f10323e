"""What CMQ posts to an HTTP subscriber: the two notifyContentFormats.

Shape   PushForm(...).body(msg_id, msg_body, publish_time_s) -> bytes, push_headers(...) -> header pairs
Form    JSON wraps the message; SIMPLIFIED is the message body alone, everything else in headers.
        Content-Type is text/plain for both
Source  TDMQ-CMQ "HTTP Endpoint Subscription". TopicOwner: the table says string, the sample shows a number: number.
        publishTime: unit unstated; seconds, as everywhere else in the v2 API. x-cmq-message-tag on an untagged
        message is not established: left out; of a tagged one adapters/callback/request.py writes it
"""

import enum

import msgspec

USER_AGENT = "Qcloud Notification Service Agent"
CONTENT_TYPE = "text/plain"

_encode = msgspec.json.Encoder().encode


class ContentFormat(enum.StrEnum):
    """notifyContentFormat."""

    JSON = "JSON"
    SIMPLIFIED = "SIMPLIFIED"


class PushMessage(msgspec.Struct, frozen=True):
    """The JSON form; keys and their order as in the sample."""

    TopicOwner: int
    topicName: str  # noqa: N815  CMQ's spelling
    subscriptionName: str  # noqa: N815
    msgId: str  # noqa: N815
    msgBody: str  # noqa: N815
    publishTime: int  # noqa: N815


class PushForm(msgspec.Struct, frozen=True):
    """How one subscription wants its messages."""

    topic_owner: int
    topic_name: str
    subscription_name: str
    content_format: ContentFormat

    def body(self, msg_id: str, msg_body: bytes, publish_time_s: int) -> bytes:
        """The request body for a message; msg_body is Base64 or plain UTF-8 text."""
        if self.content_format is ContentFormat.SIMPLIFIED:
            return msg_body
        text = msg_body.decode()
        return _encode(
            PushMessage(self.topic_owner, self.topic_name, self.subscription_name, msg_id, text, publish_time_s)
        )


def push_headers(request_id: str, msg_id: str) -> list[tuple[str, str]]:
    """The headers that CMQ adds to each push, in its order."""
    return [
        ("Content-Type", CONTENT_TYPE),
        ("User-Agent", USER_AGENT),
        ("x-cmq-request-id", request_id),
        ("x-cmq-message-id", msg_id),
    ]
