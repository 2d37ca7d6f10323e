"""What the demo plays: one job that succeeds, one that fails, an environment with a node."""

from typing import Any

from pipeline.lifecycle import Change
from schemas.events import Family
from schemas.resources import RESOURCES

TOPIC = "batch-message"
REGION = "ap-guangzhou"

SUBMIT_JOB: dict[str, Any] = {
    "Placement": {"Zone": "ap-guangzhou-6"},
    "Job": {
        "JobName": "render",
        "Notifications": [
            {
                "TopicName": TOPIC,
                "EventConfigs": [
                    {"EventName": name, "EventVars": [{"Name": "team", "Value": "movies"}]}
                    for name in ("JOB_RUNNING", "JOB_SUCCEED", "JOB_FAILED")
                ]
                + [
                    {"EventName": f"{level}_{state}"}
                    for level in ("TASK", "TASK_INSTANCE")
                    for state in ("RUNNING", "SUCCEED", "FAILED")
                ],
            }
        ],
    },
}
"""A SubmitJob request, as the API spells it."""

CREATE_COMPUTE_ENV: dict[str, Any] = {
    "compute_env": {
        "notifications": [
            {
                "topic_name": TOPIC,
                "event_configs": [
                    {"event_name": name}
                    for name in ("ComputeEnvCreated", "ComputeEnvDeleted", "ComputeNodeCreated", "ComputeNodeRunning")
                ],
            }
        ]
    }
}
"""A CreateComputeEnv request, in the guide's spelling."""


def changes() -> list[tuple[Change, dict[str, Any]]]:
    """The changes in order of time, each with the request whose notifications apply."""
    told = [*_job("job-97zcl3wt", "render", "SUCCEED"), *_job("job-2f8s0qpa", "transcode", "FAILED"), *_env()]
    return sorted(told, key=lambda one: one[0].time)


def _change(second: int, family: Family, before: str | None, after: str, fields: dict[str, Any]) -> Change:
    time = f"2026-01-02T03:{second // 60:02d}:{second % 60:02d}Z"
    return Change(REGION, time, after, RESOURCES[family].parse(fields), before)


def _job(job_id: str, name: str, ending: str) -> list[tuple[Change, dict[str, Any]]]:
    job = {"JobId": job_id, "JobName": name}
    task = job | {"TaskName": "A"}
    first = task | {"TaskInstanceIndex": 0, "ComputeNodeInstanceId": "ins-9s04904p"}
    second = task | {"TaskInstanceIndex": 1, "ComputeNodeInstanceId": "ins-4d1kq2zx"}
    failed = {"ExitCode": 1, "StateDetailedReason": "程序退出码 1"} if ending == "FAILED" else {"ExitCode": 0}
    story = [
        _change(0, Family.JOB, None, "SUBMITTED", job),
        _change(5, Family.JOB, "STARTING", "RUNNING", job),
        _change(6, Family.TASK, "STARTING", "RUNNING", task),
        _change(7, Family.TASK_INSTANCE, "STARTING", "RUNNING", first),
        _change(8, Family.TASK_INSTANCE, "STARTING", "RUNNING", second),
        _change(50, Family.TASK_INSTANCE, "RUNNING", "SUCCEED", first | {"ExitCode": 0}),
        _change(65, Family.TASK_INSTANCE, "RUNNING", ending, second | failed),
        _change(66, Family.TASK, "RUNNING", ending, task),
        _change(67, Family.JOB, "RUNNING", ending, job),
    ]
    return [(change, SUBMIT_JOB) for change in story]


def _env() -> list[tuple[Change, dict[str, Any]]]:
    env = {"EnvId": "env-ptoxdb1t", "EnvName": "batch-env"}
    node = env | {"ComputeNodeId": "node-0iy7wxyo", "Cpu": 4, "Mem": 8, "ComputeNodeInstanceId": "ins-9rikj9kw"}
    story = [
        _change(100, Family.COMPUTE_ENV, None, "CREATED", env),
        _change(130, Family.COMPUTE_NODE, "CREATING", "CREATED", node),
        _change(150, Family.COMPUTE_NODE, "CREATED", "RUNNING", node),
        _change(400, Family.COMPUTE_NODE, "RUNNING", "DELETING", node),
        _change(420, Family.COMPUTE_ENV, "CREATED", "DELETED", env),
    ]
    return [(change, CREATE_COMPUTE_ENV) for change in story]
