"""A signed request that comes again gets the answer that it got: nothing is done twice.

Shape   Replays(now_s): begin(key) -> what is known of it; ended(…), forget(…). Keys are (SecretId, Signature)
Why     a client whose connection had gone stale sends the very same request once more; and whoever has seen a signed
        request could send it again
Kept    until the clock check refuses the request by itself; at most ANSWERS and ANSWER_BYTES, the oldest go first
Bound   64 MiB of answers, and about 400 bytes for each beside. One process knows its own requests alone
Source  gateway.md 3
"""

from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

ANSWERS = 100_000
ANSWER_BYTES = 64 << 20

Signed = tuple[str, str]
"""SecretId and Signature."""

Out = TypeVar("Out")
"""A call that is being executed."""


class Replays(Generic[Out]):
    """Of one process."""

    def __init__(self, now_s: Callable[[], float], answers: int = ANSWERS, answer_bytes: int = ANSWER_BYTES) -> None:
        self._now_s = now_s
        self._answers = answers
        self._answer_bytes = answer_bytes
        self._out: dict[Signed, Out] = {}
        self._done: OrderedDict[Signed, tuple[float, bytes]] = OrderedDict()
        """In order of their ends. A plain dict looks for its first one through all that were taken out before it."""

        self._bytes = 0

    def known(self, signed: Signed) -> Out | bytes | None:
        """The call, while it is being executed; its answer, afterwards; None: it is new."""
        out = self._out.get(signed)
        if out is not None:
            return out
        done = self._done.get(signed)
        return None if done is None else done[1]

    def begun(self, signed: Signed, out: Out) -> None:
        """A call that is being executed."""
        self._out[signed] = out

    def ended(self, signed: Signed, answer: bytes, until_s: float) -> None:
        """It has its answer, which is to be kept until then."""
        self._out.pop(signed, None)
        self._done[signed] = until_s, answer
        self._bytes += len(answer)
        self._make_room()

    def forget(self, signed: Signed) -> None:
        """It came to nothing, and may be tried again."""
        self._out.pop(signed, None)

    def _make_room(self) -> None:
        now_s = self._now_s()
        while self._done:
            signed, (until_s, answer) = next(iter(self._done.items()))
            if until_s > now_s and len(self._done) <= self._answers and self._bytes <= self._answer_bytes:
                return
            del self._done[signed]
            self._bytes -= len(answer)
