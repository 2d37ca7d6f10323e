"""A case of the fault suite: what is done to the system, and the counts it must end with.

Shape   Case(name, sentence, do, expect); case(name, sentence, …) is the decorator that makes one of a function and puts
        it into CASES, in the order of the table
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from tests.brokers.killable import ClusterMaker, killable_cluster
from tests.faults.scene import Scene


class Expect(NamedTuple):
    """What a case ends with beyond the zeros that hold for all (tests/harness/books.py).

    Attributes:
        letters, queue_letters: dead letters of the HTTP and the queue subscription; None where the case counts itself.
        redriven: dead letters were sent again: among themselves in order, but behind later events of their keys.
    """

    letters: int | None = 0
    queue_letters: int | None = 0
    redriven: bool = False


NOTHING_SPECIAL = Expect()


class Case(NamedTuple):
    """One row.

    Attributes:
        brokers: how many of its own it needs; 0 for the suite's.
        clocks: what it shortens, for the table.
        config: more of `run`'s configuration.
        http, queue: more settings of the subscriptions; queue None for none.
        broker_config: more settings of its own brokers.
        make: makes its own brokers.
    """

    name: str
    sentence: str
    do: Callable[[Scene], None]
    expect: Expect
    brokers: int
    clocks: str
    config: dict[str, Any]
    http: dict[str, Any]
    queue: dict[str, Any] | None
    broker_config: dict[str, str]
    make: ClusterMaker


CASES: list[Case] = []


def case(
    name: str,
    sentence: str,
    *,
    expect: Expect = NOTHING_SPECIAL,
    brokers: int = 0,
    clocks: str = "",
    config: dict[str, Any] | None = None,
    http: dict[str, Any] | None = None,
    queue: dict[str, Any] | None = {},  # noqa: B006  never changed
    broker_config: dict[str, str] | None = None,
    make: ClusterMaker = killable_cluster,
) -> Callable[[Callable[[Scene], None]], Callable[[Scene], None]]:
    """Make the function below a case."""

    def added(do: Callable[[Scene], None]) -> Callable[[Scene], None]:
        more = config or {}, http or {}, queue, broker_config or {}, make
        CASES.append(Case(name, sentence, do, expect, brokers, clocks, *more))
        return do

    return added
