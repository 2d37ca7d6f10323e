"""`decode` reads every form that a message has on its way, and names what is none of them."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.commands.decode import decode_text
from schemas.avro import AvroEncoder
from schemas.cmq_message import parse_text
from schemas.cmq_push import ContentFormat, PushForm
from schemas.errors import CmqMessageError
from schemas.events import Family
from tests.harness.command import Result
from tests.unit.adapters.in_process import command
from tests.unit.schemas.samples import GUIDE_SAMPLE

SAMPLE: dict[str, Any] = json.loads(GUIDE_SAMPLE)
BASE64 = base64.b64encode(GUIDE_SAMPLE)
(EVENT,) = parse_text(GUIDE_SAMPLE)
JSON_FORM = PushForm(7, "job-message", "billing", ContentFormat.JSON)
REGISTRY_FRAMED = AvroEncoder(dict.fromkeys(Family, 7)).encode(EVENT)


class Decode:
    def __init__(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self._fixtures = capsys, monkeypatch

    def __call__(self, data: bytes, *args: str) -> Result:
        return command(*self._fixtures, "decode", *args, stdin=data)


@pytest.fixture
def decode(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Decode:
    monkeypatch.chdir(tmp_path)
    return Decode(capsys, monkeypatch)


def push(body: bytes) -> dict[str, Any]:
    """A push of the JSON form, decoded."""
    whole: dict[str, Any] = json.loads(JSON_FORM.body("42", body, 1_700_000_000))
    return whole | {"msgBody": SAMPLE}


def push_of_text(text: str) -> dict[str, Any]:
    whole: dict[str, Any] = json.loads(JSON_FORM.body("42", b"", 0))
    return whole | {"msgBody": text}


FORMS = [
    ("Base64", BASE64, SAMPLE),
    ("Base64 with a line end", BASE64 + b"\n", SAMPLE),
    ("Base64, wrapped", base64.encodebytes(GUIDE_SAMPLE), SAMPLE),
    ("the text of a message", GUIDE_SAMPLE, SAMPLE),
    ("the text of a message, over many lines", json.dumps(SAMPLE, indent=2).encode(), SAMPLE),
    ("a push in JSON form, body in Base64", JSON_FORM.body("42", BASE64, 1_700_000_000), push(BASE64)),
    ("a push in JSON form, body plain", JSON_FORM.body("42", GUIDE_SAMPLE, 1_700_000_000), push(GUIDE_SAMPLE)),
    ("a push of free text", JSON_FORM.body("42", "any text: 世界".encode(), 0), push_of_text("any text: 世界")),
    ("an Avro record", AvroEncoder().encode(EVENT), SAMPLE),
    ("a message without an event", b'{"Events":[]}', {"Events": []}),
]


@pytest.mark.parametrize(("data", "decoded"), [form[1:] for form in FORMS], ids=[form[0] for form in FORMS])
def test_every_form_becomes_readable_json(data: bytes, decoded: object, decode: Decode, tmp_path: Path) -> None:
    (tmp_path / "message").write_bytes(data)
    for result in (decode(data), decode(data, "-"), decode(b"", "message")):
        assert (result.status, result.stderr) == (0, "")
        assert json.loads(result.stdout) == decoded
        assert "\n  " in result.stdout


def test_text_beyond_ascii_is_readable(decode: Decode) -> None:
    beyond = SAMPLE["Events"][0] | {"Region": "程序"}
    assert "程序" in decode(json.dumps({"Events": [beyond]}).encode()).stdout


def test_lines_are_decoded_one_by_one_and_a_bad_one_is_named(decode: Decode) -> None:
    result = decode(BASE64 + b"\ngarbage\n\n" + GUIDE_SAMPLE + b"\n")
    assert result.status == 1
    assert result.stdout == 2 * (json.dumps(SAMPLE, indent=2) + "\n")
    assert result.stderr == (
        "-:2: read as Base64: not Base64: Incorrect padding; "
        "read as text: not a CMQ message of Batch events: JSON is malformed: invalid character (byte 0)\n"
    )


NONE_OF_THEM = [
    ("garbage", b"garbage", "-:1: read as Base64: not Base64: "),
    ("no text", b"\xff\xfe\x80", "-:1: read as Base64: not Base64: "),
    (
        "Base64 of something else",
        base64.b64encode(b"hello"),
        "-:1: read as Base64: not a CMQ message of Batch events: ",
    ),
    ("JSON of something else", b'{"Jobs": []}', "-: read as Base64: not Base64: "),
    ("a number", b"5", "-: read as Base64: not Base64: "),
    ("nested without an end", b"[" * 100_000, "-:1: read as Base64: not Base64: "),
    ("nothing", b"", "-: holds nothing to decode\n"),
    ("blanks", b" \n\n", "-: holds nothing to decode\n"),
    ("an Avro record, cut", AvroEncoder().encode(EVENT)[:-3], "-: not a ComputeNodeEvent: "),
    ("an Avro record and more", AvroEncoder().encode(EVENT) + b"x", "-: 1 bytes left over after a ComputeNodeEvent"),
    ("an Avro record of an unknown schema", b"\xc3\x01" + b"a" * 20, "-: unknown schema fingerprint 6161616161616161"),
    (
        "a registry's framing",
        REGISTRY_FRAMED,
        "-: schema id 7 cannot be resolved: schema_registry.url is not configured",
    ),
    ("a registry's framing, cut", b"\x00\x00", "-: neither single-object nor registry framing: begins with 0000"),
]


@pytest.mark.parametrize(("data", "error"), [case[1:] for case in NONE_OF_THEM], ids=[case[0] for case in NONE_OF_THEM])
def test_what_is_none_of_them_is_status_1_with_one_named_error(data: bytes, error: str, decode: Decode) -> None:
    result = decode(data)
    assert result.status == 1
    assert result.stderr.startswith(error)
    assert result.stderr.count("\n") == 1
    assert not result.stdout


def test_a_file_that_cannot_be_read_is_status_2(decode: Decode) -> None:
    result = decode(b"", "nowhere")
    assert (result.status, result.stderr) == (2, "nowhere: cannot be read: No such file or directory\n")


def test_a_named_configuration_with_faults_is_told(decode: Decode, tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("kafka:\n")
    result = decode(REGISTRY_FRAMED, "--config", "bad.yaml")
    assert result.status == 2
    assert result.stderr.startswith("kafka.bootstrap.servers: is missing")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200) | st.text(max_size=100).map(lambda text: text.encode("utf-8", "replace")))
def test_any_bytes_are_a_message_or_one_named_error(data: bytes) -> None:
    try:
        decoded = decode_text(data)
    except CmqMessageError:
        return
    assert "Events" in decoded or "Events" in decoded["msgBody"]
