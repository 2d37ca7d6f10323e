"""`batch-events decode`: Base64 text, CMQ message, push body or Avro record to readable JSON."""

import argparse
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from adapters.registry_extra import registry_of
from adapters.settings_faults import SettingsError
from adapters.settings_file import load_settings
from pipeline.stop import ExitStatus
from schemas.avro import REGISTRY_MARKER, SINGLE_OBJECT_MARKER, ResolveId, decode_avro, no_registry
from schemas.cmq_message import message_text, parse_body, parse_text
from schemas.cmq_push import PushMessage
from schemas.errors import CmqMessageError, SchemaError
from schemas.events import BatchEvent

NAME = "decode"
HELP = "Turn Base64 text, a CMQ message, a push body or an Avro record into readable JSON."
EXAMPLES = """\
  batch-events decode message.txt
  echo eyJFdmVudHMiOltdfQ== | batch-events decode
"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """FILE."""
    parser.add_argument(
        "file",
        nargs="?",
        default="-",
        metavar="FILE",
        help="one Avro record, or one message a line; absent or -: stdin",
    )


def run(args: argparse.Namespace) -> ExitStatus:
    """Decode the whole input as one, or else line by line."""
    data = _read(args.file)
    if not data.strip():
        print(f"{args.file}: holds nothing to decode", file=sys.stderr)
        return ExitStatus.INPUT_REFUSED
    if data.startswith((SINGLE_OBJECT_MARKER, REGISTRY_MARKER)):
        resolve = _resolver(args) if data.startswith(REGISTRY_MARKER) else no_registry
        return _show(args.file, data, lambda record: _plain([decode_avro(record, resolve)]))
    if _is_json(data):
        return _show(args.file, data, decode_text)
    joined = b"".join(data.split())  # Base64 that was wrapped
    if _is_base64(joined):
        return _show(args.file, joined, decode_text)
    refused = ExitStatus.FINE
    for number, line in enumerate(data.splitlines(), 1):
        if line.strip() and _show(f"{args.file}:{number}", line.strip(), decode_text):
            refused = ExitStatus.INPUT_REFUSED
    return refused


def _read(path: str) -> bytes:
    if path == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise SettingsError([f"{path}: cannot be read: {error.strerror}"]) from None


def _resolver(args: argparse.Namespace) -> ResolveId:
    """That of the configuration's registry; decoding needs no configuration otherwise."""
    try:
        settings = load_settings(args.config, os.environ)
    except SettingsError:
        if args.config is not None:
            raise
        return no_registry
    registry = registry_of(settings)
    return no_registry if registry is None else registry.resolve


def _is_base64(data: bytes) -> bool:
    try:
        parse_body(data)
    except CmqMessageError:
        return False
    return True


def _is_json(data: bytes) -> bool:
    """One document, which may be spread over lines."""
    try:
        msgspec.json.decode(data)
    except (ValueError, RecursionError):
        return False
    return True


def _show(where: str, data: bytes, decode: Callable[[bytes], Any]) -> ExitStatus:
    try:
        print(json.dumps(decode(data), indent=2, ensure_ascii=False))
    except SchemaError as error:
        print(f"{where}: {error}", file=sys.stderr)
        return ExitStatus.INPUT_REFUSED
    return ExitStatus.FINE


def decode_text(text: bytes) -> Any:  # noqa: ANN401  JSON
    """Decode a push body, a message's text, or its Base64. A push may carry any text: that is shown as it is.

    Raises:
        CmqMessageError: it is none of them.
    """
    try:
        push = msgspec.json.decode(text, type=PushMessage)
    except (ValueError, RecursionError):
        return _plain(_events(text))
    try:
        body = _plain(_events(push.msgBody.encode()))
    except CmqMessageError:
        body = push.msgBody
    return msgspec.to_builtins(push) | {"msgBody": body}


def _events(text: bytes) -> list[BatchEvent]:
    try:
        return parse_body(text)
    except CmqMessageError as as_base64:
        try:
            return parse_text(text)
        except CmqMessageError as as_text:
            raise CmqMessageError(f"read as Base64: {as_base64}; read as text: {as_text}") from None


def _plain(events: list[BatchEvent]) -> Any:  # noqa: ANN401
    texts = [json.loads(message_text(event)) for event in events]
    return {"Events": [element for text in texts for element in text["Events"]]}
