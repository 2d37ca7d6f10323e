"""Endpoints that misbehave: each event is delivered once all the same, and in order."""

import time
from collections.abc import Callable

from tests.faults.case import Expect, case
from tests.faults.kill_points import unlucky
from tests.faults.scene import PATH, Scene
from tests.faults.streams import of_many_jobs
from tests.harness import conduct
from tests.harness.conduct import replies
from tests.harness.sink import Answer, Conduct

QUICK = {"retry_schedule_s": [0.1] * 30}
IMPATIENT = QUICK | {"timeout_s": 1}


def now_and_then(one: int | Conduct, one_in: int = 40, attempts: int = 1) -> Answer:
    """An odd conduct for the first attempts at some messages."""

    def answer(_path: str, msg_id: str, attempt: int) -> int | Conduct:
        return one if int(msg_id) % one_in == 0 and attempt <= attempts else 200

    return answer


def retried(answer: Answer) -> Callable[[Scene], None]:
    """Some first attempts fail so; everything arrives."""

    def do(scene: Scene) -> None:
        scene.sink.answer = answer
        scene.publish()
        scene.finish()
        failed = [one for one in scene.requests if not one.accepted]
        assert failed, "nothing failed"

    return do


def accepted(answer: Answer) -> Callable[[Scene], None]:
    """Odd, but accepted: nothing is sent a second time."""

    def do(scene: Scene) -> None:
        scene.sink.answer = answer
        scene.publish()
        scene.finish()
        assert len(scene.requests) == len(scene.sent), "something was sent again"

    return do


def failures(scene: Scene) -> int:
    return sum("outcome=failed" in line for member in scene.running for line in member.lines)


def until_quiet(scene: Scene) -> None:
    """Wait until the breaker is open: failures enough, and no more of them."""
    seen: list[int] = []

    def quiet() -> bool:
        seen.append(failures(scene))
        return len(seen) > 8 and seen[-8] == seen[-1] >= 20

    scene.wait(quiet, "the breaker to open", every_s=0.1)


class Strained:
    """An endpoint that takes so many requests, then none until nobody has come for half a second."""

    def __init__(self, takes: int) -> None:
        self._takes = takes
        self._left = 0
        self._asked_s = 0.0
        self.rests = 0

    def answer(self) -> int:
        rested = time.monotonic() - self._asked_s > 0.5
        self._asked_s = time.monotonic()
        if rested:
            self._left = self._takes
            self.rests += 1
        self._left -= 1
        return 200 if self._left >= 0 else 503


@case("endpoint refuses connections", "Nobody listens: the breaker opens, a few probes go out; then all is delivered.")
def refuses(scene: Scene) -> None:
    scene.sink.refuse()
    scene.publish_lines(of_many_jobs(1_000))
    scene.start()
    until_quiet(scene)
    burnt = failures(scene)
    assert burnt <= 100, f"{burnt} attempts were burnt at a dead endpoint"
    scene.sink.listen()
    scene.finish()


@case(
    "endpoint accepts and hangs",
    "Connections are taken, nothing is answered: attempts time out, the breaker opens; then all is delivered.",
    clocks="time-out 1 s",
    http={"timeout_s": 1},
)
def hangs(scene: Scene) -> None:
    scene.sink.answer = lambda *_: conduct.hang_for_good
    scene.publish()
    scene.start()
    until_quiet(scene)
    scene.sink.answer = lambda *_: 200
    scene.finish()


@case(
    "endpoint flaps",
    "It takes 300 and fails until it is left alone for half a second, again and again: the breaker opens, and a probe "
    "closes it.",
    http=QUICK,
)
def flaps(scene: Scene) -> None:
    strained = Strained(300)
    scene.sink.answer = lambda *_: strained.answer() if scene.accepted < 1_000 else 200
    scene.publish_lines(of_many_jobs(2_000))
    scene.finish()
    assert strained.rests > 3, "it was never left alone"


@case(
    "endpoint hangs for some",
    "One event in 100 hangs until its time-out: other keys go on.",
    clocks="time-out 1 s",
    http=IMPATIENT,
)
def hangs_for_some(scene: Scene) -> None:
    retried(now_and_then(conduct.hang_for_good, 100))(scene)


case("slow head", "The answer's head comes byte by byte: waited for, and heard.", http={"timeout_s": 5})(
    accepted(now_and_then(conduct.slow_head))
)
case(
    "head that never ends",
    "Header lines without end: the attempt ends at its deadline and is retried.",
    clocks="time-out 1 s",
    http=IMPATIENT,
)(retried(now_and_then(conduct.head_that_never_ends, 100)))
case("slow body", "The status is here, the body trickles: the status counts, after a second.")(
    accepted(now_and_then(conduct.slow_body, 100))
)
case("reset in the body", "The connection breaks in the body of a 200: the status counts, nothing is sent again.")(
    accepted(now_and_then(conduct.reset_in_body))
)
case("reset before the answer", "The connection breaks before a status: retried.", http=QUICK)(
    retried(now_and_then(conduct.reset_before_answer))
)
case("10 MB answer", "An answer far too large: the status counts, the rest is not read.")(
    accepted(now_and_then(conduct.ten_megabytes, 100))
)
case("answer that never ends", "Chunk after chunk: the status counts, the rest is not read.")(
    accepted(now_and_then(conduct.endless, 100))
)
case("keep-alive closed after the answer", "The endpoint closes each connection it promised to keep: a new one.")(
    accepted(lambda *_: conduct.answer_then_close)
)
case(
    "keep-alive closed as we send",
    "The endpoint closes a kept connection as the next request arrives: sent again on a new one, not a failed attempt.",
)(retried(lambda *_: conduct.close_unless_first))


@case("status 302", "Redirects are never followed: a failed attempt, retried.", http=QUICK)
def redirects(scene: Scene) -> None:
    retried(now_and_then(replies(302, f"Location: {scene.sink.url('/elsewhere')}")))(scene)
    assert {one.path for one in scene.sink.requests} == {PATH}, "a redirect was followed"


for status in (400, 404, 408, 500, 503):
    case(f"status {status}", "A failed attempt, retried by the subscription's schedule.", http=QUICK)(
        retried(unlucky(status, 40, attempts=2))
    )


@case(
    "status 400, on_refused dead-letter",
    "The endpoint refuses an event as such: straight to the dead letters, its followers go on.",
    http={"on_refused": "dead-letter"},
    expect=Expect(letters=None),
)
def refused_events(scene: Scene) -> None:
    scene.sink.answer = unlucky(400, 40)
    scene.publish()
    scene.finish()
    refused = {one.msg_id for one in scene.requests if one.status == 400}
    assert len(scene.letters()) == len(refused) > 0


for asking in (429, 503):

    @case(
        f"status {asking} with Retry-After",
        "The endpoint asks for a second: no attempt at that event is earlier.",
        http=QUICK,
    )
    def asks_for_time(scene: Scene, asking: int = asking) -> None:
        retried(now_and_then(replies(asking, "Retry-After: 1")))(scene)
        by_id: dict[str, list[float]] = {}
        for one in scene.requests:
            by_id.setdefault(one.msg_id, []).append(one.time_s)
        gaps = [times[1] - times[0] for times in by_id.values() if len(times) > 1]
        assert min(gaps) >= 0.95, gaps


@case(
    "status 410",
    "The endpoint is gone: the subscription pauses, nothing is given up; after a restart it is asked again.",
)
def gone(scene: Scene) -> None:
    scene.sink.answer = lambda *_: 200 if scene.accepted < 200 else 410
    scene.publish()
    member = scene.start()
    member.wait_for_line("delivery_attempted", "outcome=gone")
    scene.wait(lambda: all(one.ended for one in scene.requests), "all answers")
    asked = sum(one.status == 410 for one in scene.requests)
    assert asked <= 64, "it went on asking"
    assert scene.stop(member) == 0
    scene.sink.answer = lambda *_: 200
    scene.finish()
