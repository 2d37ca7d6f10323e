"""A believable stream of lifecycle changes: environments with nodes; jobs with tasks, instances, failures, retries.

Shape   simulate(jobs, seed) -> lines for `publish`, in order of time. The same seed gives the same bytes
Model   jobs begin a few seconds apart; a job runs one to three tasks one after another, each with one to four
        instances side by side; an instance may fail and be retried on another machine (same index); a task fails when
        an instance does for good, and its job with it, sometimes keeping the machines (FAILED_INTERRUPTED, later FAILED
        by termination). One environment with nodes for every ten jobs; a node may fail to be created or turn abnormal
"""

import heapq
import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, TypeVar

import msgspec

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
REGION = "ap-guangzhou"
JOBS_PER_ENV = 10
ATTEMPTS = 3
INSTANCE_FAILS = 0.25

_encode = msgspec.json.Encoder().encode
_ID_CHARACTERS = "abcdefghijklmnopqrstuvwxyz0123456789"


T = TypeVar("T")


class _Line(NamedTuple):
    at_s: int
    order: int
    fields: dict[str, Any]


class _Story:
    """Collects one tree's lines. What runs side by side is told one after the other, and put in order by time."""

    def __init__(self, rng: random.Random, begin_s: int) -> None:
        self.rng = rng
        self.now_s = begin_s
        self.lines: list[_Line] = []

    def wait(self, least_s: int, most_s: int) -> None:
        self.now_s += self.rng.randint(least_s, most_s)

    def side_by_side(self, count: int, tell: Callable[[int], T]) -> list[T]:
        """Tell of things that begin at one time; it goes on when the last has ended."""
        told, begin_s, end_s = [], self.now_s, self.now_s
        for index in range(count):
            self.now_s = begin_s
            told.append(tell(index))
            end_s = max(end_s, self.now_s)
        self.now_s = end_s
        return told

    def id(self, prefix: str) -> str:
        return prefix + "-" + "".join(self.rng.choices(_ID_CHARACTERS, k=8))

    def change(self, family: str, before: str | None, after: str, fields: dict[str, Any]) -> None:
        line = {"Region": REGION, "Time": _time(self.now_s), "Before": before, "After": after, family: fields}
        self.lines.append(_Line(self.now_s, len(self.lines), line))


def simulate(jobs: int, seed: int) -> Iterator[bytes]:
    """Lines of JSON, without line ends."""
    rng = random.Random(seed)  # noqa: S311  a simulation
    waiting: list[tuple[int, int, int, bytes]] = []
    begin_s = 0
    for number in range(jobs):
        stories = [_job(rng, begin_s)]
        if number % JOBS_PER_ENV == 0:
            stories.append(_env(rng, begin_s))
        for part, story in enumerate(stories):
            for line in story.lines:
                heapq.heappush(waiting, (line.at_s, number * 2 + part, line.order, _encode(line.fields)))
        begin_s += rng.randint(0, 4)
        while waiting and waiting[0][0] < begin_s:
            yield heapq.heappop(waiting)[3]
    while waiting:
        yield heapq.heappop(waiting)[3]


def _time(at_s: int) -> str:
    return (BEGIN + timedelta(seconds=at_s)).strftime("%Y-%m-%dT%H:%M:%SZ")


def _job(rng: random.Random, begin_s: int) -> _Story:
    story = _Story(rng, begin_s)
    job_id = story.id("job")
    job = {"JobId": job_id, "JobName": f"job {job_id[4:8]}", "Priority": rng.randint(0, 100)}
    job["CreateTime"] = _time(begin_s)
    _walk(story, "Job", job, None, ("SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING"))
    keeps_machines = rng.random() < 0.2
    ending = "SUCCEED"
    for task_name in "ABC"[: rng.randint(1, 3)]:
        ending = _task(story, job, task_name, keeps_machines=keeps_machines)
        if ending != "SUCCEED":
            break
    story.wait(0, 1)
    story.change("Job", "RUNNING", ending, job | {"EndTime": _time(story.now_s)})
    if ending == "FAILED_INTERRUPTED":
        story.wait(30, 90)
        story.change("Job", ending, "FAILED", job | {"EndTime": _time(story.now_s), "StateReason": "terminated"})
    return story


def _walk(story: _Story, family: str, fields: dict[str, Any], before: str | None, states: tuple[str, ...]) -> None:
    for after in states:
        story.change(family, before, after, fields)
        before = after
        story.wait(0, 3)


def _task(story: _Story, job: dict[str, Any], name: str, *, keeps_machines: bool) -> str:
    count = story.rng.randint(1, 4)
    parents = {"JobId": job["JobId"], "JobName": job["JobName"], "TaskName": name}
    task = parents | {"CreateTime": _time(story.now_s), "TaskInstanceTotalCount": count}
    _walk(story, "Task", task, None, ("PENDING", "RUNNABLE", "STARTING", "RUNNING"))
    endings = story.side_by_side(count, lambda index: _instance(story, parents, index, keeps_machines=keeps_machines))
    ending = max(endings, key=("SUCCEED", "FAILED", "FAILED_INTERRUPTED").index)
    story.change("Task", "RUNNING", ending, task | {"EndTime": _time(story.now_s)})
    return ending


def _instance(story: _Story, parents: dict[str, Any], index: int, *, keeps_machines: bool) -> str:
    """An instance with its attempts; each gets another machine."""
    before: str | None = None
    create_time = _time(story.now_s)
    for attempt in range(ATTEMPTS):
        fields = parents | {"TaskInstanceIndex": index, "CreateTime": create_time}
        story.change("TaskInstance", before, "STARTING", fields)
        fields |= {"ComputeNodeInstanceId": story.id("ins"), "LaunchTime": _time(story.now_s)}
        story.wait(1, 40)
        fields |= {"RunningTime": _time(story.now_s)}
        story.change("TaskInstance", "STARTING", "RUNNING", fields)
        story.wait(1, 120)
        fields |= {"EndTime": _time(story.now_s)}
        if story.rng.random() >= INSTANCE_FAILS:
            reason = {"ExitCode": 0, "StateReason": "", "StateDetailedReason": "successful"}
            story.change("TaskInstance", "RUNNING", "SUCCEED", fields | reason)
            return "SUCCEED"
        before = "FAILED_INTERRUPTED" if keeps_machines and attempt == ATTEMPTS - 1 else "FAILED"
        reason = {"ExitCode": 1, "StateReason": "exit code 1", "StateDetailedReason": "程序退出码 1"}
        story.change("TaskInstance", "RUNNING", before, fields | reason)
        if attempt < ATTEMPTS - 1:
            story.wait(1, 5)
    return str(before)


def _env(rng: random.Random, begin_s: int) -> _Story:
    story = _Story(rng, begin_s)
    env_id = story.id("env")
    env = {"EnvId": env_id, "EnvName": f"env {env_id[4:8]}", "CreateTime": _time(begin_s), "EnvType": "MANAGED"}
    story.change("ComputeEnv", None, "CREATED", env)
    story.side_by_side(rng.randint(1, 3), lambda _: _node(story, env))
    story.wait(60, 600)
    story.change("ComputeEnv", "CREATED", "DELETED", env | {"NextAction": "DELETING"})
    return story


def _node(story: _Story, env: dict[str, Any]) -> None:
    node = {"ComputeNodeId": story.id("node"), "EnvId": env["EnvId"], "EnvName": env["EnvName"], "Cpu": 4, "Mem": 8}
    story.change("ComputeNode", None, "CREATING", node)
    story.wait(10, 60)
    if story.rng.random() < 0.1:
        story.change("ComputeNode", "CREATING", "CREATION_FAILED", node)
        return
    node |= {"ComputeNodeInstanceId": story.id("ins"), "ResourceCreatedTime": _time(story.now_s)}
    story.change("ComputeNode", "CREATING", "CREATED", node)
    story.wait(5, 30)
    story.change("ComputeNode", "CREATED", "RUNNING", node)
    before = "RUNNING"
    if story.rng.random() < 0.15:
        story.wait(30, 300)
        before = "ABNORMAL"
        story.change("ComputeNode", "RUNNING", before, node)
    story.wait(30, 300)
    story.change("ComputeNode", before, "DELETING", node)
