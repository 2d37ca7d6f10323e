"""Log lines: each is one line, each JSON line parses, and nothing that is logged can stop the process."""

import io
import json
import logging
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.logs import LineWriter, json_line, text_line

AT = "2026-01-02T03:04:05.678Z"

ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.binary()
    | st.characters(categories=["Cs"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
NAMES = st.text("abcdefgh_", min_size=1).filter(lambda name: name not in {"time", "level", "event"})


@given(st.text() | st.characters(categories=["Cs"]), st.dictionaries(NAMES, ANYTHING, max_size=4))
def test_a_json_line_parses_whatever_it_holds(event: str, fields: dict[str, Any]) -> None:
    line = json_line(AT, "INFO", event, fields)
    assert "\n" not in line
    parsed = json.loads(line)
    assert list(parsed) == ["time", "level", "event", *fields]
    assert (parsed["time"], parsed["level"]) == (AT, "INFO")


@given(st.text(), st.dictionaries(NAMES, st.text() | st.characters(categories=["Cs"]), max_size=4))
def test_a_text_line_is_one_line_whatever_it_holds(event: str, fields: dict[str, Any]) -> None:
    line = text_line(AT, "INFO", event, fields)
    assert line.isprintable()
    assert line.startswith(f"{AT} INFO ")


def test_a_text_line_shows_name_and_value_and_leaves_out_what_is_not_there() -> None:
    line = text_line(AT, "INFO", "delivery_attempted", {"status": 503, "reason": None, "text": "程序\n退出"})
    assert line == f"{AT} INFO    delivery_attempted status=503 text=程序\\n退出"


class Stream(io.StringIO):
    def __init__(self, *, broken: bool = False) -> None:
        super().__init__()
        self.broken = broken

    def write(self, text: str) -> int:
        if self.broken:
            raise BrokenPipeError
        return super().write(text)


def logger_of(writer: LineWriter) -> logging.Logger:
    logger = logging.getLogger("batch-events-test-of-logs")
    logger.propagate = False
    logger.handlers[:] = [writer]
    return logger


def test_a_record_has_time_level_event_and_its_fields_in_their_order() -> None:
    stream = Stream()
    logger_of(LineWriter("json", stream)).warning("not_ready", extra={"subscription": "a/b", "reason": "x", "count": 3})
    parsed = json.loads(stream.getvalue())
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", parsed.pop("time"))
    assert list(parsed.items()) == [
        ("level", "WARNING"), ("event", "not_ready"), ("subscription", "a/b"), ("reason", "x"), ("count", 3)
    ]  # fmt: skip


@pytest.mark.parametrize("log_format", ["json", "text"])
def test_an_exception_is_told_with_its_traceback(log_format: str) -> None:
    stream = Stream()
    error = RuntimeError("a bug")
    logger_of(LineWriter(log_format, stream)).error("failed", exc_info=error, extra={"part": "x"})
    text = stream.getvalue()
    if log_format == "json":
        parsed = json.loads(text)
        assert parsed["exception"].splitlines()[-1] == "RuntimeError: a bug"
    else:
        first, *traceback = text.splitlines()
        assert first.endswith("failed part=x")
        assert traceback[-1] == "RuntimeError: a bug"


def test_many_lines_are_written_at_once() -> None:
    stream = Stream()
    LineWriter("json", stream).write_many("delivery_attempted", ({"offset": number} for number in range(3)))
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [line["offset"] for line in lines] == [0, 1, 2]
    assert len({line["time"] for line in lines}) == 1


def test_a_log_that_nobody_reads_any_more_stops_nothing() -> None:
    broken, closed = Stream(broken=True), Stream()
    closed.close()
    for stream in (broken, closed):
        writer = LineWriter("text", stream)
        logger_of(writer).error("x")
        writer.write_many("delivery_attempted", [{"offset": 1}])


def test_the_messages_of_libraries_are_lines_like_ours() -> None:
    stream = Stream()
    logger_of(LineWriter("json", stream)).error("FAIL [%s]: Connect\nfailed", "rdkafka#producer-1")
    assert json.loads(stream.getvalue())["event"] == "FAIL [rdkafka#producer-1]: Connect\nfailed"
