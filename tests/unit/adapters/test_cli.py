"""The command line: help that shows how, and an exit status that tells the truth."""

import argparse
import json
import re
import shlex
from pathlib import Path

import pytest

from adapters import cli, named
from adapters.commands.run import chosen
from adapters.settings import Settings
from adapters.settings_faults import SettingsError
from pipeline.errors import BrokerUnreachableError
from pipeline.subscription import Protocol, Subscription
from tests.harness.command import Result
from tests.unit.adapters.configurations import HTTP, QUEUE, load, tree
from tests.unit.adapters.in_process import command

NAMES = [
    "demo",
    "check",
    "topics",
    "acls",
    "publish",
    "simulate",
    "run",
    "gateway",
    "cmq",
    "dead-letters",
    "trace",
    "rewind",
    "decode",
]
MODULES = {module.NAME: module for module in cli.COMMANDS}
NEEDING_SETTINGS = ["check", "topics", "acls", "publish", "run", "gateway", "cmq", "dead-letters", "trace", "rewind"]
MORE = {
    "cmq": ["queues", "list"],
    "dead-letters": ["list", "a/b"],
    "trace": ["a/b", "--job", "job-1"],
    "rewind": ["a/b", "--to", "latest"],
}
"""What they cannot do without."""


@pytest.fixture
def batch_events(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> "Command":
    monkeypatch.chdir(tmp_path)
    return Command(capsys, monkeypatch)


class Command:
    def __init__(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self._fixtures = capsys, monkeypatch

    def __call__(self, *args: str, stdin: bytes = b"") -> Result:
        return command(*self._fixtures, *args, stdin=stdin)


def test_the_commands_are_those_of_the_first_release() -> None:
    assert [module.NAME for module in cli.COMMANDS] == NAMES


def test_the_help_names_every_command_and_exit_status(batch_events: Command) -> None:
    result = batch_events("--help")
    assert result.status == 0
    assert all(re.search(rf"^    {name}\b", result.stdout, re.MULTILINE) for name in NAMES)
    assert all(text in result.stdout for text in ("0 fine", "1 some", "2 usage", "3 stopped", "4 a part", "130 second"))


@pytest.mark.parametrize("name", NAMES)
def test_the_help_of_a_command_has_examples_and_exit_statuses(name: str, batch_events: Command) -> None:
    result = batch_events(name, "--help")
    assert result.status == 0
    examples = result.stdout.partition("\nexamples:\n")[2]
    assert f"batch-events {name}" in examples
    assert "exit status:" in examples
    assert "--config FILE" in result.stdout
    assert "--log-format" in result.stdout


@pytest.mark.parametrize("name", NAMES)
def test_every_example_is_a_command_line_that_we_take(name: str) -> None:
    lines = re.findall(r"batch-events ([^|>'\n]*)", MODULES[name].EXAMPLES)
    assert lines
    for line in lines:
        cli.parser().parse_args(shlex.split(line))


@pytest.mark.parametrize(
    "args",
    [
        [],
        ["fly"],
        ["check", "--colour"],
        ["check", "--log-format", "xml"],
        ["check", "--log-level", "LOUD"],
        ["simulate", "--jobs", "-1"],
        ["simulate", "--jobs", "ten"],
        ["simulate", "--seed", "x"],
        ["dead-letters", "burn", "a/b"],
        ["dead-letters", "list"],
        ["dead-letters", "redrive", "a/b", "--rate", "0"],
        ["dead-letters", "redrive", "a/b", "--rate", "nan"],
        ["dead-letters", "redrive", "a/b", "--rate", "inf"],
        ["dead-letters", "redrive", "a/b", "--rate", "fast"],
        ["dead-letters", "redrive", "a/b", "--event", "JOB_EXPLODED"],
        ["dead-letters", "redrive", "a/b", "--since", "yesterday"],
        ["dead-letters", "redrive", "a/b", "--until", "2026-01-02T03:04:05"],
        ["trace"],
        ["trace", "a/b", "--since", "yesterday"],
        ["trace", "a/b", "--job"],
        ["rewind", "a/b"],
        ["cmq"],
        ["cmq", "queues"],
        ["cmq", "queues", "burn", "q"],
        ["cmq", "queues", "create"],
        ["cmq", "queues", "create", "q", "--visibility-timeout", "long"],
        ["cmq", "queues", "rewind", "q", "--to", "2026-01-02T03:04:05"],
        ["cmq", "topics", "set", "t"],
        ["cmq", "subscriptions", "show", "t"],
        ["cmq", "subscriptions", "create", "t/s", "--protocol", "mail", "--endpoint", "q"],
        ["cmq", "subscriptions", "create", "t/s", "--protocol", "queue"],
        ["rewind", "a/b", "--to", "2026-01-02T03:04:05"],
        ["publish", "a", "b"],
    ],
)
def test_wrong_usage_is_status_2_with_a_usage_line(args: list[str], batch_events: Command) -> None:
    result = batch_events(*args)
    assert result.status == 2
    assert result.stderr.startswith("usage: batch-events")
    assert not result.stdout


def test_a_number_of_jobs_that_is_none_is_told_in_plain_words(batch_events: Command) -> None:
    assert "argument --jobs: must be a whole number, 0 or more" in batch_events("simulate", "--jobs", "ten").stderr


@pytest.mark.parametrize(("option", "action"), [(["--dry-run"], "list"), (["--rate", "5"], "show")])
def test_an_option_of_redrive_is_refused_elsewhere(option: list[str], action: str, batch_events: Command) -> None:
    result = batch_events("dead-letters", action, "a/b", *option)
    assert result.status == 2
    assert result.stderr == f"{option[0]}: is about redrive, and this is {action}\n"


def test_a_trace_of_everything_there_ever_was_is_refused(batch_events: Command) -> None:
    result = batch_events("trace", "a/b", "--until", "2026-01-02T03:04:05Z")
    assert result.status == 2
    assert result.stderr == "trace: which events? One of --event-id, --job and --since at least\n"


@pytest.mark.parametrize("name", NEEDING_SETTINGS)
def test_without_a_configuration_a_command_is_status_2_and_one_line(name: str, batch_events: Command) -> None:
    result = batch_events(name, *MORE.get(name, []))
    line = "batch-events.yaml: no such file; name one with --config or BATCH_EVENTS_CONFIG\n"
    assert result.status == 2
    assert result.stdout + result.stderr == line


@pytest.mark.parametrize("name", NEEDING_SETTINGS)
def test_a_faulty_configuration_is_status_2_with_all_faults(name: str, batch_events: Command, tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("kafka: {bootstrap.servers: 'a:1', fetch.min.bytez: 1}\ncolour: red\n")
    result = batch_events(name, *MORE.get(name, []), "--config", "bad.yaml")
    assert result.status == 2
    told = (result.stdout + result.stderr).splitlines()
    assert [line.partition(": ")[0] for line in told] == ["colour", "kafka.fetch.min.bytez"]


def test_check_tells_what_the_configuration_amounts_to(batch_events: Command, tmp_path: Path) -> None:
    load(tmp_path, tree(QUEUE, HTTP, HTTP | {"name": "audit", "trace": True}))
    result = batch_events("check")
    assert result.status == 0
    assert result.stdout.splitlines() == [
        "ok: 3 subscriptions, brokers localhost:9092",
        "  job-message/ops-queue: queue -> ops",
        "  job-message/billing: http -> https://billing.example.com/",
        "  job-message/audit: http -> https://billing.example.com/, each attempt traced",
    ]


def test_check_shows_a_reference_as_it_is_written(
    batch_events: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKEN", "hunter2")
    load(tmp_path, tree(HTTP | {"endpoint": "https://example.com/${TOKEN}"}), {"TOKEN": "hunter2"})
    result = batch_events("check")
    assert result.status == 0
    assert "http -> https://example.com/${TOKEN}\n" in result.stdout
    assert "hunter2" not in result.stdout + result.stderr


def test_a_notifications_file_with_faults_is_status_2_and_all_of_them(batch_events: Command, tmp_path: Path) -> None:
    load(tmp_path, tree())
    (tmp_path / "n.json").write_text(json.dumps([{"TopicName": "9", "EventConfigs": [{"EventName": "X"}]}, 5]))
    result = batch_events("publish", "--notifications", "n.json")
    assert result.status == 2
    assert [line.split(": ")[:2] for line in result.stderr.splitlines()] == [
        ["n.json", "Notifications[0].TopicName"],
        ["n.json", "Notifications[0].EventConfigs[0].EventName"],
        ["n.json", "Notifications[1]"],
    ]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"{", "not JSON: "),
        (b"\xff\xfe\xfd", "not JSON: "),
        (b'{"Jobs": []}', "Notifications: InvalidParameterValue: must be a list"),
        (b"[" * 100_000, "not JSON: "),
    ],
)
def test_a_notifications_file_of_another_kind_is_status_2(
    content: bytes, reason: str, batch_events: Command, tmp_path: Path
) -> None:
    load(tmp_path, tree())
    (tmp_path / "n.json").write_bytes(content)
    result = batch_events("publish", "--notifications", "n.json")
    assert result.status == 2
    assert result.stderr.startswith(f"n.json: {reason}")
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("args", [["nowhere"], ["-", "--notifications", "nowhere"], ["."]])
def test_a_file_that_cannot_be_read_is_status_2(args: list[str], batch_events: Command, tmp_path: Path) -> None:
    load(tmp_path, tree())
    result = batch_events("publish", *args)
    assert result.status == 2
    assert re.fullmatch(r"(nowhere|\.): cannot be read: [A-Z][a-z ]+\n", result.stderr)


@pytest.mark.parametrize(
    ("error", "status", "told"),
    [
        (SettingsError(["a: one", "b: two"]), 2, "a: one\nb: two\n"),
        (BrokerUnreachableError("a:1", "why"), 2, "batch-events: no broker answers at a:1: why\n"),
        (KeyboardInterrupt(), 130, ""),
        (RuntimeError("a bug"), 4, ""),
    ],
)
def test_what_a_command_raises_becomes_its_status(
    error: BaseException, status: int, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(_args: argparse.Namespace) -> int:
        raise error

    assert cli._status(argparse.Namespace(run=fails)) == status
    assert capsys.readouterr().err == told


def test_run_takes_the_subscriptions_that_it_is_told_in_that_order(tmp_path: Path) -> None:
    settings = load(tmp_path, tree(QUEUE, HTTP))
    assert [one.name for one in chosen(settings, None)] == ["ops-queue", "billing"]
    assert [one.name for one in chosen(settings, ["job-message/billing"])] == ["billing"]


def test_a_subscription_that_nobody_knows_is_named_with_those_that_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = load(tmp_path, tree(QUEUE, HTTP))
    at_run_time = Subscription("job-message", "made", Protocol.QUEUE, queue_name="ops")
    monkeypatch.setattr(named, "made", lambda _settings: {at_run_time.label: at_run_time})
    with pytest.raises(SettingsError) as caught:
        chosen(settings, ["job-message/billing", "a/b", "c"])
    there_are = "is not configured; there are: job-message/ops-queue, job-message/billing, job-message/made"
    assert caught.value.faults == [f"--subscription: 'a/b' {there_are}", f"--subscription: 'c' {there_are}"]


def test_a_subscription_that_only_the_registry_has_is_taken_from_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = load(tmp_path, tree(QUEUE, HTTP))
    at_run_time = Subscription("job-message", "made", Protocol.QUEUE, queue_name="ops")
    monkeypatch.setattr(named, "made", lambda _settings: {at_run_time.label: at_run_time})
    assert [one.name for one in chosen(settings, ["job-message/made", "job-message/billing"])] == ["made", "billing"]


def test_where_the_registry_cannot_be_read_an_unknown_name_is_told_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(_settings: Settings) -> dict[str, Subscription]:
        raise BrokerUnreachableError("localhost:9092", "_TRANSPORT")

    monkeypatch.setattr(named, "made", unreachable)
    settings = load(tmp_path, tree(QUEUE, HTTP))
    assert [one.name for one in chosen(settings, ["job-message/billing"])] == ["billing"]
    with pytest.raises(SettingsError, match="made at run time are not known: no broker answers at localhost:9092"):
        chosen(settings, ["a/b"])


def test_a_subscription_told_twice_is_taken_once(tmp_path: Path) -> None:
    settings = load(tmp_path, tree(QUEUE, HTTP))
    assert [one.name for one in chosen(settings, ["job-message/billing"] * 2)] == ["billing"]
