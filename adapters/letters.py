"""A dead letter as a person sees it, and which of them are meant.

Shape   Letter(message, resolve): its parts; LetterFilter: by time, key, event name, reason
"""

import json
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import msgspec
from confluent_kafka import Message

from pipeline.dead_letter import PREFIX
from pipeline.errors import PipelineError
from pipeline.free_text import is_text
from pipeline.log_reader import record_of
from schemas.avro import ResolveId, decode_avro
from schemas.cmq_message import message_text
from schemas.errors import AvroDecodeError


class Letter:
    """One dead letter."""

    def __init__(self, message: Message, resolve: ResolveId) -> None:
        self.where = f"{message.partition()}:{message.offset()}"
        self.key = (message.key() or b"").decode("utf-8", "replace")
        self.time_ms = message.timestamp()[1]
        self.headers = {
            name.removeprefix(PREFIX): value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
            for name, value in dict(message.headers() or []).items()
            if name.startswith(PREFIX)
        }
        self._is_text = is_text(record_of(message))
        self.message = None if self._is_text else _message_of(message, resolve)
        self._value = message.value()

    @property
    def reason(self) -> str:
        """Why it lies here."""
        return self.headers.get("reason", "-")

    @property
    def event_name(self) -> str:
        """The event's name; `-` if the record is none that we can read."""
        return str(self.message["Events"][0]["EventName"]) if self.message else "-"

    def line(self) -> str:
        """One line."""
        attempts = self.headers.get("attempts", "0")
        return f"{self.where}  {self.key or '-'}  {self.event_name}  attempts {attempts}  {self.reason}"

    def whole(self) -> str:
        """Everything, as JSON."""
        partition, _, offset = self.where.partition(":")
        parts: dict[str, Any] = {"partition": int(partition), "offset": int(offset), "key": self.key, **self.headers}
        parts["written"] = datetime.fromtimestamp(self.time_ms / 1000, UTC).isoformat(timespec="milliseconds")
        parts["message"] = self.message
        parts |= self._value_shown()
        shown = {name: value for name, value in parts.items() if value is not None}
        return json.dumps(shown, indent=2, ensure_ascii=False)

    def _value_shown(self) -> dict[str, str]:
        """What is no event, readable where it is a text."""
        if self._value is None or self.message:
            return {}
        if self._is_text:
            with suppress(UnicodeDecodeError):
                return {"text": self._value.decode()}
        return {"value_hex": self._value.hex()}


class LetterFilter(msgspec.Struct, frozen=True):
    """Which dead letters are meant; what is None lets everything through.

    Attributes:
        since_ms, until_ms: when the letter was written, Unix milliseconds; until is exclusive.
        key: the JobId or EnvId.
        event_name: the event's canonical name.
        reason: a part of the reason.
    """

    since_ms: int | None = None
    until_ms: int | None = None
    key: str | None = None
    event_name: str | None = None
    reason: str | None = None

    def takes(self, letter: Letter) -> bool:
        """Whether this letter is meant."""
        return (
            (self.since_ms is None or letter.time_ms >= self.since_ms)
            and (self.until_ms is None or letter.time_ms < self.until_ms)
            and (self.key is None or letter.key == self.key)
            and (self.event_name is None or letter.event_name == self.event_name)
            and (self.reason is None or self.reason in letter.reason)
        )


def _message_of(message: Message, resolve: ResolveId) -> Any:  # noqa: ANN401  JSON
    """The CMQ message, if the record is an event and its schema can be had."""
    try:
        return json.loads(message_text(decode_avro(message.value() or b"", resolve)))
    except (AvroDecodeError, PipelineError):
        return None
