"""Bad lines, bad notifications, records that the broker does not take: each is named, and none stops what is good."""

import json
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from schemas.avro import decode_avro
from tests.brokers.broker import Broker
from tests.harness.command import invoke
from tests.harness.kafka import read_all
from tests.integration.changes import job_line, text_of
from tests.integration.setting import Setting

pytestmark = pytest.mark.real_broker

MIB = 1 << 20
CREATES = "`batch-events topics --apply` creates those of the configuration"


@pytest.fixture
def setting(broker: Broker, unique: Callable[[str], str], tmp_path: Path) -> Setting:
    """A topic with a queue subscription, created."""
    one = Setting(tmp_path, broker.bootstrap_servers, unique("job-message"))
    one.queue("ops-queue", unique("ops"))
    one.create_topics()
    return one


def published(setting: Setting) -> set[str]:
    """The jobs whose events are in the event topic."""
    records = read_all(setting.servers, setting.event_topic)
    return {decode_avro(record.value or b"").batch["JobId"] for record in records}


def asking(topic: str, *events: str) -> list[dict[str, Any]]:
    return [{"TopicName": topic, "EventConfigs": [{"EventName": name} for name in events]}]


def with_job(line: dict[str, Any], **fields: Any) -> dict[str, Any]:
    job = {name: value for name, value in (line["Job"] | fields).items() if value is not None}
    return line | {"Job": job}


def test_a_bad_line_is_named_with_field_and_reason_and_the_good_ones_are_published(
    setting: Setting, unique: Callable[[str], str]
) -> None:
    nowhere = unique("nowhere")
    good = [json.dumps(job_line(f"job-good{number}")) for number in range(3)]
    lines = [
        good[0],
        '{"Region": "ap-guangzhou", ',
        json.dumps(job_line("job-bad00003", after="STOPPED")),
        "",
        json.dumps(with_job(job_line("x"), JobId=None)),
        json.dumps(with_job(job_line("job-bad00006"), JobState="FAILED")),
        good[1],
        json.dumps(job_line("job-bad00008", Notifications=asking("9-lives", "JOB_RUNNING"))),
        json.dumps(job_line("job-bad00009", Notifications=asking(setting.topic, "JOB_RUNS", "JOB_FAILED"))),
        json.dumps(job_line("job-bad00010", Notifications=asking(nowhere, "JOB_RUNNING"))),
        json.dumps({"Time": "yesterday", "After": 5, "Colour": "red"}),
        json.dumps(job_line("job-bad00012") | {"Task": {}}),
        "[]",
        good[2],
    ]
    file = setting.folder / "changes.jsonl"
    file.write_text("\n".join(lines))
    result = invoke("publish", str(file), "--config", setting.file, "--notifications", setting.notifications())

    assert result.status == 1
    named = [line for line in result.stderr.splitlines() if line.startswith(f"{file}:")]
    missing = f"Kafka has no topic 'batch.{nowhere}'; {CREATES}"
    states = "SUBMITTED, PENDING, RUNNABLE, STARTING, RUNNING, SUCCEED, FAILED, FAILED_INTERRUPTED"
    expected = [
        (2, "line: InvalidParameterValue: not a JSON object: "),
        (3, f"After: InvalidParameterValue: 'STOPPED' is not a state of a Job; allowed are {states}"),
        (5, "Job.JobId: MissingParameter: is missing"),
        (6, "Job.JobState: InvalidParameterValue: is 'FAILED', but After is 'RUNNING'"),
        (8, "Notifications[0].TopicName: InvalidParameter.NotificationTopicName: '9-lives' must begin with a letter"),
        (9, "Notifications[0].EventConfigs[0].EventName: InvalidParameterValue: 'JOB_RUNS' is not an event name"),
        (10, f"line: InvalidParameterValue: CMQ topic '{nowhere}' does not exist: {missing}"),
        (11, "Region: MissingParameter: is missing"),
        (11, "After: InvalidParameterValue: must be a string, got 5"),
        (
            11,
            "line: MissingParameter: needs exactly one of Job, Task, TaskInstance, ComputeNode, ComputeEnv; found none",
        ),
        (11, "Time: InvalidParameterValue: 'yesterday' is not like 2026-01-02T03:04:05Z"),
        (11, "Colour: UnknownParameter: is not a field of a line"),
        (
            12,
            "line: MissingParameter: needs exactly one of Job, Task, TaskInstance, ComputeNode, ComputeEnv; found Job",
        ),
        (13, "line: InvalidParameterValue: not a JSON object: "),
    ]
    assert len(named) == len(expected), result.stderr
    for line, (number, reason) in zip(named, expected, strict=True):
        assert line.startswith(f"{file}:{number}: {reason}")
    assert result.stderr.splitlines()[-1] == (
        "13 lines read: 3 records published and acknowledged, 0 lines that no notification asks for, 10 lines refused"
    )
    assert published(setting) == {"job-good0", "job-good1", "job-good2"}


def test_lines_of_standard_input_are_named_with_a_dash(setting: Setting) -> None:
    result = setting.publish(b"nonsense\n" + text_of(job_line("job-good")))
    assert result.status == 1
    assert result.stderr.startswith("-:1: line: InvalidParameterValue: not a JSON object: ")
    assert published(setting) == {"job-good"}


def test_a_line_without_notifications_is_refused_where_no_file_gives_any(setting: Setting) -> None:
    lines = text_of(job_line("job-bad"), job_line("job-good", Notifications=asking(setting.topic, "JOB_RUNNING")))
    result = invoke("publish", "--config", setting.file, stdin=lines)
    assert result.status == 1
    reason = "the line has none, and --notifications names no file"
    assert result.stderr.splitlines()[0] == f"-:1: Notifications: MissingParameter: {reason}"
    assert published(setting) == {"job-good"}


def test_a_change_that_nobody_asks_for_is_no_error(setting: Setting) -> None:
    asked = asking(setting.topic, "JOB_FAILED")
    lines = text_of(job_line("job-a", Notifications=asked), job_line("job-b", "PENDING", "SUBMITTED", Notifications=[]))
    result = invoke("publish", "--config", setting.file, stdin=lines)
    assert result.status == 0
    assert result.stderr.startswith("2 lines read: 0 records published and acknowledged, 2 lines that no notification")


def test_a_record_larger_than_the_broker_takes_is_named_and_the_others_are_published(setting: Setting) -> None:
    """Between good ones, before and behind: the producer's sequence must survive what the broker refuses."""
    good = [job_line(f"job-good{number:04}") for number in range(400)]
    too_large = with_job(job_line("job-large1"), JobName=secrets.token_hex(3 * MIB // 2))
    larger = with_job(job_line("job-large2"), JobName=secrets.token_hex(3 * MIB))
    lines = [*good[:200], too_large, *good[200:300], larger, *good[300:]]
    result = setting.publish(text_of(*lines))
    assert result.status == 1
    named = sorted(line for line in result.stderr.splitlines() if line.startswith("-:"))
    assert len(named) == 2, result.stderr[:3000]
    assert named[0].startswith(f"-:201: line: NotAcknowledged: {setting.event_topic} job-large1: MSG_SIZE_TOO_LARGE: ")
    assert named[1].startswith("-:302: line: ")
    assert "MSG_SIZE_TOO_LARGE" in named[1]
    assert all(len(line) < 300 for line in named)
    assert "400 records published and acknowledged" in result.stderr.splitlines()[-1]
    assert published(setting) == {line["Job"]["JobId"] for line in good}


def test_a_notifications_file_with_faults_names_all_of_them_and_publishes_nothing(
    setting: Setting, tmp_path: Path
) -> None:
    request = {
        "Job": {"Notifications": [*asking("a" * 65, "JOB_RUNNING"), *asking("b", "JobFailed", "JOB_FAILED"), {}]}
    }
    file = tmp_path / "request.json"
    file.write_text(json.dumps(request))
    lines = text_of(job_line("job-good", Notifications=asking(setting.topic, "JOB_RUNNING")))
    result = invoke("publish", "--config", setting.file, "--notifications", str(file), stdin=lines)
    assert result.status == 2
    assert [line.removeprefix(f"{file}: ").split(": ")[:2] for line in result.stderr.splitlines()] == [
        ["Notifications[0].TopicName", "InvalidParameter.NotificationTopicNameTooLong"],
        ["Notifications[1].EventConfigs[1].EventName", "InvalidParameter.NotificationEventNameDuplicate"],
        ["Notifications[2].TopicName", "MissingParameter"],
        ["Notifications[2].EventConfigs", "MissingParameter"],
    ]
    assert published(setting) == set()
