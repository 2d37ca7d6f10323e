"""What the gateway's parts tell of themselves, apart from how that is exported.

Shape   CallFigures: every call, for the front. SlotFigures: what happens to slots and their journals. Standing is how
        things are, replaced whole by each look
Cost    a call: a look-up, a counter and a tally, about 1 us; a journal record: a tally, with those of the same poll
Threads the loop's, but for SlotFigures.appended, which the thread of the journals' producer alone calls
"""

from collections.abc import Callable

import msgspec

from adapters.gateway.acting.action import Action
from adapters.gateway.errors import Row
from adapters.gateway.metrics import GatewayMetrics

NO_ACTION = "none"

_OUTCOMES: dict[object, str] = {
    0: "ok",
    Row.NO_MESSAGE.value.code: "empty",
    Row.INTERNAL.value.code: "failed",
    None: "abandoned",
}


class CallFigures:
    """Those of one front."""

    def __init__(self, metrics: GatewayMetrics | None = None) -> None:
        metrics = metrics or GatewayMetrics()
        self._polls = 0
        self._calls = metrics.calls
        self._counts: dict[tuple[str, str], Callable[[], None]] = {}
        self._call_s = metrics.call_seconds.tally("call").add
        self._poll_s = metrics.call_seconds.tally("long_poll").add
        metrics.long_polls.add((), lambda: self._polls)

    def refused(self) -> None:
        """A request that never became a call."""
        self._count(NO_ACTION, "refused")

    def failed(self) -> None:
        """A request that a fault of ours kept from becoming a call."""
        self._count(NO_ACTION, "failed")

    def repeated(self, action: Action) -> None:
        """One that gets the answer of a former one."""
        self._count(action.name, "repeated")

    def begun(self, action: Action) -> None:
        """A call is executed."""
        self._polls += action.long_poll

    def ended(self, action: Action, code: object, took_s: float) -> None:
        """It has come to its end; without a code: nobody waited for it any more."""
        self._count(action.name, _OUTCOMES.get(code, "refused"))
        if action.long_poll:
            self._polls -= 1
            self._poll_s((took_s,))
        else:
            self._call_s((took_s,))

    def _count(self, action: str, outcome: str) -> None:
        count = self._counts.get((action, outcome))
        if count is None:
            count = self._counts[action, outcome] = self._calls.labels(action, outcome).inc
        count()


class SlotFigures:
    """Those of one replica's slots."""

    def __init__(self, metrics: GatewayMetrics | None = None) -> None:
        metrics = metrics or GatewayMetrics()
        self._take_over = metrics.take_over.tally()
        self.lost: Callable[[], None] = metrics.slots_lost.inc
        """A slot was lost."""

        self.appended = metrics.append_seconds.tally().add
        """So long did records take to be acknowledged."""

    def taken(self, took_s: float) -> None:
        """A slot was taken over."""
        self._take_over.add((took_s,))


class Standing(msgspec.Struct, frozen=True):
    """How a replica stood at the last look."""

    slots: int = 0
    in_flight: int = 0
