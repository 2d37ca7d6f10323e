"""The 19 names and their families."""

import pytest

from schemas.events import EVENT_FAMILIES, EVENT_NAMES, Family, canonical_event_name

SPELLINGS = [
    ("JOB_RUNNING", "JobRunning", "Job"),
    ("JOB_SUCCEED", "JobSucceed", "Job"),
    ("JOB_FAILED", "JobFailed", "Job"),
    ("JOB_FAILED_INTERRUPTED", "JobFailedInterrupted", "Job"),
    ("TASK_RUNNING", "TaskRunning", "Task"),
    ("TASK_SUCCEED", "TaskSucceed", "Task"),
    ("TASK_FAILED", "TaskFailed", "Task"),
    ("TASK_FAILED_INTERRUPTED", "TaskFailedInterrupted", "Task"),
    ("TASK_INSTANCE_RUNNING", "TaskInstanceRunning", "TaskInstance"),
    ("TASK_INSTANCE_SUCCEED", "TaskInstanceSucceed", "TaskInstance"),
    ("TASK_INSTANCE_FAILED", "TaskInstanceFailed", "TaskInstance"),
    ("TASK_INSTANCE_FAILED_INTERRUPTED", "TaskInstanceFailedInterrupted", "TaskInstance"),
    ("COMPUTE_ENV_CREATED", "ComputeEnvCreated", "ComputeEnv"),
    ("COMPUTE_ENV_DELETED", "ComputeEnvDeleted", "ComputeEnv"),
    ("COMPUTE_NODE_CREATED", "ComputeNodeCreated", "ComputeNode"),
    ("COMPUTE_NODE_CREATION_FAILED", "ComputeNodeCreationFailed", "ComputeNode"),
    ("COMPUTE_NODE_RUNNING", "ComputeNodeRunning", "ComputeNode"),
    ("COMPUTE_NODE_ABNORMAL", "ComputeNodeAbnormal", "ComputeNode"),
    ("COMPUTE_NODE_DELETING", "ComputeNodeDeleting", "ComputeNode"),
]


def test_there_are_the_19_names_of_the_reference_in_its_order() -> None:
    assert tuple(name for name, _, _ in SPELLINGS) == EVENT_NAMES
    assert len(EVENT_NAMES) == 19


@pytest.mark.parametrize(("name", "camel", "family"), SPELLINGS)
def test_both_spellings_are_one_name_of_one_family(name: str, camel: str, family: str) -> None:
    assert canonical_event_name(name) == name
    assert canonical_event_name(camel) == name
    assert EVENT_FAMILIES[name] is Family(family)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "JOB",
        "JOB_SUCCEEDED",
        "JobSucceeded",
        "COMPUTE_ENV_CREATED_SUCCESS",
        "JOB-FAILED",
        "JOB FAILED",
        " JOB_FAILED",
    ],
)
def test_what_is_no_event_name_is_none(text: str) -> None:
    assert canonical_event_name(text) is None


def test_case_is_ignored() -> None:
    assert canonical_event_name("job_failed") == canonical_event_name("jobfailed") == "JOB_FAILED"
