"""kill -9 at the points of pipeline/kill_point.py: the process ends there, another one takes over."""

from tests.faults.case import Expect, case
from tests.faults.scene import HELD_S, KILL_AT, Scene
from tests.harness.conduct import slowly
from tests.harness.sink import Answer

CLOCKS = "session 3 s"
FAILING = {"retry_schedule_s": [0.05, 0.05]}
HOLDING = {"retry_schedule_s": [HELD_S, 0.2]}


def unlucky(status: int, one_in: int, attempts: int = 1) -> Answer:
    """A status for the first attempts at some messages, by their ids."""

    def answer(_path: str, msg_id: str, attempt: int) -> int:
        return status if int(msg_id) % one_in == 0 and attempt <= attempts else 200

    return answer


def failing_once(numbers: set[int]) -> Answer:
    """Fail the first attempts at some messages, by the order in which they came."""
    seen: dict[str, int] = {}

    def answer(_path: str, msg_id: str, attempt: int) -> int:
        return 503 if seen.setdefault(msg_id, len(seen)) in numbers and attempt == 1 else 200

    return answer


def flowing(scene: Scene, jobs: int = 100) -> None:
    """Events in plenty, at an endpoint that takes its time, and far more of it for the second half.

    So commits are made while there is much to do, however long the fault keeps us waiting.
    """
    scene.publish(jobs)
    half = len(scene.sent) // 2
    scene.sink.answer = lambda *_: slowly(0.1 if scene.accepted < half else 2)


def go_on(scene: Scene) -> None:
    """Let the rest arrive. At the fault something was committed and much was not, else this proves nothing."""
    assert scene.faults[-1].begun, "nothing was committed before the fault"
    assert scene.accepted < len(scene.sent) - 50, "all was delivered before the fault"
    scene.sink.answer = lambda *_: 200
    scene.finish()


@case("kill -9 at start", "Held keys are read, nothing is delivered yet: as if it had never started.", clocks=CLOCKS)
def at_start(scene: Scene) -> None:
    scene.publish()
    scene.die_at("at-start", 3)
    scene.finish()


@case("kill -9 after a fetch", "Records are read, nothing is done with them: they are read again.", clocks=CLOCKS)
def after_fetch(scene: Scene) -> None:
    flowing(scene, 40)
    member = scene.start({KILL_AT: "after-fetch:12"})
    scene.wait_committed()
    scene.sink.answer = lambda *_: slowly(2)  # however long a publish takes, there is much left to do
    for seed in range(2, 40):
        if member.process.poll() is None:
            scene.publish(2, seed)
    scene.await_death(member)
    go_on(scene)


@case("kill -9 before a POST", "One event is about to be sent: the successor sends it.", clocks=CLOCKS)
def before_post(scene: Scene) -> None:
    flowing(scene)
    scene.die_at("before-post", 800)
    go_on(scene)


@case("kill -9 after a POST", "The endpoint has taken it, nobody noted that: it is sent again.", clocks=CLOCKS)
def after_post(scene: Scene) -> None:
    flowing(scene)
    scene.die_at("after-post", 800)
    go_on(scene)


@case(
    "kill -9 during a commit", "The commit is on its way: what it had or had not is settled either way.", clocks=CLOCKS
)
def during_commit(scene: Scene) -> None:
    flowing(scene)
    scene.die_at("during-commit", 3)
    go_on(scene)


@case(
    "kill -9 in a revoke",
    "A second member joins, the first dies while it gives up partitions: the second gets them all.",
    clocks=CLOCKS,
)
def in_revoke(scene: Scene) -> None:
    flowing(scene)
    first = scene.start({KILL_AT: "in-revoke"})
    scene.wait_committed()
    scene.start()
    scene.publish(seed=2)
    scene.await_death(first)
    go_on(scene)


@case(
    "kill -9 in a queue transaction",
    "Messages and offsets are sent, the transaction is open: the queue never shows them twice.",
    clocks=CLOCKS,
)
def in_queue_transaction(scene: Scene) -> None:
    scene.publish()
    scene.die_at("in-queue-transaction")
    scene.finish()


@case(
    "kill -9 in a dead-letter write",
    "An event is given up, its dead letter is in an open transaction: one letter in the end, none lost.",
    clocks=CLOCKS,
    http=FAILING,
    expect=Expect(letters=None),
)
def in_dead_letter_write(scene: Scene) -> None:
    scene.sink.answer = unlucky(503, 40, attempts=99)
    scene.publish()
    scene.die_at("in-dead-letter-write", 2)
    scene.finish()
    refused = {one.msg_id for one in scene.requests if one.status == 503}
    assert len(scene.letters()) == len(refused) > 0


@case(
    "kill -9 in the transaction of a held key",
    "A key is about to be held: its events stay in order, whether the record made it or not.",
    clocks=CLOCKS,
    http=HOLDING,
)
def in_held_transaction(scene: Scene) -> None:
    scene.sink.answer = unlucky(503, 60)
    scene.publish()
    scene.die_at("in-held-transaction", 1)
    scene.finish()


@case(
    "kill -9 in a catch-up scan",
    "Held keys' followers are being looked for in the log: the next owner looks again.",
    clocks=CLOCKS,
    http=HOLDING,
)
def in_catch_up_scan(scene: Scene) -> None:
    scene.sink.answer = lambda _path, msg_id, _attempt: 503 if int(msg_id) % 60 == 0 else 200
    scene.publish()
    first = scene.start()
    scene.wait_held(3)
    scene.publish(seed=2)  # followers that no record of a held key knows
    scene.wait(lambda: all(one.offset for one in scene.durable().committed.values()), "commits")
    scene.kill(first)
    scene.sink.answer = unlucky(503, 60)
    scene.die_at("in-catch-up-scan", 5)
    scene.finish()


@case("kill -9 in the drain", "SIGTERM, and what was in flight has ended: it is sent again.", clocks=CLOCKS)
def in_drain(scene: Scene) -> None:
    flowing(scene)
    member = scene.start({KILL_AT: "in-drain"})
    scene.wait_committed()
    member.process.terminate()
    scene.await_death(member)
    go_on(scene)


@case("kill -9 three times", "Wherever it is at that moment; each successor goes on where the log says.", clocks=CLOCKS)
def three_times(scene: Scene) -> None:
    scene.publish(150)
    for share in (1, 2, 3):
        member = scene.start()
        scene.wait_accepted(share * len(scene.sent) // 5)
        scene.kill(member)
    scene.finish()
