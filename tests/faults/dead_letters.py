"""Dead letters that cannot be written, and redriving those that were."""

from confluent_kafka.admin import (  # type: ignore[attr-defined]  # they forgot __all__
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ResourceType,
)

from tests.faults.case import Expect, case
from tests.faults.kill_points import CLOCKS, FAILING, unlucky
from tests.faults.scene import KILL_AT, KILLED, Scene
from tests.harness.command import Result, invoke
from tests.harness.kafka import read_all


def set_limit(scene: Scene, topic: str, max_bytes: int) -> None:
    """Change the largest record that a topic takes."""
    entry = ConfigEntry("max.message.bytes", str(max_bytes), incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[entry])
    scene.admin.incremental_alter_configs([resource])[resource].result(20)


@case(
    "dead-letter topic refuses for a while",
    "An event is given up, the dead-letter topic refuses it: the commit stops before it, the process says so and "
    "tries on; once the topic takes it all goes on.",
    http=FAILING,
    expect=Expect(letters=None),
)
def dead_letters_refused(scene: Scene) -> None:
    scene.sink.answer = unlucky(503, 40, attempts=99)
    set_limit(scene, scene.dead_letters, 200)  # a transaction's marker fits, an event does not
    scene.publish()
    member = scene.start()
    member.wait_for_line("WARNING", timeout_s=30)
    scene.wait(lambda: scene.log_holds("transaction_aborted") or scene.log_holds("not_ready"), "the process to say so")
    state = scene.durable()
    given_up = {one.msg_id for one in scene.requests if one.status == 503} & scene.exhausted(3)
    places = scene.places()
    assert given_up
    assert not [one for one in given_up if state.settled(*places[one])], "committed without a dead letter"
    set_limit(scene, scene.dead_letters, 2 << 20)
    scene.finish()
    assert len(scene.letters()) == len({one.msg_id for one in scene.requests if one.status == 503})


@case(
    "dead-letter topic missing at start",
    "It was never created: the process waits, says which topic is missing and how to create it, and then delivers.",
)
def dead_letters_missing(scene: Scene) -> None:
    topic = scene.dead_letters
    scene.admin.delete_topics([topic])[topic].result(20)
    scene.wait(lambda: topic not in scene.admin.list_topics(timeout=10).topics, "the topic to be gone")
    scene.publish(20)
    member = scene.start()
    member.wait_for_line("not_ready", topic)
    assert not scene.requests, "delivered without a place for dead letters"
    scene.wait(scene.topics_created, "the topic to be made again", every_s=0.2)
    scene.finish()


def redrive(scene: Scene, env: dict[str, str] | None = None) -> Result:
    """Redrive all of billing's dead letters."""
    label = f"{scene.setting.topic}/billing"
    return invoke("dead-letters", "redrive", label, "--config", scene.setting.file, env=env)


@case(
    "redrive twice",
    "All dead letters are sent again; a second redrive finds nothing left to send.",
    http=FAILING,
    expect=Expect(letters=None, redriven=True),
)
def redriven_twice(scene: Scene) -> None:
    letters = give_up(scene)
    for _ in range(2):
        result = redrive(scene)
        assert result.status == 0, result
    scene.arrive_all()
    assert len(read_all(scene.servers, f"{scene.group}.redrive")) == letters


@case(
    "kill -9 in a redrive",
    "The redriven events are in an open transaction: redriving again sends each of them once.",
    http=FAILING,
    expect=Expect(letters=None, redriven=True),
)
def killed_in_redrive(scene: Scene) -> None:
    letters = give_up(scene)
    assert redrive(scene, {KILL_AT: "in-redrive:1"}).status == KILLED
    result = redrive(scene)
    assert result.status == 0, result
    scene.arrive_all()
    assert len(read_all(scene.servers, f"{scene.group}.redrive")) == letters


def give_up(scene: Scene) -> int:
    """Some events end in the dead letters; then the endpoint recovers."""
    scene.sink.answer = unlucky(503, 40, attempts=99)
    scene.publish()
    scene.start()
    scene.wait(scene.all_arrived, "everything delivered or in the dead letters")
    scene.sink.answer = lambda *_: 200
    letters = len(scene.letters())
    assert letters
    return letters


@case(
    "kill -9 between dead letters",
    "A process dies three times while it gives events up: one letter each.",
    clocks=CLOCKS,
    http=FAILING,
    expect=Expect(letters=None),
)
def killed_between_letters(scene: Scene) -> None:
    scene.sink.answer = unlucky(503, 20, attempts=99)
    scene.publish()
    for passage in (1, 2):
        scene.die_at("in-dead-letter-write", passage)
    scene.finish()
    assert len(scene.letters()) == len({one.msg_id for one in scene.requests if one.status == 503})
