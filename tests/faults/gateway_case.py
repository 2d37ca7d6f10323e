"""A case of the gateway's part of the fault suite: what is done to its replicas under a load of clients.

Shape   GatewayCase; gateway_case(name, sentence, …) makes one of a function and puts it into GATEWAY_CASES
"""

from collections.abc import Callable
from typing import NamedTuple

from tests.faults.gateway_scene import GatewayScene


class GatewayCase(NamedTuple):
    """One row.

    Attributes:
        brokers: how many of its own it needs; 0 for the one that all such cases share.
        clocks: what it shortens, for the table.
        broker_config: more settings of its own broker.
    """

    name: str
    sentence: str
    do: Callable[[GatewayScene], None]
    brokers: int
    clocks: str
    broker_config: dict[str, str]


GATEWAY_CASES: list[GatewayCase] = []


def gateway_case(
    name: str, sentence: str, *, brokers: int = 0, clocks: str = "", broker_config: dict[str, str] | None = None
) -> Callable[[Callable[[GatewayScene], None]], Callable[[GatewayScene], None]]:
    """Make the function below a case."""

    def added(do: Callable[[GatewayScene], None]) -> Callable[[GatewayScene], None]:
        GATEWAY_CASES.append(GatewayCase(f"gateway: {name}", sentence, do, brokers, clocks, broker_config or {}))
        return do

    return added
