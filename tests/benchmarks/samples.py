"""The event that the benchmarks move: a task instance with every field filled."""

from pipeline.lifecycle import Change
from schemas.notifications import parse_notifications
from schemas.resources import TaskInstance

TOPIC = "bench-message"

NOTIFICATIONS = parse_notifications([{"TopicName": TOPIC, "EventConfigs": [{"EventName": "TASK_INSTANCE_SUCCEED"}]}])


def change(job: int, index: int) -> Change:
    """The end of one instance of one job."""
    instance = TaskInstance(
        JobId=f"job-{job:08d}",
        JobName="test job",
        TaskName="A",
        TaskInstanceIndex=index,
        ExitCode=0,
        StateReason="",
        StateDetailedReason="successful",
        ComputeNodeInstanceId="ins-9s04904p",
        CreateTime="2018-02-07T09:29:09Z",
        LaunchTime="2018-02-07T09:29:09Z",
        RunningTime="2018-02-07T09:29:55Z",
        EndTime="2018-02-07T09:30:23Z",
    )
    return Change("ap-guangzhou", "2018-02-07T09:30:23Z", "SUCCEED", instance, "RUNNING")
