"""An HTTP status, and what it means: the table, row by row."""

import pytest

from pipeline.outcome import Delivered, Failed, Fault, Gone, outcome_of_status


@pytest.mark.parametrize("status", range(200, 300))
def test_every_2xx_is_delivered(status: int) -> None:
    assert outcome_of_status(status, b"ok") == Delivered(status)


def test_410_says_that_there_is_nobody_any_more() -> None:
    assert outcome_of_status(410, b"why", 9.0) == Gone()


@pytest.mark.parametrize("status", sorted({*range(400, 500)} - {408, 410, 429}))
def test_another_4xx_is_the_events_fault(status: int) -> None:
    assert outcome_of_status(status, b"why") == Failed(f"status {status}", status, b"why", fault=Fault.EVENT)


@pytest.mark.parametrize("status", [408, 429, *range(500, 600), *range(300, 400), *range(100, 200), 0, 600, 999])
def test_everything_else_is_the_endpoints(status: int) -> None:
    assert outcome_of_status(status, b"why") == Failed(f"status {status}", status, b"why", fault=Fault.ENDPOINT)


@pytest.mark.parametrize("status", [429, 503, 404])
def test_what_retry_after_asked_for_is_told(status: int) -> None:
    outcome = outcome_of_status(status, b"", 7.0)
    assert isinstance(outcome, Failed)
    assert outcome.retry_after_s == 7.0
