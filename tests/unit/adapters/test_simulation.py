"""`simulate` tells a believable story, and the same one every time."""

import json
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from hashlib import sha256
from itertools import pairwise
from typing import Any, NamedTuple

import pytest

from adapters.simulation import simulate
from pipeline.change_lines import parse_line
from pipeline.lifecycle import event_of
from schemas.events import EVENT_NAMES, Family
from tests.harness.command import COMMAND, invoke

Line = dict[str, Any]

GOLDEN = {
    (20, 1): "8472d01cc6c1f0bfc4abeb9eca99194969ec76d23e5a214d65a3768afc0168b4",
    (3, 42): "bb57c03334953d685119ea7988ea50900065eb708534da5c4d0f867c3a6c6dc2",
}

WORK_ENDS = {"SUCCEED", "FAILED", "FAILED_INTERRUPTED"}

WORK: dict[str | None, set[str]] = {
    None: {"SUBMITTED", "PENDING", "STARTING"},
    "SUBMITTED": {"PENDING"},
    "PENDING": {"RUNNABLE"},
    "RUNNABLE": {"STARTING"},
    "STARTING": {"RUNNING"},
    "RUNNING": WORK_ENDS,
    "FAILED": {"STARTING"},  # the next attempt
    "FAILED_INTERRUPTED": {"FAILED"},  # terminated: the kept machines go
    "SUCCEED": set(),
}
NODE: dict[str | None, set[str]] = {
    None: {"CREATING"},
    "CREATING": {"CREATED", "CREATION_FAILED"},
    "CREATED": {"RUNNING"},
    "RUNNING": {"ABNORMAL", "DELETING"},
    "ABNORMAL": {"DELETING"},
    "CREATION_FAILED": set(),
    "DELETING": set(),
}
ENV: dict[str | None, set[str]] = {None: {"CREATED"}, "CREATED": {"DELETED"}, "DELETED": set()}
LEGAL = {
    Family.JOB: WORK,
    Family.TASK: WORK,
    Family.TASK_INSTANCE: WORK,
    Family.COMPUTE_NODE: NODE,
    Family.COMPUTE_ENV: ENV,
}


class Step(NamedTuple):
    """A line, read by our own reader."""

    family: Family
    path: str
    owner: str
    before: str | None
    after: str
    time: str
    fields: Line


@pytest.fixture(scope="module")
def steps() -> list[Step]:
    return list(_steps(300, 7))


def _steps(jobs: int, seed: int) -> Iterator[Step]:
    for line in simulate(jobs, seed):
        change = parse_line(line).change
        resource = change.resource
        fields = json.loads(line)[resource.family]
        yield Step(resource.family, resource.path(), resource.key(), change.before, change.after, change.time, fields)


def histories(steps: list[Step]) -> dict[tuple[Family, str], list[Step]]:
    """The steps of each resource."""
    found: dict[tuple[Family, str], list[Step]] = defaultdict(list)
    for step in steps:
        found[step.family, step.path].append(step)
    return found


@pytest.mark.parametrize(("jobs", "seed"), GOLDEN)
def test_the_same_seed_gives_the_same_bytes_on_every_machine_and_python(jobs: int, seed: int) -> None:
    result = invoke("simulate", "--jobs", str(jobs), "--seed", str(seed))
    assert result.status == 0
    assert sha256(result.stdout.encode()).hexdigest() == GOLDEN[jobs, seed]
    assert result.stdout == "".join(line.decode() + "\n" for line in simulate(jobs, seed))


def test_another_seed_tells_another_story() -> None:
    assert list(simulate(3, 1)) != list(simulate(3, 2))


def test_fewer_jobs_are_the_beginning_of_more() -> None:
    assert {step.owner for step in _steps(5, 1)} <= {step.owner for step in _steps(15, 1)}


def test_no_jobs_are_no_lines() -> None:
    assert list(simulate(0, 1)) == []


def test_every_line_is_a_change_that_publish_takes(steps: list[Step]) -> None:
    for line in simulate(30, 3):
        assert b"\n" not in line
        event_of(parse_line(line).change)
    assert steps


def test_all_families_and_all_events_happen(steps: list[Step]) -> None:
    assert {step.family for step in steps} == set(Family)
    events = [event_of(parse_line(line).change) for line in simulate(300, 7)]
    assert {event.name for event in events if event is not None} == set(EVENT_NAMES)


def test_every_resource_goes_through_legal_states_each_from_the_one_before(steps: list[Step]) -> None:
    for (family, path), history in histories(steps).items():
        assert history[0].before is None, path
        for earlier, later in pairwise(history):
            assert later.before == earlier.after, path
        for step in history:
            assert step.after in LEGAL[family][step.before], (path, step)


def test_time_never_goes_backwards(steps: list[Step]) -> None:
    """Not in the stream, and so not in any tree."""
    assert [step.time for step in steps] == sorted(step.time for step in steps)


def test_every_job_ends_and_everything_that_it_started_ends_before(steps: list[Step]) -> None:
    last = {path: history[-1] for (_, path), history in histories(steps).items()}
    jobs = [step for step in last.values() if step.family is Family.JOB]
    assert len(jobs) == 300
    for job in jobs:
        assert job.after in {"SUCCEED", "FAILED"}
        below = [step for path, step in last.items() if path.startswith(job.path + "/")]
        assert below
        assert all(step.after in WORK_ENDS and step.time <= job.time for step in below)


def test_a_job_fails_if_and_only_if_one_of_its_tasks_does_and_a_task_when_an_instance_does(steps: list[Step]) -> None:
    last = {path: history[-1] for (_, path), history in histories(steps).items()}
    for path, step in last.items():
        if step.family in {Family.JOB, Family.TASK}:
            below = Family.TASK if step.family is Family.JOB else Family.TASK_INSTANCE
            children = [one for at, one in last.items() if one.family is below and at.startswith(path + "/")]
            failed = any(child.after != "SUCCEED" for child in children)
            assert failed == (step.after != "SUCCEED"), path


def test_the_attempts_of_an_instance_are_on_different_machines(steps: list[Step]) -> None:
    retried = 0
    for (family, _), history in histories(steps).items():
        if family is Family.TASK_INSTANCE:
            machines = [step.fields["ComputeNodeInstanceId"] for step in history if step.after == "RUNNING"]
            assert len(set(machines)) == len(machines) <= 3
            retried += len(machines) > 1
    assert retried > 50


def test_instances_of_a_task_run_side_by_side(steps: list[Step]) -> None:
    """What they publish comes mixed, as it would from machines of their own."""
    mixed = 0
    by_job: dict[str, list[str]] = defaultdict(list)
    for step in steps:
        if step.family is Family.TASK_INSTANCE:
            by_job[step.owner].append(step.path)
    for paths in by_job.values():
        changes = sum(earlier != later for earlier, later in pairwise(paths))
        mixed += changes >= len(set(paths))
    assert mixed > 100


def test_an_environment_is_deleted_after_its_nodes(steps: list[Step]) -> None:
    deleted = {step.owner: step.time for step in steps if step.after == "DELETED"}
    nodes = [step for step in steps if step.family is Family.COMPUTE_NODE]
    assert len(deleted) == 30
    assert nodes
    assert all(step.time <= deleted[step.owner] for step in nodes)


def test_no_event_happens_twice(steps: list[Step]) -> None:
    seen = [(step.path, step.after, step.time, step.fields.get("ComputeNodeInstanceId")) for step in steps]
    assert len(set(seen)) == len(seen)


MEMORY_OF_10_000_JOBS = """
import resource
from adapters.simulation import simulate
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
lines = sum(1 for _ in simulate(10_000, 1))
print(lines, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_10_000_jobs_need_little_memory() -> None:
    """The lines would be 100 MB; what waits for its turn is told, not the whole story."""
    done = subprocess.run([sys.executable, "-c", MEMORY_OF_10_000_JOBS], capture_output=True, text=True, check=True)
    lines, more_kib = map(int, done.stdout.split())
    assert lines > 300_000
    assert more_kib < 32 << 10


def test_a_reader_that_has_enough_is_no_error() -> None:
    with subprocess.Popen(
        [COMMAND, "simulate", "--jobs", "5000"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as one:
        assert one.stdout is not None
        assert one.stderr is not None
        assert one.stdout.readline()
        one.stdout.close()
        assert one.stderr.read() == b""
        assert one.wait(30) == 0
