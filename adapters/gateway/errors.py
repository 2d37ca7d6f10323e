"""CMQ's errors: a table of rows, code and module number exactly; a refusal is one of them.

Shape   raise Row.NO_MESSAGE.error(); str(error) is the reply's message: `(10200)no message`
Source  cmq.md 4. Where CMQ has several rows for one meaning, the one that its clients compare with is here

CmqError  a request that is answered with a row of the table
"""

import enum
from typing import NamedTuple


class _Known(NamedTuple):
    code: int
    module: int
    text: str


class Row(enum.Enum):
    """A row of CMQ's table."""

    BAD_PARAMETER = _Known(4000, 10000, "parameter is invalid")
    PARAMETER_MISSING = _Known(4000, 10010, "parameter is missing")
    BAD_QUEUE_NAME = _Known(4000, 10020, "queueName is invalid")
    PARAMETER_OUT_OF_RANGE = _Known(4000, 10110, "parameter is out of range")
    EMPTY_BODY = _Known(4000, 10120, "msgBody is empty")
    UNKNOWN_ACTION = _Known(4000, 10280, "action does not exist")
    PARAMETER_REPEATED = _Known(4000, 10310, "parameter is repeated")
    PARAMETER_TYPE = _Known(4000, 10320, "parameter has the wrong type")
    BATCH_TOO_BIG = _Known(4000, 10370, "batch has too many entries")
    INDICES = _Known(4000, 10380, "indices are not consecutive")
    METHOD = _Known(4000, 10410, "only GET and POST are supported")
    UNPARSABLE = _Known(4000, 10420, "request cannot be parsed or is larger than 1 MB")
    BAD_SECRET_ID = _Known(4000, 10450, "SecretId is invalid")
    NOT_PERMITTED = _Known(4000, 10461, "no permission")
    BAD_DELAY = _Known(4000, 10692, "delaySeconds is out of range")
    TOO_MANY_FILTER_TAGS = _Known(4000, 10490, "too many filterTags")
    BAD_ENDPOINT = _Known(4000, 10500, "endpoint is invalid")
    BAD_PROTOCOL = _Known(4000, 10510, "protocol is unknown")
    BAD_NOTIFY_STRATEGY = _Known(4000, 10520, "notifyStrategy is unknown")
    BAD_CONTENT_FORMAT = _Known(4000, 10530, "notifyContentFormat is unknown")
    TOPIC_HAS_SUBSCRIPTIONS = _Known(4000, 10540, "topic still has subscriptions")
    BAD_TOPIC_NAME = _Known(4000, 10580, "topicName is invalid")
    BAD_SUBSCRIPTION_NAME = _Known(4000, 10590, "subscriptionName is invalid")
    ILLEGAL_ENDPOINT = _Known(4000, 10630, "endpoint is illegal")
    BAD_REWIND_TIME = _Known(4000, 10680, "startConsumeTime is out of range")
    TOO_MANY_MSG_TAGS = _Known(4000, 10720, "too many msgTags")
    TOO_MANY_BINDING_KEYS = _Known(4000, 10680, "too many bindingKeys")
    TOO_MANY_DOTS = _Known(4000, 10691, "too many dots in a key")
    ROUTING_KEY_MISSING = _Known(4000, 10700, "routingKey is missing")
    BINDING_KEY_MISSING = _Known(4000, 10710, "bindingKey is missing")
    SIGNATURE = _Known(4100, 10030, "signature is wrong")
    KEY_DISABLED = _Known(4100, 10080, "key is disabled")
    UNKNOWN_SECRET_ID = _Known(4100, 10270, "SecretId is unknown")
    MESSAGE_TOO_BIG = _Known(4400, 10230, "message is larger than maxMsgSize")
    QUEUE_FULL = _Known(4410, 10240, "queue holds as many messages as it may")
    BAD_HANDLE = _Known(4430, 10260, "receipt handle is invalid")
    NO_QUEUE = _Known(4440, 10100, "queue does not exist")
    NO_TOPIC = _Known(4440, 10600, "topic does not exist")
    QUEUE_LIMIT = _Known(4450, 10220, "too many queues")
    TOPIC_LIMIT = _Known(4450, 10610, "too many topics")
    QUEUE_EXISTS = _Known(4460, 10210, "queue already exists")
    TOPIC_EXISTS = _Known(4460, 10550, "topic already exists")
    TOTAL_TOO_BIG = _Known(4470, 10300, "messages are larger than 1 MB in all")
    RATE = _Known(4480, 10460, "interface frequency limit")
    SUBSCRIPTION_EXISTS = _Known(4490, 10470, "subscription already exists")
    SUBSCRIPTION_LIMIT = _Known(4500, 10480, "too many subscriptions")
    NO_SUBSCRIPTION = _Known(4440, 10600, "subscription does not exist")
    BLANK_IN_URL = _Known(4510, 10570, "blank in URL")
    INTERNAL = _Known(6000, 10050, "server internal error, try again")
    PARTLY_DELETED = _Known(6010, 10150, "delete message partially failed")
    NONE_DELETED = _Known(6020, 10290, "delete message all failed")
    TOPIC_WITHOUT_SUBSCRIPTION = _Known(6030, 10650, "topic has no subscription")
    NO_MATCH = _Known(6030, 10730, "no subscription matches")
    NAME_BEING_RELEASED = _Known(6040, 10660, "name is still being released, try again later")
    CANNOT_REWIND = _Known(6050, 10670, "queue cannot rewind")
    TOO_MANY_IN_FLIGHT = _Known(6070, 10690, "too many unacknowledged or delayed messages")
    NO_MESSAGE = _Known(7000, 10200, "no message")

    def error(self, text: str = "") -> "CmqError":
        """An error of this row; text says more than the row's own."""
        return CmqError(self, text)


class CmqError(Exception):
    """A request that is answered with a row of the table."""

    def __init__(self, row: Row, text: str = "") -> None:
        known = row.value
        super().__init__(f"({known.module}){text or known.text}")
        self.row = row
        self.code = known.code
