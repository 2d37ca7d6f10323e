"""What a PromQL query asks for: enough to hold our rules and pictures to the list of metrics, and no more.

Shape   selectors_of(query) -> each of our metrics in it, with the values it may ask of each label
"""

import re
from typing import NamedTuple

_SELECTOR = re.compile(r"(?<![\w:])(batch_events_\w+)(?:\{([^}]*)\})?")
_MATCHER = re.compile(r"""(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)\"""")
_GROUPING = re.compile(r"\b(?:by|without|on|ignoring)\s*\(([^)]*)\)")


class Selector(NamedTuple):
    """A metric, and per label what it is compared with."""

    metric: str
    matchers: dict[str, set[str]]


def selectors_of(query: str) -> list[Selector]:
    """Every one in a query."""
    return [
        Selector(metric, {label: set(value.split("|")) for label, _, value in _MATCHER.findall(inside)})
        for metric, inside in _SELECTOR.findall(query)
    ]


def grouped_by(query: str) -> set[str]:
    """The labels that it groups or joins by."""
    return {label.strip() for inside in _GROUPING.findall(query) for label in inside.split(",") if label.strip()}


def recorded_in(query: str) -> set[str]:
    """The recorded series that it reads."""
    return set(re.findall(r"\b\w+:batch_events_\w+:\w+", query))
