"""A broker that refuses our password: one clear error that says so, and no secret in any output."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.brokers.killable import killable_cluster
from tests.brokers.passwords import BROKER, asking_for_passwords, with_password
from tests.harness.command import Running, invoke
from tests.integration.changes import job_line, text_of
from tests.integration.setting import Setting

pytestmark = pytest.mark.native_cluster

USER = "batch-events"
RIGHT, WRONG = "the-right-one-8d2f", "the-wrong-one-77ab"

ASKED = {"TopicName": "job-message", "EventConfigs": [{"EventName": "JOB_RUNNING"}]}


@pytest.fixture(scope="module")
def servers() -> Iterator[str]:
    """A cluster that asks for passwords."""
    with killable_cluster(config=asking_for_passwords({USER: RIGHT}), client=with_password(*BROKER)) as cluster:
        yield cluster.bootstrap_servers


@pytest.fixture
def setting(servers: str, tmp_path: Path) -> Setting:
    one = Setting(tmp_path, servers, "job-message")
    one.config["kafka"] |= with_password(USER, "${PASSWORD}")
    one.queue("ops-queue", "ops")
    one.http("billing", "http://127.0.0.1:1/")
    return one


COMMANDS = [["topics"], ["publish"], ["dead-letters", "list", "job-message/billing"]]


def test_the_right_password_is_taken(setting: Setting) -> None:
    for args in (["topics", "--apply"], *COMMANDS):
        lines = text_of(job_line("job-1", Notifications=[ASKED]))
        result = invoke(*args, "--config", setting.file, stdin=lines, env={"PASSWORD": RIGHT})
        assert result.status == 0, result
        assert RIGHT not in result.stdout + result.stderr


@pytest.mark.parametrize(
    "args",
    [
        COMMANDS[0],
        COMMANDS[1],
        COMMANDS[2],
    ],
    ids=[args[0] for args in COMMANDS],
)
def test_the_wrong_one_is_one_clear_error_without_it(args: list[str], setting: Setting) -> None:
    lines = text_of(job_line("job-1", Notifications=[ASKED]))
    result = invoke(*args, "--config", setting.file, stdin=lines, env={"PASSWORD": WRONG})
    assert result.status == 2
    last = result.stderr.splitlines()[-1]
    assert last.startswith(f"batch-events: the broker at {setting.servers} refuses us: _AUTHENTICATION: ")
    assert "Authentication failed: Invalid username or password" in last
    assert len(result.stderr.splitlines()) <= 3, "the client's own words, once or twice, and ours"
    assert WRONG not in result.stdout + result.stderr


def test_run_says_that_it_is_refused_keeps_trying_and_shows_no_secret(setting: Setting) -> None:
    args = ("--config", setting.file, "--log-format", "json", "--log-level", "DEBUG")
    with Running("run", *args, env={"PASSWORD": WRONG}) as running:
        refused = f"the broker at {setting.servers} refuses us: _AUTHENTICATION: "
        for name in ("ops-queue", "billing"):
            line = json.loads(running.wait_for_line("not_ready", f"job-message/{name}", refused, timeout_s=20))
            assert "Invalid username or password" in line["reason"]
        assert running.probe("/live") == (200, "ok\n")
        status, text = running.probe("/ready")
        assert (status, sorted(text.splitlines())) == (503, ["job-message/billing", "job-message/ops-queue"])
        assert running.terminate() == 0
    assert WRONG not in "\n".join(running.lines)


def test_check_needs_no_broker_and_shows_no_secret(setting: Setting) -> None:
    result = invoke("check", "--config", setting.file, env={"PASSWORD": WRONG})
    assert result.status == 0
    assert WRONG not in result.stdout + result.stderr
    result = invoke("check", "--config", setting.file)
    assert (result.status, result.stdout) == (2, "kafka.sasl.password: ${PASSWORD}: is not set in the environment\n")
