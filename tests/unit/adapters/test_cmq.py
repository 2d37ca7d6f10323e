"""`batch-events cmq` against a gateway over the memory doubles: every verb, and what goes wrong."""

import inspect
import re
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import CollectorRegistry

from adapters.cmq_shell import queues, subscriptions, topics
from adapters.cmq_shell.client import CmqClient, Place, place_of
from adapters.gateway.acting.queue_settings import SETTINGS
from adapters.gateway.actions import ACTIONS
from adapters.gateway.front.keys import KeySpec
from adapters.http_server import HealthServer
from adapters.settings import GatewaySettings
from pipeline.health import Health
from tests.harness.command import Result
from tests.harness.memory_gateway import memory_gateway
from tests.unit.adapters.configurations import tree
from tests.unit.adapters.in_process import command

ADMIN, READER = "AKIDadmin", "AKIDreader"
HIDDEN = "hunter2hunter2"
KEYS = {
    READER: {"secret": "${KEY}", "actions": ["Get*", "List*"]},
    ADMIN: {"secret": "${KEY}"},
}
SPECS = (KeySpec(READER, HIDDEN, actions=("Get*", "List*")), KeySpec(ADMIN, HIDDEN))


class Shell:
    """`batch-events cmq …` with a configuration that has the keys."""

    def __init__(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, url: str) -> None:
        self._fixtures = capsys, monkeypatch
        self.url = url

    def __call__(self, line: str, *more: str) -> Result:
        where = () if "--gateway" in more else ("--gateway", self.url)
        result = command(*self._fixtures, "cmq", *line.split(), *where, *more)
        assert HIDDEN not in result.stdout + result.stderr
        return result

    def told(self, line: str) -> list[str]:
        """What a verb that succeeds says."""
        result = self(line)
        assert (result.status, result.stderr) == (0, ""), line
        return result.stdout.splitlines()

    def refused(self, line: str) -> str:
        """What the gateway says against it."""
        result = self(line)
        assert (result.status, result.stdout) == (1, ""), line
        assert result.stderr.count("\n") == 1
        return result.stderr.rstrip("\n")


@pytest.fixture(autouse=True)
def configured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KEY", HIDDEN)
    write_keys(KEYS)


def write_keys(keys: dict[str, Any]) -> None:
    Path("batch-events.yaml").write_text(yaml.safe_dump(tree(gateway={"keys": keys}), sort_keys=False))


@pytest.fixture
def cmq(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    with memory_gateway(*SPECS) as url:
        yield Shell(capsys, monkeypatch, url)


def facts(lines: list[str]) -> dict[str, str]:
    return dict(re.split(r" {2,}", line, maxsplit=1) for line in lines)


def test_a_queue_is_made_changed_shown_and_deleted(cmq: Shell) -> None:
    assert cmq.told("queues list") == ["0 queues"]
    (line,) = cmq.told("queues create Orders --visibility-timeout 60 --rewind-seconds 3600")
    assert re.fullmatch(r"queue Orders created, id \S+", line)
    told = facts(cmq.told("queues show orders"))
    assert told["queueName"] == "Orders"
    assert (told["visibilityTimeout"], told["rewindSeconds"], told["pollingWaitSeconds"]) == ("60", "3600", "0")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", told["createTime"])
    assert told["minMsgTime"] == "-"
    assert not {"code", "message", "requestId", "rewindmsgNum"} & set(told)
    changed = cmq.told("queues set Orders --polling-wait-seconds 5 --max-msg-size 2048")
    assert changed == ["queue Orders changed: pollingWaitSeconds 5, maxMsgSize 2048"]
    assert facts(cmq.told("queues show Orders"))["maxMsgSize"] == "2048"
    assert cmq.told("queues delete Orders") == ["queue Orders deleted, with its messages"]
    assert cmq.told("queues list") == ["0 queues"]


def test_more_queues_than_a_page_are_listed_in_columns(cmq: Shell) -> None:
    client = CmqClient(place_of(gateway_settings(), cmq.url), SPECS)
    for number in range(101):
        client.call("CreateQueue", queueName=f"q{number}")
    client.close()
    lines = cmq.told("queues list")
    assert (len(lines), lines[-1]) == (103, "101 queues")
    assert {line.index(line.split()[1]) for line in lines[:-1]} == {len("q100") + 2}
    assert sorted(line.split()[0] for line in lines[1:-1]) == sorted(f"q{number}" for number in range(101))
    assert [line.split()[0] for line in cmq.told("queues list q100")] == ["NAME", "q100", "1"]


def test_a_list_tells_how_many_messages_there_are_where_that_is_asked(cmq: Shell) -> None:
    cmq.told("queues create q")
    client = CmqClient(place_of(gateway_settings(), cmq.url), SPECS)
    client.call("SendMessage", queueName="q", msgBody="one")
    client.call("SendMessage", queueName="q", msgBody="late", delaySeconds=60)
    client.close()
    heads, row, total = cmq.told("queues list --counts")
    assert heads.split() == ["NAME", "ACTIVE", "INACTIVE", "DELAYED", "ID"]
    assert row.split()[:4] == ["q", "1", "0", "1"]
    assert total == "1 queue"


def test_a_queue_is_rewound_to_a_time(cmq: Shell) -> None:
    cmq.told("queues create q --rewind-seconds 3600")
    client = CmqClient(place_of(gateway_settings(), cmq.url), SPECS)
    client.call("SendMessage", queueName="q", msgBody="one")
    sent_s = client.call("ReceiveMessage", queueName="q")["enqueueTime"]
    client.close()
    to = datetime.fromtimestamp(sent_s, UTC).isoformat()
    assert cmq.told(f"queues rewind q --to {to}")[0].startswith("queue q rewound")
    assert cmq.refused("queues rewind q --to 1971-01-01T00:00:00Z").startswith("batch-events: 4000, (10680)")


def test_a_topic_is_made_changed_shown_and_deleted(cmq: Shell) -> None:
    assert re.fullmatch(r"topic prices created, id \S+", cmq.told("topics create prices --filter-type binding-keys")[0])
    assert facts(cmq.told("topics show prices"))["filterType"] == "binding-keys"
    assert cmq.told("topics set prices --max-msg-size 4096") == ["topic prices changed: maxMsgSize 4096"]
    assert facts(cmq.told("topics show prices"))["maxMsgSize"] == "4096"
    assert [line.split()[0] for line in cmq.told("topics list ric --counts")] == ["NAME", "prices", "1"]
    assert cmq.told("topics delete prices") == ["topic prices deleted"]
    assert cmq.told("topics list") == ["0 topics"]


def test_a_subscription_is_made_changed_shown_and_deleted(cmq: Shell) -> None:
    cmq.told("topics create t")
    cmq.told("queues create q")
    (line,) = cmq.told("subscriptions create t/s --protocol queue --endpoint q --tag red --tag blue")
    assert re.fullmatch(r"subscription t/s created, id \S+", line)
    told = facts(cmq.told("subscriptions show t/s"))
    assert (told["protocol"], told["endpoint"], told["filterTag"]) == ("queue", "q", "red, blue")
    assert told["bindingKey"] == "-"
    assert not {"protocal", "filterTags", "bindindKey"} & set(told)
    assert cmq.told("subscriptions list t --counts") == [
        "NAME  PROTOCOL  TO DELIVER  ENDPOINT",
        "s     queue     0           q",
        "1 subscription of t",
    ]
    changed = cmq.told("subscriptions set t/s --strategy BACKOFF_RETRY --tag green")
    assert changed == ["subscription t/s changed: notifyStrategy, filterTag"]
    told = facts(cmq.told("subscriptions show t/s"))
    assert (told["notifyStrategy"], told["filterTag"]) == ("BACKOFF_RETRY", "green")
    assert cmq.told("subscriptions clear-tags t/s") == ["subscription t/s gets every message now, whatever its tags"]
    assert facts(cmq.told("subscriptions show t/s"))["filterTag"] == "-"
    assert cmq.refused("topics delete t") == "batch-events: 4000, (10540)topic still has subscriptions"
    assert cmq.told("subscriptions delete t/s") == ["subscription t/s deleted"]
    assert cmq.told("subscriptions list t") == ["0 subscriptions of t"]


def test_a_subscription_of_binding_keys_and_an_endpoint_is_made(cmq: Shell) -> None:
    cmq.told("topics create t --filter-type binding-keys")
    made = "subscriptions create t/s --protocol http --endpoint https://example.com/in --format SIMPLIFIED"
    assert cmq.refused(made) == "batch-events: 4000, (10710)bindingKey is missing"
    cmq.told(f"{made} --binding-key eu.# --binding-key us.*")
    told = facts(cmq.told("subscriptions show t/s"))
    assert (told["endpoint"], told["notifyContentFormat"]) == ("https://example.com/in", "SIMPLIFIED")
    assert told["bindingKey"] == "eu.#, us.*"


def test_a_dead_letter_queue_is_said_when_a_queue_is_made(cmq: Shell) -> None:
    cmq.told("queues create dead")
    assert cmq.refused("queues create q --dead-letter-queue gone --max-receive-count 3").endswith(
        "4440, (10100)queue does not exist"
    )
    assert cmq.refused("queues create q --dead-letter-queue dead").startswith("batch-events: 4000, (10010)")
    cmq.told("queues create q --dead-letter-queue dead --max-receive-count 3 --max-time-to-live 300")


@pytest.mark.parametrize(
    ("line", "refusal"),
    [
        ("queues show gone", "4440, (10100)queue does not exist"),
        ("queues delete gone", "4440, (10100)queue does not exist"),
        (
            "queues create 9",
            "4000, (10020)queueName must begin with a letter and hold only letters, digits, '-' and '_'",
        ),
        ("queues create q --visibility-timeout 0", "4000, (10110)visibilityTimeout must be from 1 to 43200"),
        ("topics show gone", "4440, (10600)topic does not exist"),
        ("subscriptions list gone", "4440, (10600)topic does not exist"),
    ],
)
def test_a_refusal_is_one_line_with_code_and_message_and_status_1(line: str, refusal: str, cmq: Shell) -> None:
    assert cmq.refused(line) == f"batch-events: {refusal}"


@pytest.mark.parametrize("line", ["queues set q", "subscriptions set t/s"])
def test_a_change_of_nothing_is_wrong_usage(line: str, cmq: Shell) -> None:
    result = cmq(line)
    assert result.status == 2
    assert result.stderr.startswith("usage: batch-events cmq")
    assert result.stderr.endswith("set: what? One option at least\n")


def test_the_first_key_that_may_is_taken_unless_one_is_named(cmq: Shell) -> None:
    cmq.told("queues create q")  # which AKIDreader, the first one, may not
    result = cmq("queues create p", "--secret-id", READER)
    assert (result.status, result.stderr) == (1, "batch-events: 4000, (10461)no permission\n")
    result = cmq("queues list", "--secret-id", "AKIDother")
    assert (result.status, result.stderr) == (2, "--secret-id: 'AKIDother' is none of gateway.keys\n")


def test_where_no_key_may_the_gateway_is_the_one_that_says_so(cmq: Shell) -> None:
    write_keys({READER: KEYS[READER], "AKIDother": {"secret": "${KEY}"} | {"enabled": False}})
    assert cmq.refused("queues create p") == "batch-events: 4000, (10461)no permission"


def test_a_key_that_may_name_but_one_queue_is_taken_for_that_queue_alone(cmq: Shell) -> None:
    write_keys({"AKIDother": {"secret": "${KEY}", "names": "mine-*"}, ADMIN: {"secret": "${KEY}"}})
    assert cmq.refused("queues create mine-1") == "batch-events: 4100, (10270)SecretId is unknown"
    assert cmq.told("queues create other")
    assert cmq.told("queues list") != ["0 queues"]


def test_a_gateway_that_does_not_answer_is_one_line_and_status_2(cmq: Shell) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        result = cmq("queues list", "--gateway", url)
    assert result.status == 2
    assert result.stderr == f"batch-events: no gateway answers at {url}: Connection refused\n"


def test_who_answers_and_is_no_gateway_is_one_line_and_status_2(cmq: Shell) -> None:
    server = HealthServer("127.0.0.1:0", Health(), CollectorRegistry())
    server.start()
    url = f"http://127.0.0.1:{server.port}"
    result = cmq("queues list", "--gateway", url)
    server.close()
    assert result.status == 2
    assert re.fullmatch(
        rf"batch-events: {url} is no CMQ gateway: it answers with status \d+ and no code\n", result.stderr
    )


def test_the_default_is_where_the_gateway_listens(cmq: Shell) -> None:
    listen = cmq.url.removeprefix("http://")
    Path("batch-events.yaml").write_text(yaml.safe_dump(tree(gateway={"keys": KEYS, "listen": listen})))
    result = command(*cmq._fixtures, "cmq", "queues", "list")
    assert (result.status, result.stdout) == (0, "0 queues\n")


@pytest.mark.parametrize(
    "url", ["127.0.0.1:8090", "ftp://a", "http://a/other", "http://", "http://a:b@c", "http://a:x"]
)
def test_an_address_that_is_none_is_status_2(url: str, cmq: Shell) -> None:
    result = cmq("queues list", "--gateway", url)
    assert result.status == 2
    assert result.stderr.startswith(f"--gateway: {url!r}: ")


def test_without_a_gateway_in_the_configuration_there_are_no_keys(cmq: Shell) -> None:
    Path("batch-events.yaml").write_text(yaml.safe_dump(tree()))
    result = cmq("queues list")
    assert (result.status, result.stderr.partition(":")[0]) == (2, "gateway")


def gateway_settings(**more: Any) -> GatewaySettings:
    return GatewaySettings.model_validate({"keys": {ADMIN: HIDDEN}, **more})


def test_what_listens_everywhere_is_called_on_this_machine() -> None:
    for listen, url in (
        ("0.0.0.0:8090", "http://127.0.0.1:8090"),
        ("[::]:8090", "http://[::1]:8090"),
        ("10.1.2.3:80", "http://10.1.2.3:80"),
        ("localhost:8090", "http://localhost:8090"),
    ):
        assert place_of(gateway_settings(listen=listen), None).url == url


def test_a_gateway_with_hosts_of_its_own_is_asked_by_the_first_of_them() -> None:
    settings = gateway_settings(hosts=["*", "cmq.example.com"])
    assert place_of(settings, None) == Place("http://127.0.0.1:8090", "http", "127.0.0.1", 8090, "cmq.example.com")
    assert place_of(settings, "https://other").host == "other"


def test_every_action_that_manages_has_a_verb_and_no_other_action_is_called() -> None:
    called = set()
    for module in (queues, topics, subscriptions):
        text = inspect.getsource(module)
        called |= {name for name in re.findall(r'"([A-Z]\w+)"', text) if name.lower() in ACTIONS}
    messages = {"SendMessage", "ReceiveMessage", "DeleteMessage", "PublishMessage"}
    messages |= {f"Batch{name}" for name in messages}
    assert called == {action.name for action in ACTIONS.values()} - messages


def test_every_attribute_of_a_queue_has_an_option() -> None:
    options = {queues.option(parameter) for parameter in SETTINGS}
    assert "--visibility-timeout" in options
    assert len(options) == len(SETTINGS)
