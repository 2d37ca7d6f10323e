"""A look, now and then, at where an input of an HTTP subscription stands: for the metrics.

Shape   Looks(...).look() once a turn of the consumer loop; every LOOK_EVERY_S it replaces figures.standing
Oldest  of what was read and is not settled, and of held keys' next events, the publish time is known; of what lies in
        the log unread, since when it has been there at least (unread.py). The oldest of them counts
Cost    of a look: some microseconds a partition, and a glance at each unsettled event and held key
Bounds  no I/O, nothing that blocks; the consumer thread is its only caller
"""

from pipeline.clock import Times
from pipeline.custody import Custody
from pipeline.figures import Figures, Standing
from pipeline.ledger import OffsetLedger
from pipeline.ports import Source
from pipeline.restoring import Restoring
from pipeline.unread import Unread

LOOK_EVERY_S = 2.0


class Looks:
    """One input's."""

    def __init__(
        self,
        source: Source,
        ledger: OffsetLedger,
        restoring: Restoring,
        custody: Custody,
        figures: Figures,
        times: Times,
    ) -> None:
        self._source = source
        self._ledger = ledger
        self._restoring = restoring
        self._custody = custody
        self._figures = figures
        self._times = times
        self._unread = Unread()
        self._looked_s = float("-inf")

    def look(self) -> None:
        """Look, if it is time."""
        now_s = self._times.monotonic_s()
        if now_s - self._looked_s < LOOK_EVERY_S:
            return
        self._looked_s = now_s
        self._figures.standing = self._standing()
        self._figures.to_commit(there_is=bool(self._ledger.changed()) or self._custody.pending)

    def forget(self, partitions: set[int]) -> None:
        """They are not ours any more."""
        self._unread.forget(partitions)
        self._looked_s = float("-inf")

    def _standing(self) -> Standing:
        now_ms = self._times.now_ms()
        outstanding = self._ledger.outstanding()
        lag, unsettled_ms = outstanding, [self._ledger.oldest_ms()]
        reach = self._source.reach(self._ledger.assigned())
        for partition, (position, end) in reach.items():
            if partition in self._restoring:
                position = self._ledger.position(partition)  # noqa: PLW2901  what was read early waits with the rest
            lag += max(0, end - position)
            unsettled_ms.append(self._unread.looked(partition, position, end, now_ms))
        return Standing(
            lag,
            outstanding,
            min((one for one in unsettled_ms if one is not None), default=None),
            self._custody.oldest_ms(),
            self._custody.held_count(),
            self._custody.held_fullest(),
            self._ledger.gap(),
        )
