"""Retries that are used up: the dead letter, its commit, the log lines of the attempts, and dropping instead."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.brokers.broker import Broker
from tests.harness.command import Running, invoke, wait_until
from tests.harness.kafka import read_all
from tests.harness.sink import Sink
from tests.integration.changes import job_line, text_of
from tests.integration.setting import Setting

pytestmark = pytest.mark.real_broker

FIELDS = [
    "subscription",
    "partition",
    "offset",
    "key",
    "msg_id",
    "attempt",
    "attempts_allowed",
    "outcome",
    "status",
    "reason",
    "duration_ms",
    "retry_in_s",
]

REFUSED = "/refused"
SCHEDULE_S = [0.05, 0.1]


def refuse_some(path: str, _msg_id: str, _attempt: int) -> int:
    return 503 if path == REFUSED else 200


def setting_of(broker: Broker, unique: Callable[[str], str], folder: Path, url: str, **more: Any) -> Setting:
    one = Setting(folder, broker.bootstrap_servers, unique("job-message"))
    one.http("billing", url, retry_schedule_s=SCHEDULE_S, **more)
    one.create_topics()
    return one


def letters_of(setting: Setting) -> int:
    return len(read_all(setting.servers, setting.dead_letter_topic("billing")))


def accepted_after(setting: Setting, sink: Sink, job_id: str) -> None:
    """Start again with an endpoint that accepts, publish one more; return when it alone has arrived."""
    setting.config["subscriptions"][0]["endpoint"] = sink.url("/accepted")
    assert setting.publish(text_of(job_line(job_id))).status == 0
    with setting.run() as running:
        wait_until(lambda: sink.accepted("/accepted") >= 1, "the new one", alive=[running])
        assert running.terminate() == 0
    assert len(sink.of("/accepted")) == 1


def test_exhausted_retries_become_a_dead_letter_with_reason_status_attempts_and_times_and_are_committed(
    broker: Broker, unique: Callable[[str], str], tmp_path: Path
) -> None:
    with Sink(refuse_some) as sink:
        setting = setting_of(broker, unique, tmp_path, sink.url(REFUSED))
        assert setting.publish(text_of(job_line("job-1"))).status == 0
        (event,) = read_all(setting.servers, setting.event_topic)
        with setting.run() as running:
            wait_until(lambda: letters_of(setting) == 1, "the dead letter", alive=[running])
            assert running.terminate() == 0
        assert len(sink.of(REFUSED)) == 3
        assert len({request.msg_id for request in sink.requests}) == 1
        accepted_after(setting, sink, "job-2")

    (letter,) = read_all(setting.servers, setting.dead_letter_topic("billing"))
    assert (letter.key, letter.value) == (event.key, event.value)
    assert letter.headers.items() >= event.headers.items()
    ours = {name: value.decode() for name, value in letter.headers.items() if name.startswith("dl_")}
    first_ms, last_ms = int(ours.pop("dl_first_attempt_ms")), int(ours.pop("dl_last_attempt_ms"))
    assert last_ms - first_ms >= 150
    assert ours.pop("dl_source_timestamp_ms").isdigit()
    assert ours == {
        "dl_reason": "exhausted: status 503",
        "dl_status": "503",
        "dl_attempts": "3",
        "dl_source_topic": setting.event_topic,
        "dl_source_partition": str(event.partition),
        "dl_source_offset": str(event.offset),
        "dl_excerpt": "ok",
    }


def test_dead_letters_are_listed_and_shown_with_the_event(
    broker: Broker, unique: Callable[[str], str], tmp_path: Path
) -> None:
    with Sink(refuse_some) as sink:
        setting = setting_of(broker, unique, tmp_path, sink.url(REFUSED))
        label = f"{setting.topic}/billing"
        listed = invoke("dead-letters", "list", label, "--config", setting.file)
        assert (listed.status, listed.stdout) == (0, f"0 dead letters of {label}\n")
        assert setting.publish(text_of(job_line("job-1"), job_line("job-1", "SUCCEED", "RUNNING"))).status == 0
        with setting.run() as running:
            wait_until(lambda: letters_of(setting) == 2, "the dead letters", alive=[running])
            assert running.terminate() == 0
    lines = invoke("dead-letters", "list", label, "--config", setting.file).stdout.splitlines()
    assert [line.split(maxsplit=1)[1] for line in lines[:2]] == [
        f" job-1  {name}  attempts 3  exhausted: status 503".strip() for name in ("JOB_RUNNING", "JOB_SUCCEED")
    ]
    assert lines[2] == f"2 dead letters of {label}"
    shown = invoke("dead-letters", "show", label, "--config", setting.file)
    assert shown.status == 0
    whole = json.loads("[" + shown.stdout.replace("}\n{", "},\n{") + "]")
    assert [one["message"]["Events"][0]["EventName"] for one in whole] == ["JOB_RUNNING", "JOB_SUCCEED"]
    assert all((one["key"], one["reason"], one["attempts"]) == ("job-1", "exhausted: status 503", "3") for one in whole)


def test_an_unknown_subscription_has_no_dead_letters_and_is_named(
    broker: Broker, unique: Callable[[str], str], tmp_path: Path
) -> None:
    setting = setting_of(broker, unique, tmp_path, "http://127.0.0.1:1/")
    result = invoke("dead-letters", "list", "job-message/nobody", "--config", setting.file)
    assert result.status == 2
    assert result.stderr.startswith("--subscription: 'job-message/nobody' is not configured; there are: ")


def test_on_exhausted_drop_drops_and_commits(broker: Broker, unique: Callable[[str], str], tmp_path: Path) -> None:
    with Sink(refuse_some) as sink:
        setting = setting_of(broker, unique, tmp_path, sink.url(REFUSED), on_exhausted="drop")
        assert setting.publish(text_of(job_line("job-1"))).status == 0
        with setting.run() as running:
            running.wait_for_line("delivery_attempted", "attempt=3 ", "outcome=failed")
            assert running.terminate() == 0
        accepted_after(setting, sink, "job-2")
    assert letters_of(setting) == 0


def test_every_line_of_a_json_log_parses_and_an_attempt_has_exactly_the_documented_fields(
    broker: Broker, unique: Callable[[str], str], tmp_path: Path
) -> None:
    with Sink(refuse_some) as sink:
        setting = setting_of(broker, unique, tmp_path, sink.url(REFUSED))
        setting.http("audit", sink.url("/accepted"))
        setting.queue("ops-queue", unique("ops"))
        setting.create_topics()
        assert setting.publish(text_of(job_line("job-1"))).status == 0
        with Running("run", "--config", setting.file, "--log-format", "json") as running:
            wait_until(lambda: letters_of(setting) == 1 and sink.accepted("/accepted") == 1, "all", alive=[running])
            assert running.terminate() == 0
    lines = [json.loads(line) for line in running.lines]
    assert all(list(line)[:3] == ["time", "level", "event"] for line in lines)
    assert {"started", "partitions_assigned", "stopping", "stopped"} <= {line["event"] for line in lines}
    attempts = [line for line in lines if line["event"] == "delivery_attempted"]
    assert all(list(line)[3:] == FIELDS for line in attempts)
    billing = [line for line in attempts if line["subscription"] == f"{setting.topic}/billing"]
    assert [(one["attempt"], one["outcome"], one["status"], one["reason"], one["retry_in_s"]) for one in billing] == [
        (1, "failed", 503, "status 503", 0.05),
        (2, "failed", 503, "status 503", 0.1),
        (3, "failed", 503, "status 503", None),
    ]
    (audit,) = [line for line in attempts if line["subscription"] == f"{setting.topic}/audit"]
    assert (audit["attempt"], audit["outcome"], audit["status"], audit["reason"]) == (1, "delivered", 200, None)
    assert {line["attempts_allowed"] for line in billing} == {3}
    assert audit["attempts_allowed"] == 177
    assert {line["msg_id"] for line in attempts} == {request.msg_id for request in sink.requests}


def test_metrics_count_what_happened(broker: Broker, unique: Callable[[str], str], tmp_path: Path) -> None:
    with Sink(refuse_some) as sink:
        setting = setting_of(broker, unique, tmp_path, sink.url(REFUSED), events=["JOB_RUNNING"])
        assert setting.publish(text_of(job_line("job-1"), job_line("job-1", "SUCCEED", "RUNNING"))).status == 0
        with setting.run() as running:
            wait_until(lambda: letters_of(setting) == 1, "the dead letter", alive=[running])
            label = f'{{subscription="{setting.topic}/billing"}}'
            expected = {
                f"batch_events_received_total{label} 2.0",
                f"batch_events_filtered_total{label} 1.0",
                f"batch_events_delivered_total{label} 0.0",
                f"batch_events_dead_letters_total{label} 1.0",
                f'batch_events_attempts_total{{outcome="failed",subscription="{setting.topic}/billing"}} 3.0',
            }
            wait_until(
                lambda: expected <= set(running.probe("/metrics")[1].splitlines()), "the counts", alive=[running]
            )
            assert running.terminate() == 0
