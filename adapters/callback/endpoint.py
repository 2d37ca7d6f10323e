"""The endpoint of one HTTP subscription: its pool of connections, and one deadline an attempt.

Shape   HttpEndpoint keeps the Endpoint port (pipeline/ports.py); one for each subscription, on the event loop's thread
Conduct kept-alive, most recently used first; no redirects, no proxy; TLS verified; the name is resolved, the address
        checked and that very address called. A connection that had gone stale is replaced, once, within the attempt
Bounds  an attempt out has one connection at most, and an idle one is taken before a new one is made: never more
        connections than there were attempts at once, nor one of the last file descriptors (descriptors.py). The
        deadline goes from resolving the name to the answer
Truth   an answer whose head has come counts, whatever cuts the attempt short: at the deadline its status is told, and
        cancel() and close() tell Delivered where it was a 2xx, else Abandoned
Cost    no task, future, timer or lock per request; a task per new connection. One alarm serves all deadlines: attempts
        have the same time-out, so they come due in the order in which they began
"""

import asyncio
import time
from collections.abc import Callable

from adapters.callback.connection import Connection
from adapters.callback.dialer import Dialer
from adapters.callback.reasons import NotConnectedError, NotSentError
from adapters.callback.request import RequestForm, UnsendableError
from adapters.callback.resolver import Lookup, lookup_streams
from adapters.callback.retry_after import HEARD, retry_after_s
from adapters.callback.signature import Signer
from pipeline.outcome import Abandoned, Delivered, Failed, Outcome, Unsent, outcome_of_status
from pipeline.ports import Push
from pipeline.subscription import HttpPolicy

IDLE_S = 30.0
"""An idle connection older than this is closed: many servers close theirs after 60 s or more."""

UNSENT_S = 1.0
"""What lacked a file descriptor is told so this much later, within its time: until then others may have ended."""

LATE_S = 0.05
"""An alarm that comes later than this says that the loop, not the endpoint, was slow: answers may lie there unread."""

REST_S = 1.0
"""How long an answer's body may take after its head; then the status alone has to do."""


class HttpEndpoint:
    """Posts one subscription's messages."""

    def __init__(
        self,
        policy: HttpPolicy,
        loop: asyncio.AbstractEventLoop,
        lookup: Lookup = lookup_streams,
        idle_s: float = IDLE_S,
        rest_s: float = REST_S,
    ) -> None:
        self.rest_s = rest_s
        self.timeout_s = policy.timeout_s
        self._loop = loop
        self._now_s = loop.time
        self._idle_s = idle_s
        self._form = RequestForm(policy.endpoint, Signer(policy.signing_secrets))
        self._dialer = Dialer(policy, loop, lookup)
        self._out: dict[Attempt, float] = {}
        self._alarm: asyncio.TimerHandle | None = None
        self._open: set[Connection] = set()
        self._idle: dict[Connection, None] = {}  # in order of age
        self._sweep: asyncio.TimerHandle | None = None
        self._closed = False

    def post(self, push: Push, on_outcome: Callable[[Outcome], None]) -> "Attempt":
        """Attempt once; on_outcome is called exactly once, never from within post itself."""
        now_s = self._now_s()
        attempt = Attempt(self, on_outcome)
        self._out[attempt] = now_s + self.timeout_s
        if self._closed:
            self._loop.call_soon(attempt.end, Abandoned())
            return attempt
        if self._alarm is None:
            self._alarm = self._loop.call_later(self.timeout_s, self._deadlines)
        try:
            attempt.request = self._form.encode(push, time.time())
        except UnsendableError as error:
            self._loop.call_soon(attempt.end, Failed(str(error)))
            return attempt
        if self._idle:
            connection, _ = self._idle.popitem()
            attempt.send_on(connection)  # if it is closing in this very moment, it will say that it was stale
        else:
            self.dial(attempt)
        return attempt

    def close(self) -> None:
        """Cut short what is out, and let go of every connection."""
        self._closed = True
        for timer in (self._alarm, self._sweep):
            if timer is not None:
                timer.cancel()
        for attempt in list(self._out):
            attempt.cancel()
        for connection in list(self._open):
            connection.abort()

    def dial(self, attempt: "Attempt") -> None:
        """Send on a new connection."""
        left_s = self._out[attempt] - self._now_s()
        attempt.dialing = self._loop.create_task(self._dial(attempt, left_s))
        attempt.dialing.add_done_callback(_surface)

    async def _dial(self, attempt: "Attempt", left_s: float) -> None:
        try:
            await self._dialer.dial(self, attempt.send_on, left_s)
        except NotConnectedError as error:
            attempt.broken(str(error), stale=False)
        except NotSentError as error:
            rest_s = self._out[attempt] - self._now_s() if self.is_out(attempt) else 0.0
            self._loop.call_later(min(UNSENT_S, rest_s / 2), attempt.end, Unsent(str(error)))

    def ended(self, attempt: "Attempt") -> bool:
        """Whether this is the attempt's end: it has not ended before."""
        return self._out.pop(attempt, None) is not None

    def is_out(self, attempt: "Attempt") -> bool:
        """Whether it has not ended."""
        return attempt in self._out

    def connected(self, connection: Connection) -> None:
        """From a new connection."""
        self._open.add(connection)

    def became_idle(self, connection: Connection) -> None:
        """From a connection."""
        connection.idle_since_s = self._now_s()
        self._idle[connection] = None
        if self._sweep is None:
            self._sweep = self._loop.call_later(self._idle_s, self._sweep_idle)

    def lost(self, connection: Connection) -> None:
        """From a connection."""
        self._open.discard(connection)
        self._idle.pop(connection, None)

    def _deadlines(self) -> None:
        """End the attempts whose time is over; the first of the others sets the next alarm."""
        self._alarm = None
        if not self._out:
            return
        late_s = self._now_s() - next(iter(self._out.values()))
        if late_s > LATE_S:
            self._alarm = self._loop.call_later(0.001, self._end_overdue)  # after what has come in was read
        else:
            self._end_overdue()

    def _end_overdue(self) -> None:
        self._alarm = None
        while self._out:
            attempt, deadline_s = next(iter(self._out.items()))
            left_s = deadline_s - self._now_s()
            if left_s > 0:
                if self._alarm is None:  # an outcome that was told may have led to another post, and that to an alarm
                    self._alarm = self._loop.call_later(left_s, self._deadlines)
                return
            attempt.timed_out()

    def _sweep_idle(self) -> None:
        """Close what has been idle for too long."""
        self._sweep = None
        for connection in list(self._idle):
            left_s = connection.idle_since_s + self._idle_s - self._now_s()
            if left_s > 0:
                self._sweep = self._loop.call_later(left_s, self._sweep_idle)
                return
            del self._idle[connection]
            connection.abort()


class Attempt:
    """One attempt that is out: ends once, with an outcome."""

    __slots__ = ("_connection", "_endpoint", "_on_outcome", "dialing", "request")

    def __init__(self, endpoint: HttpEndpoint, on_outcome: Callable[[Outcome], None]) -> None:
        self._endpoint = endpoint
        self._on_outcome = on_outcome
        self._connection: Connection | None = None
        self.dialing: asyncio.Task[None] | None = None
        self.request = b""

    def send_on(self, connection: Connection) -> None:
        """Write the request; a connection that comes too late for it is closed."""
        self.dialing = None
        if self._endpoint.is_out(self):
            self._connection = connection
            connection.send(self.request, self)
        else:
            connection.abort()

    def answered(self, status: int, excerpt: bytes, head: bytes) -> None:
        """From the connection."""
        if 200 <= status < 300:
            self.end(Delivered(status))
        else:
            wait_s = retry_after_s(head, time.time()) if status in HEARD else None
            self.end(outcome_of_status(status, excerpt, wait_s))

    def broken(self, reason: str, *, stale: bool) -> None:
        """From the connection, or from dialing."""
        if stale:
            self._connection = None  # a new connection is never stale: this happens once
            self._endpoint.dial(self)
        else:
            self.end(Failed(reason))

    def timed_out(self) -> None:
        """The deadline has come."""
        connection = self._connection
        if connection is not None and connection.status:
            connection.settle_for_status()
            return
        waiting_for = "connection" if connection is None else "answer"
        self._cut(Failed(f"timed out after {self._endpoint.timeout_s:g} s, no {waiting_for}"))

    def cancel(self) -> None:
        """The process stops."""
        connection = self._connection
        if connection is not None and 200 <= connection.status < 300:
            connection.settle_for_status()
        else:
            self._cut(Abandoned())

    def end(self, outcome: Outcome) -> None:
        """Tell the outcome, if none has been told."""
        if not self._endpoint.ended(self):
            return
        self._connection = None
        try:
            self._on_outcome(outcome)
        except OSError as error:  # a transport that called us would take it for a fault of its own, and hide it
            raise RuntimeError("the end of an attempt was not heard") from error

    def _cut(self, outcome: Outcome) -> None:
        if self.dialing is not None:
            self.dialing.cancel()
        if self._connection is not None:
            self._connection.abort()
        self.end(outcome)


def _surface(task: "asyncio.Task[None]") -> None:
    """A dial that fails otherwise than it should is the loop's to report, now."""
    if not task.cancelled() and (error := task.exception()) is not None:
        raise error
