"""The event loop's half of an HTTP subscription: lanes, attempts, quick retries.

Shape   Delivery takes batches of items (accept, accept_held), attempts the heads of their lanes through an Endpoint,
        and reports (Reports) what the consumer thread must know: settled, to be held, to be buried
Order   per (partition, key) one attempt at a time, oldest first; other keys go on meanwhile. A lane whose head is to be
        held or buried stands still until the consumer thread has that in an acknowledged transaction
Limits  an adaptive limit up to the subscription's `concurrency`; of it held keys use at most a quarter while a live key
        waits, at least one. An open breaker lets nothing out but its probe; a shut gate nothing at all
Stop    drain(): no new attempt; what is out may end. abandon(): cut it short
Bounds  every method runs on the event loop's thread; no task, future or lock per event
"""

import random
from collections.abc import Callable
from functools import partial

from pipeline import judging
from pipeline.adaptive_limit import AdaptiveLimit
from pipeline.breaker import Breaker, BreakerState
from pipeline.clock import Clock, Timer
from pipeline.delivery_ports import Gate, Reports, Spans
from pipeline.item import UNMADE, Attempt, Item
from pipeline.kill_point import kill_point
from pipeline.lanes import Lanes
from pipeline.outcome import Abandoned, Delivered, Failed, Fault, Gone, Outcome, Unsent
from pipeline.ports import Cancellable, DeadLetter, Endpoint
from pipeline.subscription import HttpPolicy, OnExhausted

QUICK_RETRY_S = 8.0
"""A retry that is due sooner waits in memory; a longer one makes the key held."""

LANE_SHARE = 250
"""A key with more events than this in memory is held, due now: one hot key must not fill the lanes."""

SWEEP_S = 0.5
"""How often an open breaker's events are looked through for those that have become too old."""


class Delivery:
    """Delivers one subscription's items to its endpoint."""

    def __init__(
        self,
        policy: HttpPolicy,
        endpoint: Endpoint,
        clock: Clock,
        gate: Gate,
        reports: Reports,
        on_attempt: Callable[[Attempt], None],
        prepare: Callable[[Item], None],
        spans: Spans | None = None,
    ) -> None:
        """Begin with nothing to deliver.

        Args:
            prepare: makes of an item's record what is sent, or says that there is nothing to send (prepare.py).
            spans: hears of each attempt's beginning and end, where somebody records them.
        """
        self._policy = policy
        self._endpoint = endpoint
        self._clock = clock
        self._gate = gate
        self._reports = reports
        self._on_attempt = on_attempt
        self._prepare = prepare
        self._spans = spans
        self._lanes: Lanes[Item] = Lanes()
        self._held: Lanes[Item] = Lanes()
        self._held_out = 0
        self._out: dict[int, tuple[Item, Cancellable]] = {}
        self._timers: dict[int, tuple[Item, Timer, int]] = {}
        """By item: with its timer, and when that is due in Unix milliseconds."""

        self._draining = False
        self._pumping = False
        self._on_idle: list[tuple[set[int] | None, Callable[[], None]]] = []
        self._probe_timer: Timer | None = None
        self._swept_s = 0.0
        self._max_age_ms = int(policy.max_age_s * 1000)
        self.limit = AdaptiveLimit(policy.concurrency)
        self.breaker = Breaker()

    @property
    def in_flight(self) -> int:
        """Attempts that are out."""
        return len(self._out)

    @property
    def waiting_for_retry(self) -> int:
        """Items that were attempted and will be again, from memory."""
        return len(self._timers)

    def accept(self, items: list[Item]) -> None:
        """Take a batch of live items."""
        for item in items:
            self._lanes.add(item)
        self.pump()

    def accept_held(self, items: list[Item]) -> None:
        """Take the next events of held keys, each key's in order; where one fails those behind it are given back."""
        for item in items:
            self._held.add(item)
        self.pump()

    def collect(self, item: Item) -> list[Item]:
        """The lane of an item that is to be held: gives up its followers, in order; empty if it is gone."""
        return self._lanes.give_up(item)[1:]

    def release(self, item: Item) -> None:
        """The head was buried: its follower may go."""
        self._lanes.done(item)
        self.pump()

    def revoke(self, partitions: set[int], when_quiet: Callable[[], None]) -> None:
        """Forget these partitions' items; call when_quiet once none of their attempts is out."""
        self._lanes.drop(partitions)
        self._held.drop(partitions)
        for number, (item, timer, _) in list(self._timers.items()):
            if item.record.partition in partitions:
                timer.cancel()
                del self._timers[number]
        self._on_idle.append((partitions, when_quiet))
        self._tell_idle()

    def drain(self, when_quiet: Callable[[], None]) -> None:
        """Start nothing more; items that wait for a quick retry are to be held; when_quiet once nothing is out."""
        self._draining = True
        for item, timer, due_ms in self._timers.values():
            timer.cancel()
            self._reports.hold(item, due_ms)
        self._timers.clear()
        self._on_idle.append((None, when_quiet))
        self._tell_idle()

    def abandon(self) -> int:
        """Cut short what is out; returns how many attempts that were."""
        cut = [cancellable for _, cancellable in self._out.values()]
        for cancellable in cut:
            cancellable.cancel()
        return len(cut)

    def pump(self) -> None:
        """Start what may start. Called whenever that may have changed, also by a gate that opens again."""
        if self._draining:
            return
        now_s, now_ms = self._clock.monotonic_s(), self._clock.now_ms()
        if not self._gate.is_open(now_s):
            return
        while (self._lanes.ready or self._held.ready) and len(self._out) < self.limit.limit:
            item = self._next()
            if self._unfit(item, now_ms):
                self._dispose(item, now_ms)
            elif self.breaker.may_attempt(now_s):
                self._attempt(item, now_s, now_ms)
            else:
                (self._held if item.held else self._lanes).ready.appendleft(item)
                self._sweep(now_s, now_ms)
                self._await_probe(now_s)
                return

    def _pump_soon(self) -> None:
        """Once for all attempts whose answers came together: requests written in a row cost less than one at a time."""
        self._pumping = False
        self.pump()

    def _next(self) -> Item:
        """A live head, or the next event of a held key within its share; a probe is a live one if there is one."""
        if self._held.ready:
            share = max(1, self.limit.limit // 4) if self.breaker.state is BreakerState.CLOSED else 0
            if self._held_out < share or not self._lanes.ready:
                return self._held.take()
        return self._lanes.take()

    def _unfit(self, item: Item, now_ms: int) -> bool:
        """Whether an item whose turn it is need not, or must not, be attempted."""
        if item.push is UNMADE and item.refused is None and not item.unwanted:
            self._prepare(item)
        return item.unwanted or self._why_not(item, now_ms) is not None

    def _dispose(self, item: Item, now_ms: int) -> None:
        """Be done with an item that is not attempted."""
        if item.unwanted:
            self._reports.settled(item)
            self._lanes.done(item)
        else:
            self._refuse(item, now_ms)

    def _why_not(self, item: Item, now_ms: int) -> str | None:
        return judging.why_not(item, now_ms, self._max_age_ms)

    def _refuse(self, head: Item, now_ms: int) -> None:
        """To the dead letters, and with it the followers that are as bad: a lane of them is not buried one by one."""
        if head.held:
            self._held.give_up(head)
            self._reports.held_ended(head, Abandoned(), None, self._refusal(head, now_ms))
            return
        for item in self._lanes.items(head):
            if not self._unfit(item, now_ms) or item.unwanted:
                return
            if not item.buried:
                item.buried = True
                self._reports.bury(item, self._refusal(item, now_ms))

    def _refusal(self, item: Item, now_ms: int) -> DeadLetter:
        return judging.refusal(item, self._why_not(item, now_ms) or "")

    def _sweep(self, now_s: float, now_ms: int) -> None:
        """While nothing is attempted events grow old all the same: nothing may fall off the log unseen."""
        if now_s - self._swept_s < SWEEP_S:
            return
        self._swept_s = now_s
        for lanes in (self._lanes, self._held):
            for item in lanes.take_if(lambda item: self._unfit(item, now_ms)):
                self._dispose(item, now_ms)

    def _await_probe(self, now_s: float) -> None:
        if self.breaker.state is BreakerState.OPEN and self._probe_timer is None:

            def probe() -> None:
                self._probe_timer = None
                self.pump()

            self._probe_timer = self._clock.call_later(min(self.breaker.probe_in_s(now_s), SWEEP_S), probe)

    def _attempt(self, item: Item, now_s: float, now_ms: int) -> None:
        item.attempts += 1
        item.last_attempt_ms = now_ms
        if item.first_attempt_ms is None:
            item.first_attempt_ms = now_ms
        item.started_s = now_s
        self._held_out += item.held
        kill_point("before-post")
        push = item.push if self._spans is None else self._spans.begin(item)
        self._out[id(item)] = item, self._endpoint.post(push, partial(self._ended, item))

    def _ended(self, item: Item, outcome: Outcome) -> None:
        if isinstance(outcome, Delivered):
            kill_point("after-post")
        in_flight = len(self._out)
        del self._out[id(item)]
        if self._spans is not None:
            self._spans.ended(item, outcome)
        self._held_out -= item.held
        now_s = self._clock.monotonic_s()
        self._learn(item, outcome, now_s, in_flight)
        number, started_ms, wait_s = item.attempts, item.last_attempt_ms or 0, None
        if item.held:
            wait_s = self._held_ended(item, outcome)
        elif self._lanes.holds(item) or isinstance(outcome, Delivered):
            wait_s = self._live_ended(item, outcome)
        # Else its partition is the next owner's, who sends it again.
        self._on_attempt(Attempt(item, number, outcome, now_s - item.started_s, wait_s, started_ms))
        self._tell_idle()
        if not self._pumping:
            self._pumping = True
            self._clock.call_soon(self._pump_soon)

    def _learn(self, item: Item, outcome: Outcome, now_s: float, in_flight: int) -> None:
        """What the outcome says of the endpoint."""
        match outcome:
            case Delivered():
                self.breaker.succeeded(item.started_s)
                if not item.held:
                    self.limit.succeeded(now_s - item.started_s, in_flight)
            case Failed(fault=Fault.ENDPOINT) if not item.held or self.breaker.state is BreakerState.HALF_OPEN:
                self.limit.complained()
                if (item.attempts == 1 and not item.seen) or self.breaker.state is BreakerState.HALF_OPEN:
                    self.breaker.failed(item.record.key, item.started_s, now_s)
            case Gone():
                self.breaker.gone(now_s)
            case _:
                self.breaker.unanswered(item.started_s, now_s)

    def _live_ended(self, item: Item, outcome: Outcome) -> float | None:
        match outcome:
            case Delivered():
                self._reports.settled(item)
                self._lanes.done(item)
                self._hold_if_hot(item)
                return None
            case Abandoned():
                return None
            case Gone() | Unsent():
                item.attempts -= 1
                self._lanes.again(item)
                return None
            case Failed():
                return self._live_failed(item, outcome)

    def _live_failed(self, item: Item, failed: Failed) -> float | None:
        wait_s = self._wait_s(item, failed)
        if wait_s is None and self._policy.on_exhausted is OnExhausted.DROP:
            self._reports.settled(item)
            self._lanes.done(item)
        elif wait_s is None:
            self._reports.bury(item, judging.letter(self._policy, item, failed))
        elif wait_s > QUICK_RETRY_S or self._draining:
            self._reports.hold(item, self._clock.now_ms() + int(wait_s * 1000))
        else:
            self._retry_later(item, wait_s)
        return wait_s

    def _held_ended(self, item: Item, outcome: Outcome) -> float | None:
        wait_s, letter = None, None
        if isinstance(outcome, Failed):
            wait_s = self._wait_s(item, outcome)
            if wait_s is None and self._policy.on_exhausted is not OnExhausted.DROP:
                letter = judging.letter(self._policy, item, outcome)
        if isinstance(outcome, Delivered) or (isinstance(outcome, Failed) and wait_s is None and letter is None):
            self._held.done(item)
        else:
            self._held.give_up(item)
        due_ms = None if wait_s is None else self._clock.now_ms() + int(wait_s * 1000)
        self._reports.held_ended(item, outcome, due_ms, letter)
        return wait_s

    def _wait_s(self, item: Item, failed: Failed) -> float | None:
        return judging.wait_s(self._policy, item, failed, random.random())  # noqa: S311  spreads load, hides nothing

    def _hold_if_hot(self, done: Item) -> None:
        """The lane has grown beyond its share: the log itself is the better queue."""
        queue = done.queue
        if len(queue) > LANE_SHARE and self._lanes.withdraw(queue[0]):
            self._reports.hold(queue[0], self._clock.now_ms())

    def _retry_later(self, item: Item, wait_s: float) -> None:
        def again() -> None:
            del self._timers[id(item)]
            self._lanes.again(item)
            self.pump()

        due_ms = self._clock.now_ms() + int(wait_s * 1000)
        self._timers[id(item)] = item, self._clock.call_later(wait_s, again), due_ms

    def _tell_idle(self) -> None:
        if not self._on_idle:
            return
        busy = {item.record.partition for item, _ in self._out.values()}
        quiet = [(parts, call) for parts, call in self._on_idle if not (busy if parts is None else busy & parts)]
        self._on_idle = [entry for entry in self._on_idle if entry not in quiet]
        for _, call in quiet:
            call()
