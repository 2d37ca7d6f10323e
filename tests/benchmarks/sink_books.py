"""The books of the HTTP sink: what came out of order, overlapped, was repeated or left out, per path and key.

Shape   LateKeeper(plan) keeps the bodies and reads them when the books are made up: next to nothing per request, all
        the memory that they take. SpotKeeper(plan) reads each at once and keeps a number or two per path and key
Books   out_of_order: accepted after a later event of its key. overlap: arrived while another of its key was unanswered.
        gaps: accepted while an earlier one of its key was not. repeated: accepted a second time
"""

import binascii
from collections import Counter, defaultdict

import msgspec

from tests.benchmarks.sink_plan import Plan

ACCEPTED = 200

Event = tuple[int, int]
"""A job and the number of its event."""


class Books(msgspec.Struct):
    """The result; seconds are from the first arrival to the last acceptance of watched events."""

    seconds: float
    requests: int
    out_of_order: int
    overlap: int
    gaps: int
    repeated: int
    arrivals: dict[int, float]
    """time.monotonic() by number, where the plan asks for it."""

    @property
    def faults(self) -> int:
        """Must be zero."""
        return self.out_of_order + self.overlap + self.gaps + self.repeated


class PathBook:
    """One path's: what is unanswered, and the latest that was accepted, of each job."""

    __slots__ = ("_latest", "_step", "_unanswered", "accepted", "faults")

    def __init__(self, step: int) -> None:
        self._step = step
        self._unanswered: dict[int, int] = {}
        self._latest: dict[int, int] = {}
        self.accepted = 0
        self.faults: Counter[str] = Counter()

    def arrived(self, job: int) -> None:
        """Note an event that waits for its answer."""
        waiting = self._unanswered.get(job, 0)
        if waiting:
            self.faults["overlap"] += 1
        self._unanswered[job] = waiting + 1

    def answered(self, job: int, number: int, status: int) -> None:
        """Note its answer."""
        self._unanswered[job] -= 1
        if status != ACCEPTED:
            return
        latest = self._latest.get(job, job - self._step)
        if number > latest:
            self._latest[job] = number
            if number != latest + self._step:
                self.faults["gaps"] += 1
        else:
            self.faults["repeated" if number == latest else "out_of_order"] += 1


class SpotKeeper:
    """Reads each body when it comes."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._unwatched = plan.unwatched
        self._paths: dict[bytes, PathBook] = defaultdict(lambda: PathBook(plan.keys))
        self._full = 0
        self._requests = 0
        self._first_s = 0.0
        self._last_s = 0.0
        self._arrivals: dict[int, float] = {}

    def arrived(self, at_s: float, path: bytes, body: bytes) -> Event:
        """Note a request; what is handed back goes to answered()."""
        event = job, number = identity(body)
        self._requests += 1
        self._paths[path].arrived(job)
        if job != self._unwatched:
            self._first_s = self._first_s or at_s
        if self._plan.arrivals:
            self._arrivals.setdefault(number, at_s)
        return event

    def answered(self, at_s: float, path: bytes, event: Event, status: int) -> bool:
        """Note its answer; whether that was the last one expected."""
        job, number = event
        book = self._paths[path]
        book.answered(job, number, status)
        if status == ACCEPTED and job != self._unwatched:
            self._last_s = at_s
            book.accepted += 1
            self._full += book.accepted == self._plan.expected
        return self._full == self._plan.paths

    def books(self) -> Books:
        """Make up."""
        faults = sum((book.faults for book in self._paths.values()), Counter[str]())
        return Books(
            seconds=self._last_s - self._first_s,
            requests=self._requests,
            out_of_order=faults["out_of_order"],
            overlap=faults["overlap"],
            gaps=faults["gaps"],
            repeated=faults["repeated"],
            arrivals=self._arrivals,
        )


class LateKeeper:
    """Keeps bodies, and plays them to a SpotKeeper in the end."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._entries: list[tuple[float, bytes, bytes, int]] = []
        self._accepted = 0

    def arrived(self, at_s: float, path: bytes, body: bytes) -> bytes:
        """Note a request; what is handed back goes to answered()."""
        self._entries.append((at_s, path, body, 0))
        return body

    def answered(self, at_s: float, path: bytes, body: bytes, status: int) -> bool:
        """Note its answer; whether that was the last one expected."""
        self._entries.append((at_s, path, body, status))
        self._accepted += status == ACCEPTED
        return self._accepted >= self._plan.expected

    def books(self) -> Books:
        """Make up."""
        keeper = SpotKeeper(self._plan)
        for at_s, path, body, status in self._entries:
            if status:
                keeper.answered(at_s, path, identity(body), status)
            else:
                keeper.arrived(at_s, path, body)
        return keeper.books()


Keeper = SpotKeeper | LateKeeper


def keeper_for(plan: Plan) -> Keeper:
    """The one that costs less, where the answer and the count do not depend on what a body says."""
    return SpotKeeper(plan) if plan.fail_per_cent or plan.unwatched >= 0 or plan.paths > 1 else LateKeeper(plan)


def identity(body: bytes) -> Event:
    """Job and number of an event: in a push's msgBody, or (the bare loop's peers) in plain text."""
    begin = body.find(b'"msgBody":"')
    if begin >= 0:
        begin += 11
        body = binascii.a2b_base64(body[begin : body.index(b'"', begin)])
    job = body.index(b'"JobId":"job-') + 13
    number = body.index(b'"TaskInstanceIndex":') + 20
    return int(body[job : job + 8]), int(body[number : body.index(b",", number)])
