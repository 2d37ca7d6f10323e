"""What a process of ours is told that is not so: where names lead, and what time it is.

Shape   Lies(folder): names(…), step_clock(…); `env` for the process that is to believe them
How     Python imports `sitecustomize` from PYTHONPATH by itself; that file replaces what our code asks. Time is what
        Python is told: librdkafka and the event loop's timers have their own, and no step of a clock moves those
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path

CLOCK, NAMES = "LIES_CLOCK", "LIES_NAMES"


class Lies:
    """Those told to one process, or to several."""

    def __init__(self, folder: Path) -> None:
        self._names = folder / "names.json"
        self._clock = folder / "clock"
        self._names.write_text("{}")
        self.step_clock(0)

    @property
    def env(self) -> dict[str, str]:
        """More variables for the process."""
        path = os.pathsep.join(filter(None, (str(Path(__file__).parent), os.environ.get("PYTHONPATH"))))
        return {"PYTHONPATH": path, CLOCK: str(self._clock), NAMES: str(self._names)}

    def names(self, answers: Mapping[str, list[str]], public: str) -> None:
        """Names, each with its answers in turn and from the beginning again; `public` counts as a public address."""
        self._names.write_text(json.dumps({"answers": dict(answers), "public": public}))

    def step_clock(self, seconds: float) -> None:
        """The wall clock is so far ahead of the true one from now on."""
        self._clock.write_text(f"{int(seconds * 1e9):20d}")
