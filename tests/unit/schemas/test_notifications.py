"""Notifications in every form in which they are written."""

import json
from typing import Any

import pytest
from tencentcloud.batch.v20170312 import models

from schemas.events import EventVar
from schemas.notifications import EventConfig, Notification, parse_notifications
from tests.unit.schemas.test_events import SPELLINGS

API = [
    {
        "TopicName": "job-message",
        "EventConfigs": [
            {"EventName": "JOB_FAILED", "EventVars": [{"Name": "who", "Value": "me"}, {"Name": "", "Value": ""}]},
            {"EventName": "JOB_SUCCEED"},
        ],
    },
    {"TopicName": "env_message", "EventConfigs": [{"EventName": "COMPUTE_NODE_CREATED", "EventVars": []}]},
]
GUIDE = [
    {
        "topic_name": "job-message",
        "event_configs": [
            {"event_name": "JobFailed", "event_vars": [{"name": "who", "value": "me"}, {"name": "", "value": ""}]},
            {"event_name": "JobSucceed"},
        ],
    },
    {"topic_name": "env_message", "event_configs": [{"event_name": "ComputeNodeCreated", "event_vars": []}]},
]
PARSED = (
    Notification(
        "job-message",
        (EventConfig("JOB_FAILED", (EventVar("who", "me"), EventVar("", ""))), EventConfig("JOB_SUCCEED")),
    ),
    Notification("env_message", (EventConfig("COMPUTE_NODE_CREATED"),)),
)

JOB = {"JobName": "test job", "Tasks": [{"TaskName": "A"}], "Notifications": API}
ENV = {"EnvName": "batch-env", "EnvData": {}, "Notifications": API}
SUBMIT_JOB = {"Placement": {"Zone": "ap-guangzhou-2"}, "Job": JOB, "ClientToken": "t"}
CREATE_ENV = {"Placement": {"Zone": "ap-guangzhou-2"}, "ComputeEnv": ENV}


def sdk_request(kind: type[Any], fields: dict[str, Any]) -> Any:
    request = kind()
    request.from_json_string(json.dumps(fields))
    return request


@pytest.mark.parametrize("written", [API, GUIDE], ids=["API", "guide"])
@pytest.mark.parametrize(
    "wrap",
    [
        lambda items: items,
        tuple,
        lambda items: {"Notifications": items},
        lambda items: {"notifications": items},
        lambda items: {"JobName": "test job", "Tasks": [], "Notifications": items},
        lambda items: {"EnvName": "batch-env", "notifications": items},
        lambda items: SUBMIT_JOB | {"Job": JOB | {"Notifications": items}},
        lambda items: CREATE_ENV | {"ComputeEnv": ENV | {"Notifications": items}},
        lambda items: {"Job": {"Notifications": items}},
        lambda items: {"ComputeEnv": {"notifications": items}},
        lambda items: {"job": {"notifications": items}},
        lambda items: {"compute_env": {"notifications": items}},
    ],
    ids=[
        "bare list",
        "tuple",
        "Notifications",
        "notifications",
        "Job object",
        "ComputeEnv object",
        "SubmitJob",
        "CreateComputeEnv",
        "Job wrapper",
        "ComputeEnv wrapper",
        "job wrapper",
        "compute_env wrapper",
    ],
)
def test_each_spelling_is_read_in_each_wrapper(written: list[Any], wrap: Any) -> None:
    assert parse_notifications(wrap(written)) == PARSED


@pytest.mark.parametrize(("name", "camel", "_family"), SPELLINGS)
def test_all_19_names_are_read_in_both_spellings(name: str, camel: str, _family: str) -> None:
    api = [{"TopicName": "t", "EventConfigs": [{"EventName": name}]}]
    guide = [{"topic_name": "t", "event_configs": [{"event_name": camel}]}]
    assert parse_notifications(api) == parse_notifications(guide) == (Notification("t", (EventConfig(name),)),)


def test_the_spellings_may_be_mixed_inside_one_notification() -> None:
    mixed = [{"TopicName": "t", "event_configs": [{"EventName": "JobFailed"}, {"event_name": "JOB_SUCCEED"}]}]
    assert parse_notifications(mixed) == (Notification("t", (EventConfig("JOB_FAILED"), EventConfig("JOB_SUCCEED"))),)


def test_a_null_in_the_apis_spelling_does_not_hide_the_guides() -> None:
    assert parse_notifications({"Notifications": None, "notifications": API}) == PARSED


class TestSdkObjects:
    """The official SDK's own, as a program has them in hand."""

    def test_a_whole_submit_job_request(self) -> None:
        assert parse_notifications(sdk_request(models.SubmitJobRequest, SUBMIT_JOB)) == PARSED

    def test_a_whole_create_compute_env_request(self) -> None:
        assert parse_notifications(sdk_request(models.CreateComputeEnvRequest, CREATE_ENV)) == PARSED

    def test_the_job_or_the_environment_alone(self) -> None:
        assert parse_notifications(sdk_request(models.SubmitJobRequest, SUBMIT_JOB).Job) == PARSED
        assert parse_notifications(sdk_request(models.CreateComputeEnvRequest, CREATE_ENV).ComputeEnv) == PARSED

    def test_its_list_of_notifications(self) -> None:
        job = sdk_request(models.SubmitJobRequest, SUBMIT_JOB).Job
        assert parse_notifications(job.Notifications) == PARSED

    def test_its_objects_inside_plain_containers(self) -> None:
        job = sdk_request(models.SubmitJobRequest, SUBMIT_JOB).Job
        assert parse_notifications({"Notifications": job.Notifications}) == PARSED
        assert parse_notifications({"Job": job}) == PARSED
        config = {"EventName": "JOB_FAILED", "EventVars": job.Notifications[0].EventConfigs[0].EventVars}
        (notification,) = parse_notifications([{"TopicName": "t", "EventConfigs": [config]}])
        assert notification.event_configs == (PARSED[0].event_configs[0],)

    def test_a_request_without_notifications_wants_none(self) -> None:
        plain = {"Placement": {"Zone": "z"}, "Job": {"JobName": "test job", "Tasks": [{"TaskName": "A"}]}}
        assert parse_notifications(sdk_request(models.SubmitJobRequest, plain)) == ()


@pytest.mark.parametrize(
    "request_without",
    [
        [],
        {"Notifications": []},
        {"Notifications": None},
        {"JobName": "test job"},
        {"Tasks": []},
        {"EnvName": "batch-env", "EnvData": {}},
        {"Placement": {}, "Job": {"JobName": "test job"}},
        {"Placement": {}, "Job": {"JobName": "test job", "Notifications": None}},
    ],
    ids=repr,
)
def test_a_request_that_asks_for_nothing_gives_nothing(request_without: object) -> None:
    assert parse_notifications(request_without) == ()


def test_fields_that_are_not_about_notifications_are_not_looked_at() -> None:
    config = {"EventName": "JOB_FAILED", "Comment": 5}
    assert parse_notifications({"Job": {"Notifications": [{"TopicName": "t", "EventConfigs": [config], "X": []}]}}) == (
        Notification("t", (EventConfig("JOB_FAILED"),)),
    )


def test_one_event_may_go_to_several_topics_and_several_events_to_one() -> None:
    written = [
        {"TopicName": topic, "EventConfigs": [{"EventName": name}]}
        for topic, name in [("a", "JOB_FAILED"), ("b", "JOB_FAILED"), ("a", "JOB_SUCCEED")]
    ]
    assert len(parse_notifications(written)) == 3


def test_an_events_variables_may_repeat_a_name() -> None:
    event_vars = [{"Name": "n", "Value": "1"}, {"Name": "n", "Value": "2"}]
    (notification,) = parse_notifications(
        [{"TopicName": "t", "EventConfigs": [{"EventName": "JOB_FAILED", "EventVars": event_vars}]}]
    )
    assert notification.event_configs[0].event_vars == (EventVar("n", "1"), EventVar("n", "2"))
