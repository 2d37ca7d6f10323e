"""The least rights as the command prints them, and as the document says."""

import re
import shlex
from pathlib import Path

import pytest

from adapters.access import Kind, Operation, Part, Right, rights_of
from tests.access.document import DOCUMENT, blocks
from tests.harness.command import Result
from tests.unit.adapters.configurations import HTTP, QUEUE, load, tree
from tests.unit.adapters.in_process import command

SERVERS = 'kafka: {bootstrap.servers: "localhost:9092"}\n'


@pytest.fixture
def acls(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> "Acls":
    monkeypatch.chdir(tmp_path)
    return Acls(capsys, monkeypatch)


class Acls:
    def __init__(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self._fixtures = capsys, monkeypatch

    def __call__(self, *args: str) -> Result:
        return command(*self._fixtures, "acls", *args)


def test_the_documents_example_is_what_the_command_says(acls: Acls, tmp_path: Path) -> None:
    subscriptions, printed = blocks("Least rights")
    (tmp_path / "batch-events.yaml").write_text(SERVERS + subscriptions)
    assert acls().stdout == printed


def test_the_document_tells_every_part() -> None:
    told = re.findall(r"^\| `([\w-]+)` \|", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE)
    assert told == list(Part)


def test_each_right_is_listed_once(tmp_path: Path) -> None:
    settings = load(tmp_path, tree(QUEUE, HTTP, HTTP | {"name": "audit"}))
    for part in Part:
        rights = rights_of(part, settings)
        assert len(rights) == len(set(rights))


def test_without_a_prefix_a_publisher_may_write_everywhere(tmp_path: Path) -> None:
    assert rights_of(Part.PUBLISH, load(tmp_path, tree(topics={"prefix": "x."}))) == [
        Right(Kind.TOPIC, "x.", Operation.WRITE, prefixed=True)
    ]
    assert rights_of(Part.PUBLISH, load(tmp_path, tree(topics={"prefix": ""}))) == [
        Right(Kind.TOPIC, "*", Operation.WRITE)
    ]


def test_without_a_prefix_the_gateway_may_make_and_delete_whatever_topics_its_clients_name(tmp_path: Path) -> None:
    rights = rights_of(Part.GATEWAY, load(tmp_path, tree(topics={"prefix": ""})))
    assert {right.operation for right in rights if (right.name, right.prefixed) == ("*", False)} == {
        Operation.CREATE,
        Operation.READ,
        Operation.WRITE,
        Operation.DELETE,
    }


def test_with_a_principal_they_are_lines_that_kafka_acls_takes(acls: Acls, tmp_path: Path) -> None:
    load(tmp_path, tree(HTTP))
    lines = acls("run", "--principal", "User:CN=batch events,O=x").stdout.splitlines()
    assert lines[0] == "# run"
    words = [shlex.split(line) for line in lines[1:]]
    assert all(line[line.index("--allow-principal") + 1] == "User:CN=batch events,O=x" for line in words)
    (ids,) = (line for line in words if "--transactional-id" in line)
    assert ids[-4:] == ["--transactional-id", "cmq.job-message.billing.", "--resource-pattern-type", "prefixed"]
    (held,) = (line for line in words if "cmq.job-message.billing.held" in line)
    assert {held[at + 1] for at, word in enumerate(held) if word == "--operation"} == {
        "Read",
        "Write",
        "DescribeConfigs",
    }


def test_a_part_that_there_is_not_is_named_with_those_that_there_are(acls: Acls, tmp_path: Path) -> None:
    load(tmp_path, tree())
    result = acls("deliver")
    assert result.status == 2
    assert "'deliver' is none of publish, run, " in result.stderr
