"""A subscription is set back to a time, or forward: exactly the events since then come, in order per key."""

import base64
import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka.admin import AdminClient

from tests.brokers.broker import Broker
from tests.harness.command import Result, invoke, wait_until
from tests.harness.group_state import DurableState, committed_offsets
from tests.harness.kafka import read_all
from tests.harness.sink import Request, Sink
from tests.integration.changes import job_id_of, job_line, text_of
from tests.integration.setting import Setting
from tests.integration.test_whole_path import of_json

pytestmark = pytest.mark.real_broker

JOBS = [f"job-{number:08d}" for number in range(40)]
EARLY, LATE = JOBS[7], JOBS[11]
"""Jobs whose keys are held: the one at an event from before the time, the other at one from after it."""

HELD_AFTER = [0.05, *[8.2] * 20]

Event = tuple[str, str]
"""Whose, and which."""


def now() -> str:
    """This moment, later than all that was published and earlier than all that will be."""
    return datetime.fromtimestamp(time.time() + 0.001, UTC).isoformat()


def changes(after: str, jobs: list[str] = JOBS) -> bytes:
    return text_of(*(job_line(job, after) for job in jobs))


def event_of(request: Request) -> Event:
    (message,) = of_json([request])
    return job_id_of(message), message["Events"][0]["EventName"]


def accepted(requests: list[Request]) -> list[Event]:
    return [event_of(request) for request in requests if request.status == 200]


def by_job(events: list[Event]) -> dict[str, list[str]]:
    found = defaultdict(list)
    for job, name in events:
        found[job].append(name)
    return dict(found)


class Stage:
    """A topic, a subscription whose endpoint fails as a test wants, and its books."""

    def __init__(self, sink: Sink, setting: Setting) -> None:
        self.sink = sink
        self.setting = setting
        self.failing: set[Event] = set()
        self.seen = 0
        sink.answer = lambda *_: 503 if event_of(sink.requests[-1]) in self.failing else 200
        setting.http("billing", sink.url("/json"), retry_schedule_s=HELD_AFTER)

    @property
    def label(self) -> str:
        return f"{self.setting.topic}/billing"

    @property
    def group(self) -> str:
        return f"cmq.{self.setting.topic}.billing"

    def rewind(self, *args: str, env: dict[str, str] | None = None) -> Result:
        return invoke("rewind", self.label, *args, "--config", self.setting.file, env=env)

    def state(self) -> DurableState:
        return DurableState.of(self.setting.servers, self.group, self.setting.event_topic, f"{self.group}.held")

    def deliver(self, count: int, held: int = 0) -> list[Event]:
        """Run until so many events more are accepted and so many keys are held; the new ones in order."""
        self.seen = len(self.sink.requests)
        with self.setting.run() as running:
            wait_until(lambda: len(self.fresh()) >= count, f"{count} events", alive=[running])
            wait_until(lambda: len(self.state().held) == held, f"{held} held keys", alive=[running], every_s=0.3)
            assert running.terminate() == 0
        return self.fresh()

    def fresh(self) -> list[Event]:
        return accepted(self.sink.requests[self.seen :])


@pytest.fixture
def stage(broker: Broker, unique: Callable[[str], str], tmp_path: Path) -> Iterator[Stage]:
    with Sink() as sink:
        setting = Setting(tmp_path, broker.bootstrap_servers, unique("job-message"))
        one = Stage(sink, setting)
        setting.create_topics()
        yield one
        assert not sink.errors


@contextmanager
def two_phases(stage: Stage) -> Iterator[str]:
    """All jobs RUNNING, a time, all jobs SUCCEED; one key is held before the time, one after it. Gives the time."""
    stage.failing = {(EARLY, "JOB_RUNNING"), (LATE, "JOB_SUCCEED")}
    stage.setting.publish(changes("RUNNING"))
    moment = now()
    stage.setting.publish(changes("SUCCEED"))
    stage.deliver(2 * len(JOBS) - 3, held=2)
    yield moment
    stage.failing.clear()


def test_rewound_to_a_time_exactly_the_events_since_then_come_again_and_what_was_pending_before(stage: Stage) -> None:
    with two_phases(stage) as moment:
        told = stage.rewind("--to", moment)
    assert told.status == 0, told
    assert f"at most {len(JOBS)} events of {stage.label} are sent again, 0 are given up" in told.stdout
    assert "1 held keys released" in told.stdout
    assert "1 keys stay held" in told.stdout
    assert set(stage.state().held) == {(partition, EARLY.encode()) for partition, _ in stage.state().held}

    again = stage.deliver(len(JOBS) + 1)

    assert by_job(again) == {job: ["JOB_SUCCEED"] for job in JOBS} | {EARLY: ["JOB_RUNNING", "JOB_SUCCEED"]}
    assert not read_all(stage.setting.servers, stage.setting.dead_letter_topic("billing"))


def test_rewound_to_earliest_everything_comes_again_in_order(stage: Stage) -> None:
    with two_phases(stage):
        assert stage.rewind("--to", "earliest").status == 0
    assert not stage.state().held
    again = stage.deliver(2 * len(JOBS))
    assert by_job(again) == {job: ["JOB_RUNNING", "JOB_SUCCEED"] for job in JOBS}


def test_without_skip_nothing_that_is_pending_is_given_up(stage: Stage) -> None:
    with two_phases(stage):
        stage.setting.publish(changes("FAILED"))
        before = stage.state()
        told = stage.rewind("--to", "latest")
    assert told.status == 0, told
    assert stage.state() == before
    again = stage.deliver(len(JOBS) + 3)
    expected = {job: ["JOB_FAILED"] for job in JOBS}
    expected[EARLY] = ["JOB_RUNNING", "JOB_SUCCEED", "JOB_FAILED"]
    expected[LATE] = ["JOB_SUCCEED", "JOB_FAILED"]
    assert by_job(again) == expected


def test_skipped_to_a_time_nothing_from_before_comes_held_or_unread(stage: Stage) -> None:
    with two_phases(stage):
        stage.setting.publish(changes("FAILED"))
        moment = now()
        stage.setting.publish(changes("FAILED_INTERRUPTED"))
        told = stage.rewind("--to", moment, "--skip")
    assert told.status == 0, told
    assert f"{len(JOBS) + 3} are given up" in told.stdout
    assert not stage.state().held
    attempted = len(stage.sink.requests)
    again = stage.deliver(len(JOBS))
    assert by_job(again) == {job: ["JOB_FAILED_INTERRUPTED"] for job in JOBS}
    assert len(stage.sink.requests) == attempted + len(JOBS)


@pytest.mark.parametrize("protocol", ["classic", "consumer"])
def test_refused_while_a_process_delivers_and_a_dry_run_beside_it_changes_nothing(stage: Stage, protocol: str) -> None:
    stage.setting.config["kafka"]["group.protocol"] = protocol
    stage.setting.publish(changes("RUNNING"))
    with stage.setting.run() as running:
        wait_until(lambda: stage.sink.accepted("/json") >= len(JOBS), "the first events", alive=[running])
        wait_until(lambda: len(settled(stage)) == len(JOBS), "their commit", alive=[running])
        before = stage.state()
        refused = stage.rewind("--to", "earliest")
        dry = stage.rewind("--to", "earliest", "--dry-run")
        assert stage.state() == before
        stage.setting.publish(changes("SUCCEED"))
        wait_until(lambda: stage.sink.accepted("/json") >= 2 * len(JOBS), "the next events", alive=[running])
        assert running.terminate() == 0
    assert refused.status == 2
    assert f"{stage.label}: " in refused.stderr
    assert f"group {stage.group}" in refused.stderr
    assert refused.stdout == ""
    assert dry.status == 0, dry
    assert f"at most {len(JOBS)} events of {stage.label} would be sent again" in dry.stdout
    assert len(accepted(stage.sink.requests)) == 2 * len(JOBS)
    done = stage.rewind("--to", "earliest")
    assert done.status == 0, done
    assert len(by_job(stage.deliver(2 * len(JOBS)))) == len(JOBS)


def settled(stage: Stage) -> list[int]:
    offsets = committed_offsets(stage.setting.servers, stage.group, stage.setting.event_topic)
    return [offset for one in offsets.values() for offset in range(one.offset)]


def test_killed_half_way_it_leaves_all_as_it_was_and_can_be_repeated(stage: Stage) -> None:
    with two_phases(stage) as moment:
        before = stage.state()
        killed = stage.rewind("--to", moment, env={"BATCH_EVENTS_TEST_KILL_AT": "in-rewind"})
        assert killed.status == -9
        assert stage.state() == before
        refused = stage.rewind("--to", moment)  # who was killed is a member until its session has expired
        assert refused.status == 2
        wait_until(lambda: stage.rewind("--to", moment).status == 0, "the repetition", every_s=1.0)
        once = stage.state()
        assert stage.rewind("--to", moment).status == 0
        assert stage.state() == once
    again = stage.deliver(len(JOBS) + 1)
    assert by_job(again) == {job: ["JOB_SUCCEED"] for job in JOBS} | {EARLY: ["JOB_RUNNING", "JOB_SUCCEED"]}


def test_where_held_keys_were_lost_only_skip_goes_on_and_the_subscription_starts_again(stage: Stage) -> None:
    with two_phases(stage) as moment:
        admin = AdminClient({"bootstrap.servers": stage.setting.servers})
        topic = f"{stage.group}.held"
        admin.delete_topics([topic])[topic].result()
        wait_until(lambda: topic not in admin.list_topics(timeout=10).topics, "the topic to go")
        stage.setting.create_topics()
        with stage.setting.run() as running:
            running.wait_for_line("partition_not_started", "made anew")
            wait_until(lambda: running.probe("/ready")[0] == 503, "not ready", alive=[running])
            assert running.terminate() == 0
        refused = stage.rewind("--to", moment)
        assert refused.status == 2
        assert "--skip gives it up" in refused.stderr
        assert stage.rewind("--to", moment, "--skip").status == 0
    again = stage.deliver(len(JOBS))
    assert by_job(again) == {job: ["JOB_SUCCEED"] for job in JOBS}


def test_a_rewound_queue_holds_what_came_since_then_twice_with_the_same_msg_ids(
    broker: Broker, unique: Callable[[str], str], tmp_path: Path
) -> None:
    queue = unique("ops")
    setting = Setting(tmp_path, broker.bootstrap_servers, unique("job-message"))
    setting.queue("ops-queue", queue)
    setting.create_topics()
    setting.publish(changes("RUNNING"))
    moment = now()
    setting.publish(changes("SUCCEED"))

    def messages() -> list[tuple[str, bytes]]:
        found = read_all(setting.servers, f"cmq.queue.{queue}")
        return [(name_of(record.value), record.headers["cmq_msg_id"]) for record in found]

    def deliver(count: int) -> None:
        with setting.run() as running:
            wait_until(lambda: len(messages()) >= count, "the messages", alive=[running], every_s=0.2)
            assert running.terminate() == 0

    deliver(2 * len(JOBS))
    told = invoke("rewind", f"{setting.topic}/ops-queue", "--to", moment, "--config", setting.file)
    assert told.status == 0, told
    assert f"queue {queue}: what is sent again lies there twice" in told.stdout
    deliver(3 * len(JOBS))
    found = messages()
    assert len(found) == 3 * len(JOBS)
    assert sum(name == "JOB_RUNNING" for name, _ in found) == len(JOBS)
    assert len({msg_id for name, msg_id in found if name == "JOB_SUCCEED"}) == len(JOBS)


def name_of(value: bytes | None) -> Any:
    return json.loads(base64.b64decode(value or b""))["Events"][0]["EventName"]


def test_a_time_without_a_zone_is_refused(tmp_path: Path) -> None:
    refused = invoke("rewind", "job-message/billing", "--to", "2026-01-02T03:00:00", cwd=tmp_path)
    assert refused.status == 2
    assert "has no offset from UTC" in refused.stderr
    assert not list(tmp_path.iterdir())
