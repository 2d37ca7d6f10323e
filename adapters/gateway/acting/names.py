"""The names in a request, and the page that a list is asked for.

Shape   queue_name(params), topic_name(params), subscription_name(params), page(params, most)
Errors  CmqError: a name that CMQ would not have made, each kind with its row
Source  cmq.md 3.3, 3.4, 7
"""

from typing import NamedTuple

from adapters.gateway.acting.params import Params
from adapters.gateway.errors import Row
from schemas.names import name_fault

MOST_LISTED = 50
OFFSET_LIMIT = 2**31 - 1
DEFAULT_LIMIT = 20


def queue_name(params: Params) -> str:
    """`queueName`."""
    return _name(params, "queueName", Row.BAD_QUEUE_NAME)


def topic_name(params: Params) -> str:
    """`topicName`."""
    return _name(params, "topicName", Row.BAD_TOPIC_NAME)


def subscription_name(params: Params) -> str:
    """`subscriptionName`."""
    return _name(params, "subscriptionName", Row.BAD_SUBSCRIPTION_NAME)


def _name(params: Params, parameter: str, bad: Row) -> str:
    name = params.text(parameter)
    fault = name_fault(name)
    if fault is not None:
        raise bad.error(f"{parameter} {fault}")
    return name


class PageWanted(NamedTuple):
    """Which part of which list."""

    search_word: str
    offset: int
    limit: int


def page(params: Params, most: int = MOST_LISTED) -> PageWanted:
    """`searchWord`, `offset`, `limit`."""
    return PageWanted(
        params.optional_text("searchWord"),
        params.number("offset", 0, OFFSET_LIMIT, default=0),
        params.number("limit", 0, most, default=DEFAULT_LIMIT),
    )
