"""A subscription's attributes as its actions spell them.

Shape   endpoint(protocol, text), filters(params, filter_type), notify_strategy(params), content_format(params)
Filters only what the topic's filter type looks at is kept: tags, or binding keys
Format  a queue gets the plain text whatever was asked for, since SDKs ask for JSON there
Errors  CmqError, each fault with its row
Source  cmq.md 3.4, 6, 7. Endpoints may be https, too; the PHP SDK says `bindindKey`
"""

from urllib.parse import urlsplit

from adapters.gateway.acting.params import Params
from adapters.gateway.errors import Row
from pipeline.cmq_registry import SubscriptionEntry
from schemas.names import name_fault

TAGS, BINDING_KEYS = 1, 2
"""The filter types of a topic."""

MOST_FILTERS = 5
MOST_TAG_LENGTH = 16
MOST_KEY_BYTES = 64
MOST_DOTS = 15
MOST_ENDPOINT_LENGTH = 500

STRATEGIES = {"BACKOFF_RETRY", "EXPONENTIAL_DECAY_RETRY"}
FORMATS = {"JSON", "SIMPLIFIED"}


def protocol(params: Params) -> str:
    """`protocol`: http or queue."""
    word = params.text("protocol")
    if word not in {"http", "queue"}:
        raise Row.BAD_PROTOCOL.error("protocol must be http or queue")
    return word


def endpoint(params: Params, protocol: str) -> str:
    """`endpoint`: a URL, or a queue's name."""
    text = params.text("endpoint")
    if protocol == "queue":
        if name_fault(text) is not None:
            raise Row.BAD_ENDPOINT.error("endpoint must be the name of a queue")
    else:
        _check_url(text)
    return text


def _check_url(text: str) -> None:
    if any(map(str.isspace, text)):
        raise Row.BLANK_IN_URL.error()
    if not text.startswith(("http://", "https://")):
        raise Row.BAD_ENDPOINT.error("endpoint must begin with http:// or https://")
    if len(text) > MOST_ENDPOINT_LENGTH:
        raise Row.BAD_ENDPOINT.error(f"endpoint must have at most {MOST_ENDPOINT_LENGTH} characters")
    if not text.isascii() or not text.isprintable():
        raise Row.ILLEGAL_ENDPOINT.error("endpoint must be ASCII; write other characters percent-encoded")
    try:
        url = urlsplit(text)
        port = url.port
    except ValueError:
        raise Row.ILLEGAL_ENDPOINT.error("endpoint has a host or a port that is none") from None
    if not url.hostname or port == 0:
        raise Row.ILLEGAL_ENDPOINT.error("endpoint has no host, or port 0")
    if url.username is not None or url.password is not None:
        raise Row.ILLEGAL_ENDPOINT.error("endpoint must not hold a user or password")


def notify_strategy(params: Params) -> str:
    """`notifyStrategy`; empty where it is absent."""
    word = params.optional_text("notifyStrategy")
    if word and word not in STRATEGIES:
        raise Row.BAD_NOTIFY_STRATEGY.error("notifyStrategy must be BACKOFF_RETRY or EXPONENTIAL_DECAY_RETRY")
    return word


def content_format(params: Params, protocol: str) -> str:
    """`notifyContentFormat`; empty where it is absent."""
    word = params.optional_text("notifyContentFormat")
    if word and word not in FORMATS:
        raise Row.BAD_CONTENT_FORMAT.error("notifyContentFormat must be JSON or SIMPLIFIED")
    return "SIMPLIFIED" if protocol == "queue" else word


def filters(params: Params, filter_type: int) -> dict[str, tuple[str, ...]]:
    """What is asked for, by the field names of SubscriptionEntry; nothing asked for is nothing there."""
    tags = read_tags(params, "filterTag", Row.TOO_MANY_FILTER_TAGS)
    keys = _binding_keys(params)
    found = {"filter_tags": tags} if filter_type == TAGS else {"binding_keys": keys}
    return {field: items for field, items in found.items() if items}


def read_tags(params: Params, name: str, too_many: Row) -> tuple[str, ...]:
    """`filterTag.N` or `msgTag.N`."""
    tags = params.items(name, MOST_FILTERS, too_many)
    if not all(1 <= len(tag) <= MOST_TAG_LENGTH for tag in tags):
        raise Row.PARAMETER_OUT_OF_RANGE.error(f"{name}.N must have 1 to {MOST_TAG_LENGTH} characters")
    return tuple(tags)


def _binding_keys(params: Params) -> tuple[str, ...]:
    keys = [
        key
        for name in ("bindingKey", "bindindKey")
        for key in params.items(name, MOST_FILTERS, Row.TOO_MANY_BINDING_KEYS)
    ]
    for key in keys:
        if not key:
            raise Row.PARAMETER_OUT_OF_RANGE.error("bindingKey.N must not be empty")
        check_key("bindingKey.N", key)
    return tuple(keys)


def check_key(name: str, key: str) -> None:
    """A binding key or a routing key."""
    if len(key.encode()) > MOST_KEY_BYTES:
        raise Row.PARAMETER_OUT_OF_RANGE.error(f"{name} must have at most {MOST_KEY_BYTES} bytes")
    if key.count(".") > MOST_DOTS:
        raise Row.TOO_MANY_DOTS.error(f"{name} must have at most {MOST_DOTS} dots")


def told(entry: SubscriptionEntry) -> dict[str, object]:
    """The attributes as a reply has them, in every spelling that a client looks for."""
    tags, keys = list(entry.filter_tags), list(entry.binding_keys)
    return {
        "protocol": entry.protocol,
        "protocal": entry.protocol,
        "endpoint": entry.endpoint,
        "notifyStrategy": entry.notify_strategy,
        "notifyContentFormat": entry.notify_content_format,
        "filterTag": tags,
        "filterTags": tags,
        "bindingKey": keys,
        "bindindKey": keys,
        "createTime": entry.created_s,
        "lastModifyTime": entry.modified_s,
    }
