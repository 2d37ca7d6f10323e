"""A library that repeats itself is heard once in a while; our own events always."""

import json
import logging
from io import StringIO

import pytest

from adapters.log_repeats import EVERY_S, KEPT, Repeats
from adapters.logs import LineWriter

FAIL = "FAIL [rdkafka#producer-3] [thrd:a:9092/bootstrap]: Connect to ipv4#127.0.0.1:9092 failed (after %dms)"


class Rig:
    def __init__(self) -> None:
        self.now_s = 0.0
        self.stream = StringIO()
        writer = LineWriter("json", self.stream)
        writer.addFilter(Repeats(lambda: self.now_s))
        self.log = logging.getLogger("batch-events-test-of-repeats")
        self.log.propagate = False
        self.log.handlers[:] = [writer]

    @property
    def lines(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.stream.getvalue().splitlines()]


@pytest.fixture
def rig() -> Rig:
    return Rig()


def test_a_text_that_differs_in_numbers_alone_is_written_once(rig: Rig) -> None:
    for milliseconds in range(100):
        rig.log.error(FAIL, milliseconds)
    assert len(rig.lines) == 1


def test_it_is_written_again_after_a_while_with_how_many_were_left_out(rig: Rig) -> None:
    for milliseconds in range(100):
        rig.log.error(FAIL, milliseconds)
    rig.now_s = EVERY_S
    rig.log.error(FAIL, 0)
    first, second = rig.lines
    assert "repeats_left_out" not in first
    assert second["repeats_left_out"] == 99


def test_another_text_is_written(rig: Rig) -> None:
    for reason in ("refused", "reset", "refused"):
        rig.log.error("Connect failed: %s", reason)
    assert [line["event"] for line in rig.lines] == ["Connect failed: refused", "Connect failed: reset"]


def test_our_own_events_are_always_written(rig: Rig) -> None:
    for _ in range(3):
        rig.log.error("not_ready", extra={"reason": "x"})
    assert len(rig.lines) == 3


def test_what_is_remembered_is_bounded(rig: Rig) -> None:
    repeats = rig.log.handlers[0].filters[0]
    assert isinstance(repeats, Repeats)
    for number in range(10 * KEPT):
        rig.log.error("text %s", "x" * number)
    assert len(repeats._said) <= KEPT
