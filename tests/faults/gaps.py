"""Logs that lack records: compacted, or cut before they were delivered."""

import re
import signal
from collections.abc import Iterator, Mapping

from confluent_kafka import TopicPartition
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # they forgot __all__
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ResourceType,
)

from tests.faults.case import case
from tests.faults.kill_points import CLOCKS, HOLDING, unlucky
from tests.faults.scene import Scene
from tests.faults.streams import job_line
from tests.harness.books import message_of
from tests.harness.conduct import hang_for_good
from tests.harness.kafka import Read, read_all
from tests.harness.oracle import Message, key_of

_HELD_LOST = re.compile(r"held_event_lost .*partition=(\d+) offset=(\d+)")
_LOST = re.compile(r"partition=(\d+) lost=(\d+) start=(\d+)")


def name_of(message: Message) -> tuple[str, str]:
    """What tells an event from all others in these cases: its key and its time."""
    return key_of(message), message["Events"][0]["EventTime"]


def name_of_record(record: Read) -> tuple[str, str]:
    """The same, of a record."""
    return (record.key or b"").decode(), record.headers["ce_time"].decode()


def events(scene: Scene) -> list[Read]:
    return read_all(scene.servers, scene.setting.event_topic)


def note_taken(scene: Scene) -> set[tuple[str, str]]:
    """What was sent and is neither delivered nor in the log: nobody can deliver it. New ones of these."""
    there = {name_of_record(one) for one in events(scene)}
    there |= {name_of(message_of(one)) for one in scene.requests if one.accepted}
    taken = {name_of(one) for one in scene.sent} - there
    scene.taken = len(taken)
    return taken


def cut(scene: Scene, ends: Mapping[int, int]) -> None:
    """Retention takes what lies before these offsets."""
    topic = scene.setting.event_topic
    asked = [TopicPartition(topic, partition, offset) for partition, offset in ends.items()]
    for done in scene.admin.delete_records(asked).values():
        done.result(20)


def jobs_again(count: int, times: range) -> Iterator[bytes]:
    """Jobs that run again and again."""
    return (job_line(f"job-{number:06d}", time * count + number) for time in times for number in range(count))


@case(
    "log cut",
    "Retention takes records that were not delivered, some of them beyond what was settled out of order: the process "
    "says how many of which partition it cannot deliver, and the rest goes on.",
    clocks=CLOCKS,
    queue=None,
)
def log_cut(scene: Scene) -> None:
    scene.sink.answer = lambda _path, msg_id, _attempt: hang_for_good if int(msg_id) % 40 == 0 else 200
    scene.publish_lines(list(jobs_again(100, range(20))))
    first = scene.start()
    scene.wait_accepted(1_000)
    scene.wait(lambda: beyond_gaps(scene) > 300, "commits of what is settled beyond gaps", every_s=0.2)
    scene.kill(first)
    records, state = events(scene), scene.durable()
    log_ends = {one.partition: one.offset + 1 for one in records}
    ends = {part: min(committed.offset + 120, log_ends[part]) for part, committed in state.committed.items()}
    cut(scene, ends)
    unknown = [one for one in records if one.offset < ends[one.partition] and not state.settled(*one[:3])]
    assert 0 < len(note_taken(scene)) <= len(unknown) < 500
    scene.sink.answer = lambda *_: 200
    scene.start()
    scene.finish()
    assert said_lost(scene) == len(unknown), (lines(scene, "offsets_lost"), state, ends)


def beyond_gaps(scene: Scene) -> int:
    """How many events are settled beyond the first gap of their partition, durably."""
    return sum(high - low for one in scene.durable().committed.values() for low, high in one.ranges)


def said_lost(scene: Scene) -> int:
    """How many events the latest member has said are lost, if it says so more than once."""
    said = {found.groups() for line in lines(scene, "offsets_lost") if (found := _LOST.search(line))}
    return sum(int(lost) for _, lost, _ in said)


def lines(scene: Scene, event: str) -> list[str]:
    """What the latest member has said of this."""
    return [line for line in scene.members[-1].lines if event in line]


@case(
    "log cut under a running owner",
    "The owner stands still for a moment, and when it reads on the log begins further up: it says how many events it "
    "has not seen, and goes on.",
    clocks=CLOCKS,
    queue=None,
)
def log_cut_while_running(scene: Scene) -> None:
    scene.publish_lines(list(jobs_again(100, range(3))))
    member = scene.start()
    scene.wait(lambda: not scene.uncommitted(), "the first part to be committed", every_s=0.2)
    member.process.send_signal(signal.SIGSTOP)
    scene.publish_lines(list(jobs_again(100, range(3, 9))))
    cut(scene, {one.partition: one.offset - 10 for one in events(scene)})
    at_most = len(note_taken(scene))
    member.process.send_signal(signal.SIGCONT)
    scene.wait(lambda: said_lost(scene) > 0 and reached_end(scene), "the rest of the log to be delivered", every_s=0.2)
    assert 0 < len(note_taken(scene)) <= said_lost(scene) <= at_most  # an answer of the broker was on its way before
    scene.finish()


def reached_end(scene: Scene) -> bool:
    """Whether all that the log holds was delivered."""
    accepted = {name_of(message_of(one)) for one in scene.requests if one.accepted}
    return {name_of_record(one) for one in events(scene)} <= accepted


@case(
    "log cut under held keys",
    "Retention takes the events of keys that are held: the process names each of them, the keys are released, and what "
    "comes after is delivered.",
    queue=None,
    http=HOLDING,
)
def log_cut_under_held_keys(scene: Scene) -> None:
    scene.sink.answer = unlucky(503, 20)
    scene.publish_lines(list(jobs_again(60, range(5))))
    scene.start()
    scene.wait(lambda: not scene.uncommitted_but_held(), "all to be delivered, or held", every_s=0.2)
    assert scene.durable().held
    cut(scene, {one.partition: one.offset + 1 for one in events(scene)})
    lost = note_taken(scene)
    assert lost
    scene.sink.answer = lambda *_: 200
    scene.publish_lines(list(jobs_again(60, range(5, 6))))
    scene.finish()
    assert len(lines(scene, "held_event_lost")) == len(lost)


@case(
    "compacted gaps",
    "The event topic is compacted, before it is read and while keys are held: offsets that are gone are no events, "
    "what was held and is gone is named, and a successor finds its way over the gaps.",
    brokers=1,
    clocks=CLOCKS,
    queue=None,
    http=HOLDING,
    broker_config={"log.cleaner.backoff.ms": "100"},
)
def compacted(scene: Scene) -> None:
    set_topic(scene, {"cleanup.policy": "compact", "segment.ms": "100", "min.cleanable.dirty.ratio": "0.001"})
    scene.publish_lines(list(jobs_again(60, range(6))))
    roll(scene, 6)
    before = note_taken(scene)
    scene.sink.answer = unlucky(503, 10)
    first = scene.start()
    scene.wait_held()
    scene.wait(lambda: not scene.uncommitted_but_held(), "all to be delivered, or held", every_s=0.2)
    roll(scene, 7)
    scene.kill(first)
    lost = note_taken(scene) - before
    scene.sink.answer = lambda *_: 200
    scene.start()
    scene.finish()
    said = {found.groups() for one in scene.members for line in one.lines if (found := _HELD_LOST.search(line))}
    assert len(said) == len(lost)  # by the first member, where an event was due before it was killed


def roll(scene: Scene, time: int) -> None:
    """Publish once more of each job; wait until of all before that there is one of each."""
    scene.publish_lines(list(jobs_again(60, range(time, time + 1))))
    scene.wait(lambda: len(events(scene)) <= 120, "the log to be compacted", every_s=0.2)


def set_topic(scene: Scene, config: Mapping[str, str]) -> None:
    """Change the event topic."""
    entries = [ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET) for name, value in config.items()]
    resource = ConfigResource(ResourceType.TOPIC, scene.setting.event_topic, incremental_configs=entries)
    scene.admin.incremental_alter_configs([resource])[resource].result(20)
