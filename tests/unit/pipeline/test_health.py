"""Live: the loops turned. Ready: they can work."""

import pytest

from pipeline import health
from pipeline.health import Health


def test_a_part_is_live_from_its_beginning_and_ready_once_nothing_keeps_it_from_working() -> None:
    parts = Health()
    vital = parts.vital("job-message/billing")
    assert (parts.not_live(), parts.not_ready()) == ([], ["job-message/billing"])
    vital.trouble(None)
    assert parts.not_ready() == []
    vital.trouble("no broker answers")
    assert parts.not_ready() == ["job-message/billing"]


def test_only_the_parts_in_trouble_are_named_and_their_reasons_are_not() -> None:
    parts = Health()
    good, bad = parts.vital("t/good"), parts.vital("t/bad")
    good.trouble(None)
    bad.trouble("secret reason")
    assert parts.not_ready() == ["t/bad"]


def test_a_loop_that_stands_still_is_neither_live_nor_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    parts = Health()
    parts.vital("t/s").trouble(None)
    monkeypatch.setattr(health, "LIVE_WITHIN_S", 0.0)
    assert (parts.not_live(), parts.not_ready()) == (["t/s"], ["t/s"])


def test_a_turn_makes_it_live_again(monkeypatch: pytest.MonkeyPatch) -> None:
    vital = Health().vital("t/s")
    before_s = vital._turned_s
    monkeypatch.setattr(vital, "_turned_s", before_s - health.LIVE_WITHIN_S)
    assert not vital.live
    vital.turned()
    assert vital.live


def test_a_process_without_parts_is_live_and_ready() -> None:
    assert (Health().not_live(), Health().not_ready()) == ([], [])
