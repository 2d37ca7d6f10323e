"""Log lines: one JSON object, or one readable line, each with named fields.

Shape   setup(format, level); modules log as usual: log.info("partitions_assigned", extra={"subscription": …}).
        LineWriter.write_many writes many lines of one event at once, for what happens once a message
Fields  time (UTC), level, event, then those of `extra` in the order they were given
Conduct a line is one line, whatever the values hold (in text, an exception's traceback follows its line). A line that
        cannot be written is lost: a log that nobody reads any more stops no delivery
"""

import contextlib
import logging
import sys
import threading
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, TextIO

import msgspec

from adapters.log_repeats import Repeats
from adapters.one_line import one_line

EXCEPTION = "exception"

_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}

_TALKATIVE = ("httpx", "httpx2", "httpcore", "httpcore2")
"""Libraries that log every request of theirs at INFO."""

_encode = msgspec.json.Encoder(enc_hook=str).encode


def json_line(time: str, level: str, event: str, fields: dict[str, Any]) -> str:
    """One JSON object."""
    whole = {"time": time, "level": level, "event": event, **fields}
    try:
        return _encode(whole).decode()
    except (ValueError, TypeError, OverflowError, RecursionError):  # a lone surrogate, an integer of 65 bits, …
        return _encode({name: _plain(value) for name, value in whole.items()}).decode()


def text_line(time: str, level: str, event: str, fields: dict[str, Any]) -> str:
    """One line for people."""
    shown = [f"{name}={value}" for name, value in fields.items() if value is not None and name != EXCEPTION]
    line = one_line(" ".join([f"{time} {level:<7} {event}", *shown]))
    return f"{line}\n{fields[EXCEPTION]}" if EXCEPTION in fields else line


def _plain(value: object) -> object:
    """What any encoder takes."""
    if isinstance(value, bool | float) or value is None:
        return value
    return repr(value) if not isinstance(value, str) else value.encode("utf-8", "backslashreplace").decode()


FORMATS = {"json": json_line, "text": text_line}


class LineWriter(logging.Handler):
    """Writes records, and batches of lines, to a stream."""

    def __init__(self, log_format: str, stream: TextIO) -> None:
        super().__init__()
        self._line = FORMATS[log_format]
        self._stream = stream
        self._write_lock = threading.Lock()

    def emit(self, record: logging.LogRecord) -> None:
        """From logging: one record, one line."""
        fields = {name: value for name, value in record.__dict__.items() if name not in _STANDARD}
        if record.exc_info:
            fields[EXCEPTION] = logging.Formatter().formatException(record.exc_info)
        time = _iso(datetime.fromtimestamp(record.created, UTC))
        self._write(self._line(time, record.levelname, record.getMessage(), fields))

    def write_many(self, event: str, all_fields: Iterable[dict[str, Any]]) -> None:
        """Write one INFO line for each, all at once."""
        time = _iso(datetime.now(UTC))
        lines = [self._line(time, "INFO", event, fields) for fields in all_fields]
        self._write("\n".join(lines))

    def _write(self, text: str) -> None:
        # logging's own lock is not held by write_many
        with self._write_lock, contextlib.suppress(OSError, ValueError):  # nobody reads it, or it is closed
            self._stream.write(text + "\n")
            self._stream.flush()


def _iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def setup(log_format: str, level: str, stream: TextIO | None = None) -> LineWriter:
    """Send all logging through one writer."""
    writer = LineWriter(log_format, stream or sys.stderr)
    writer.addFilter(Repeats())
    logging.basicConfig(level=level, handlers=[writer], force=True)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    return writer
