"""Live: the loops turned. Ready: they can work.

Shape   Health holds one Vital a part; parts write to their own, the health server reads all
Bounds  plain attribute writes from each part's own thread; no lock needed
"""

import time

LIVE_WITHIN_S = 60.0


class Vital:
    """The signs of one part."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._turned_s = time.monotonic()
        self._trouble: str | None = "not started"
        self._unfit = False

    def turned(self) -> None:
        """The loop went round."""
        self._turned_s = time.monotonic()

    def trouble(self, reason: str | None) -> None:
        """What keeps the part from working; None when nothing does."""
        self._trouble = reason

    def unfit(self, is_so: bool) -> None:  # noqa: FBT001  a plain value
        """Whether the part works on in part only, until somebody mends what it has said."""
        self._unfit = is_so

    @property
    def live(self) -> bool:
        """Whether the loop turned lately."""
        return time.monotonic() - self._turned_s < LIVE_WITHIN_S

    @property
    def ready(self) -> bool:
        """Whether it can work."""
        return self._trouble is None and not self._unfit and self.live


class Health:
    """All parts of the process."""

    def __init__(self) -> None:
        self._vitals: list[Vital] = []

    def vital(self, name: str) -> Vital:
        """Signs for one more part."""
        vital = Vital(name)
        self._vitals.append(vital)
        return vital

    def forget(self, vital: Vital) -> None:
        """That part has ended, as it was meant to."""
        self._vitals.remove(vital)

    def not_live(self) -> list[str]:
        """The names of the parts whose loop stands still."""
        return [vital.name for vital in tuple(self._vitals) if not vital.live]

    def not_ready(self) -> list[str]:
        """The names of the parts that cannot work; their reasons are in the log, not here."""
        return [vital.name for vital in tuple(self._vitals) if not vital.ready]
