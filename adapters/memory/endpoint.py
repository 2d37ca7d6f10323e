"""An endpoint that answers as a test says.

Shape   MemoryEndpoint(clock, answer).post(push, on_outcome) keeps the Endpoint port; `posts` holds every push in the
        order of the attempts, `out` the attempts that have not ended
Answers answer(push) gives the outcome, told `latency_s` later; None: no answer. What is still out after `timeout_s` has
        failed, as with the HTTP one; before that a test may end it itself
Bounds  the clock's thread
"""

from collections.abc import Callable
from functools import partial
from itertools import chain, repeat

from pipeline.clock import Clock
from pipeline.outcome import Abandoned, Delivered, Failed, Outcome
from pipeline.ports import Push

Answer = Callable[[Push], Outcome | None]

ACCEPTED = Delivered(200)


def in_turn(*outcomes: Outcome | None, then: Outcome | None = ACCEPTED) -> Answer:
    """Answers one after another, whatever is pushed, and `then` for ever."""
    answers = chain(outcomes, repeat(then))
    return lambda _push: next(answers)


def _accept(_push: Push) -> Outcome:
    return ACCEPTED


class MemoryAttempt:
    """One attempt; ends once."""

    def __init__(self, push: Push, on_outcome: Callable[["MemoryAttempt", Outcome], None]) -> None:
        self.push = push
        self._on_outcome: Callable[[MemoryAttempt, Outcome], None] | None = on_outcome

    def end(self, outcome: Outcome) -> None:
        """Tell the outcome, if none was told yet."""
        on_outcome, self._on_outcome = self._on_outcome, None
        if on_outcome is not None:
            on_outcome(self, outcome)

    def cancel(self) -> None:
        """Cut it short."""
        self.end(Abandoned())


class MemoryEndpoint:
    """One subscription's endpoint."""

    def __init__(
        self, clock: Clock, answer: Answer = _accept, *, latency_s: float = 0.0, timeout_s: float = 15.0
    ) -> None:
        self.answer = answer
        self.posts: list[Push] = []
        self.out: list[MemoryAttempt] = []
        self.closed = False
        self._clock = clock
        self._latency_s = latency_s
        self._timeout_s = timeout_s

    def post(self, push: Push, on_outcome: Callable[[Outcome], None]) -> MemoryAttempt:
        """Attempt once."""

        def ended(attempt: MemoryAttempt, outcome: Outcome) -> None:
            self.out.remove(attempt)
            on_outcome(outcome)

        attempt = MemoryAttempt(push, ended)
        self.posts.append(push)
        self.out.append(attempt)
        outcome = self.answer(push)
        if outcome is not None and self._latency_s <= self._timeout_s:
            self._clock.call_later(self._latency_s, partial(attempt.end, outcome))
        else:
            timed_out = Failed(f"timed out after {self._timeout_s:g} s")
            self._clock.call_later(self._timeout_s, partial(attempt.end, timed_out))
        return attempt

    def close(self) -> None:
        """Note it."""
        self.closed = True
