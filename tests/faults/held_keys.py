"""Keys whose retries last, across whatever happens meanwhile."""

import json
from itertools import pairwise

from tests.faults.case import case
from tests.faults.kill_points import CLOCKS, HOLDING, failing_once, unlucky
from tests.faults.scene import HELD_S, Scene
from tests.faults.streams import of_one_job, with_one_hot_job
from tests.harness.conduct import slowly
from tests.harness.kafka import read_all

UNLUCKY = 100
"""The message that is refused, in the order in which they come."""


@case(
    "a schedule across two restarts",
    "A key waits for its third attempt, the process is stopped once and killed once: no attempt is early, none is "
    "counted anew.",
    clocks=CLOCKS,
    http={"retry_schedule_s": [HELD_S, HELD_S, 0.1]},
)
def schedule_across_restarts(scene: Scene) -> None:
    came: dict[str, int] = {}

    def answer(_path: str, msg_id: str, attempt: int) -> int:
        return 503 if came.setdefault(msg_id, len(came)) == UNLUCKY and attempt <= 2 else 200

    scene.sink.answer = answer
    scene.publish()
    first = scene.start()
    scene.wait_held()
    scene.wait_accepted(len(scene.sent) * 3 // 4)
    assert scene.stop(first) == 0
    second = scene.start()
    scene.wait(lambda: held_attempts(scene) == {2}, "all held keys to have failed twice", every_s=0.1)
    scene.kill(second)
    scene.finish()
    times = [request.time_s for request in scene.requests if came[request.msg_id] == UNLUCKY]
    gaps = [after - before for before, after in pairwise(times)]
    assert len(gaps) == 2, gaps
    assert min(gaps) > HELD_S - 0.1, gaps


def held_attempts(scene: Scene) -> set[int]:
    """How often the next events of the held keys were attempted, durably."""
    latest = {one.key: one.value for one in read_all(scene.servers, scene.held_topic)}
    return {json.loads(value)[1] for value in latest.values() if value is not None}


@case(
    "kill -9 while keys catch up",
    "Held keys have many followers, a third of them is delivered: the rest follow, in order.",
    clocks=CLOCKS,
    http=HOLDING,
)
def killed_while_catching_up(scene: Scene) -> None:
    open_for_all = [False]
    scene.sink.answer = lambda _path, _id, _attempt: 200 if open_for_all[0] else 503
    scene.publish_lines(of_one_job("job-hot", 150))
    first = scene.start()
    scene.wait_held()
    scene.wait(lambda: not scene.uncommitted_but_held(), "the followers to be settled")
    open_for_all[0] = True
    scene.wait_accepted(50)
    scene.kill(first)
    scene.finish()


@case(
    "one hot key",
    "2,000 events of one job among those of others, at a slow endpoint: its lane becomes a held key, in order still.",
    http=HOLDING,
)
def hot_key(scene: Scene) -> None:
    scene.sink.answer = lambda *_: slowly(0.001)
    scene.publish_lines(with_one_hot_job(2_000))
    scene.finish()


@case(
    "one hot key that fails",
    "The first of 1,500 events of one job fails for a while: its followers are found again in the log.",
    http=HOLDING,
)
def hot_key_fails(scene: Scene) -> None:
    scene.sink.answer = lambda _path, msg_id, attempt: 503 if int(msg_id) % 999 == 0 and attempt == 1 else 200
    lines = of_one_job("job-hot", 1_500)
    first: list[str] = []

    def answer(_path: str, msg_id: str, attempt: int) -> int:
        first[:] = first or [msg_id]
        return 503 if msg_id == first[0] and attempt == 1 else 200

    scene.sink.answer = answer
    scene.publish_lines(lines)
    scene.finish()


@case(
    "held keys change hands",
    "Members join and leave while keys are held: each owner learns of them before it delivers anything.",
    clocks=CLOCKS,
    http=HOLDING,
)
def held_keys_change_hands(scene: Scene) -> None:
    scene.sink.answer = unlucky(503, 60)
    scene.publish()
    first = scene.start()
    scene.wait_held(3)
    second = scene.start()
    second.wait_for_line("partitions_assigned", "billing")
    scene.publish(30, seed=2)
    assert scene.stop(first) == 0
    scene.finish()


@case(
    "kill -9 when a key is released",
    "The tombstone of a held key is in an open transaction: the key is released once, its events stay in order.",
    clocks=CLOCKS,
    http=HOLDING,
)
def killed_when_released(scene: Scene) -> None:
    scene.sink.answer = failing_once({UNLUCKY})
    scene.publish()
    first = scene.start()
    scene.wait_held()
    scene.kill(first)
    scene.die_at("in-release")
    scene.finish()
