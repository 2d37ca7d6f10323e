"""Members of a group that stop, stand still, join and leave."""

import os
import re
import signal

from tests.faults.case import case
from tests.faults.kill_points import CLOCKS
from tests.faults.scene import HELD_S, KILL_AT, Scene
from tests.harness.command import Running
from tests.harness.conduct import hang, hang_for_good, slowly
from tests.harness.sink import Conduct

INSTANCE_ID = "BATCH_EVENTS__KAFKA__GROUP_INSTANCE_ID"
PATIENT = {"session.timeout.ms": 40_000}
"""A session that no case waits for: who has partitions again was given them back."""

_CHANGE = re.compile(r"partitions_(assigned|revoked) .*/(\w+) partitions=\[(\d[\d, ]*)\]")


@case(
    "SIGSTOP beyond the session, then SIGCONT",
    "A member stands still with POSTs out, another takes its partitions; awake again it sends nothing of them.",
    clocks=CLOCKS,
    queue=None,
)
def stopped_and_continued(scene: Scene) -> None:
    stopped = [False]

    def answer(_path: str, msg_id: str, _attempt: int) -> int | Conduct:
        return hang if int(msg_id) % 50 == 0 and not stopped[0] else 200

    scene.sink.answer = answer
    scene.publish()
    first = scene.start()
    scene.wait(lambda: any(not one.ended for one in scene.requests) and scene.accepted > 300, "POSTs that hang")
    scene.wait_committed()
    first.process.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, first.process.pid, os.WSTOPPED | os.WNOWAIT)
    stopped[0] = True
    scene.note_fault()
    scene.start()
    scene.wait(lambda: scene.accepted == len(scene.sent), "the second to have delivered everything")
    scene.orphans |= {one.arrived for one in scene.requests if not one.ended}  # those the sink had not read yet
    arrived = len(scene.requests)
    first.process.send_signal(signal.SIGCONT)
    scene.sink.release()
    first.wait_for_line("partitions_lost")
    scene.publish(seed=2)
    scene.finish()
    first_again = [
        one for one in scene.requests[arrived:] if one.msg_id in {r.msg_id for r in scene.requests[:arrived]}
    ]
    assert not first_again, "the first sent again what was not its own any more"


@case(
    "SIGTERM with a hung endpoint",
    "Requests are out and nobody answers: the process ends within its grace, says that it abandoned work (status 3), "
    "and a successor delivers it.",
    clocks=CLOCKS + ", grace 4 s",
    config={"stop_grace_s": 4},
)
def terminated_while_hung(scene: Scene) -> None:
    scene.sink.answer = lambda _path, msg_id, _attempt: hang_for_good if int(msg_id) % 20 == 0 else 200
    scene.publish()
    first = scene.start()
    scene.wait(lambda: len([one for one in scene.requests if not one.ended]) > 10, "requests that hang")
    assert scene.stop(first) == 3  # what was out is cut, nobody has accepted it
    scene.sink.answer = lambda *_: 200
    scene.finish()


@case(
    "SIGTERM under load",
    "In the middle of a backlog: what is out ends and is committed, status 0, nothing is sent twice.",
)
def terminated_under_load(scene: Scene) -> None:
    scene.sink.answer = lambda *_: slowly(0.02)
    scene.publish(100)
    for share in (1, 2):
        member = scene.start()
        scene.wait_accepted(share * len(scene.sent) // 4)
        assert scene.stop(member) == 0
    scene.finish()


@case(
    "members join and leave without end",
    "About twice a second a member joins or leaves, one before the group has settled, the next as soon as partitions "
    "are its own: safety, not speed.",
    clocks=CLOCKS,
)
def joining_and_leaving(scene: Scene) -> None:
    scene.sink.answer = lambda *_: slowly(0.1)
    scene.publish(150)
    stable = scene.start()
    scene.wait_accepted(50)
    left = []
    for _ in range(4):
        hasty, steady = scene.start(), scene.start()
        steady.wait_for_line("started")
        left += [leave(scene, hasty), steady]
        scene.wait(lambda steady=steady: owns_partitions(steady), "a guest to own partitions")  # type: ignore[misc]
        leave(scene, steady)
    scene.sink.answer = lambda *_: 200
    assert {guest.process.wait(30) for guest in left} == {0}
    assert stable in scene.running
    scene.finish()


def leave(scene: Scene, guest: Running) -> Running:
    """SIGTERM as soon as it would hear it, without waiting for its end."""
    guest.wait_for_line("started")
    scene.running.remove(guest)
    guest.process.terminate()
    return guest


def owns_partitions(guest: Running) -> bool:
    """Whether it has been given partitions of the HTTP subscription."""
    return any(re.search(r"partitions_assigned .*/billing partitions=\[\d", line) for line in list(guest.lines))


@case("rolling restart of three members", "One after the other is stopped and replaced: nothing is sent twice.")
def rolling_restart(scene: Scene) -> None:
    scene.sink.answer = lambda *_: slowly(0.02)
    scene.publish(200)
    for _ in range(3):
        scene.start()
    for member in list(scene.running):
        member.wait_for_line("partitions_assigned")
    for old in list(scene.running):
        new = scene.start()
        new.wait_for_line("partitions_assigned")
        assert scene.stop(old) == 0
    scene.publish(20, seed=2)
    scene.finish()


@case(
    "rolling restart of three static members",
    "One after the other is stopped and comes back under its name while keys are held: nobody else is told, nothing is "
    "sent twice.",
    clocks="session 40 s",
    config={"kafka": PATIENT},
    http={"retry_schedule_s": [0.1, HELD_S, 0.1, 0.1]},
)
def rolling_restart_of_static_members(scene: Scene) -> None:
    scene.sink.answer = unlucky_at_first
    scene.publish(150)
    members = static_members(scene)
    scene.wait_held()
    told = told_of(scene)
    for name, old in members.items():
        assert scene.stop(old) == 0
        members[name] = scene.start({INSTANCE_ID: name})
        scene.wait(lambda new=members[name]: owns_its_share(new), "it to have its partitions")  # type: ignore[misc]
        scene.publish(10, seed=2 + len(scene.members))
    assert told_of(scene)[:3] == told
    scene.finish()


@case(
    "kill -9 of a static member that comes back at once",
    "It has its partitions again before its session would have ended, and nobody else is told: sent again is what was "
    "in flight.",
    clocks="session 40 s",
    config={"kafka": PATIENT},
    http={"retry_schedule_s": [0.1, HELD_S, 0.1, 0.1]},
)
def static_member_killed(scene: Scene) -> None:
    scene.sink.answer = unlucky_at_first
    scene.publish(150)
    members = static_members(scene)
    scene.wait_held()
    told = told_of(scene)
    for name in ("pod-0", "pod-2", "pod-0"):
        scene.kill(members[name])
        members[name] = scene.start({INSTANCE_ID: name})
        scene.wait(lambda new=members[name]: owns_its_share(new), "it to have its partitions")  # type: ignore[misc]
    assert told_of(scene)[:3] == told
    scene.finish()


@case(
    "kill -9 of a static member in a queue transaction",
    "It is back while its transaction is still open: the queue never shows the messages twice.",
    clocks="session 40 s",
    config={"kafka": PATIENT},
)
def static_member_killed_in_queue_transaction(scene: Scene) -> None:
    scene.publish()
    scene.await_death(scene.start({INSTANCE_ID: "pod-0", KILL_AT: "in-queue-transaction:1"}))
    scene.start({INSTANCE_ID: "pod-0"})
    scene.wait(scene.all_arrived, "all before the session would have ended", timeout_s=30)
    scene.finish()


def static_members(scene: Scene) -> dict[str, Running]:
    """Three of them, each with its share of both subscriptions."""
    members = {name: scene.start({INSTANCE_ID: name}) for name in ("pod-0", "pod-1", "pod-2")}
    scene.wait(lambda: all(map(owns_its_share, members.values())), "all to own their share")
    return members


def owns_its_share(member: Running) -> bool:
    """Whether it has a third of the six partitions of each subscription."""
    owned: dict[str, set[str]] = {}
    for line in list(member.lines):
        if (found := _CHANGE.search(line)) is not None:
            own, named = owned.setdefault(found[2], set()), set(found[3].split(", "))
            owned[found[2]] = own | named if found[1] == "assigned" else own - named
    return [len(one) for one in owned.values()] == [2, 2]


def unlucky_at_first(_path: str, msg_id: str, attempt: int) -> int | Conduct:
    """Some keys are held."""
    return 503 if attempt <= 2 and int(msg_id) % 100 == 0 else slowly(0.02)


def told_of(scene: Scene) -> list[list[str]]:
    """What each member that was ever started has been given."""
    return [
        [found[0] for line in list(one.lines) if (found := _CHANGE.search(line)) and found[1] == "assigned"]
        for one in scene.members
    ]


@case("kill -9 of one of three members", "The two others take its partitions over.", clocks=CLOCKS)
def one_of_three(scene: Scene) -> None:
    scene.sink.answer = lambda *_: slowly(0.02)
    scene.publish(100)
    for _ in range(3):
        scene.start()
    for member in scene.running:
        member.wait_for_line("partitions_assigned", "billing")
    scene.wait_accepted(300)
    scene.kill(scene.running[0])
    scene.finish()


@case(
    "SIGTERM twice",
    "The second one ends the process at once (status 130): as a kill, and no worse.",
    clocks=CLOCKS,
)
def terminated_twice(scene: Scene) -> None:
    scene.sink.answer = lambda _path, msg_id, _attempt: hang_for_good if int(msg_id) % 20 == 0 else 200
    scene.publish()
    member = scene.start()
    scene.wait(lambda: len([one for one in scene.requests if not one.ended]) > 10, "requests that hang")
    scene.wait_committed()
    member.process.terminate()
    member.wait_for_line("stopping")
    assert member.terminate() == 130
    scene.note_fault(member)
    scene.sink.answer = lambda *_: 200
    scene.finish()
