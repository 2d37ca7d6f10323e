"""How many file descriptors a configuration can ask for, and what is said where there are fewer."""

import logging
import resource
from collections.abc import Iterator

import pytest

from adapters import descriptor_limit
from adapters.descriptor_limit import OWN, DescriptorCheck, need, raise_limit
from pipeline.subscription import HttpPolicy, Protocol, Subscription


def http(concurrency: int) -> Subscription:
    return Subscription("t", f"s{concurrency}", Protocol.HTTP, http=HttpPolicy("https://x", concurrency=concurrency))


QUEUE = Subscription("t", "q", Protocol.QUEUE, queue_name="q")


@pytest.fixture
def limits() -> Iterator[tuple[int, int]]:
    """The soft and the hard limit, and both again afterwards."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield before
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_callbacks_and_kafkas_clients_ask_for_the_most() -> None:
    assert need([http(64), http(100), QUEUE], brokers=3) == (164, 3 * 5 * (4 + 4 + 4 + 2), OWN)

    traced = Subscription("t", "s", Protocol.HTTP, http=HttpPolicy("https://x", concurrency=1, trace=True))
    assert need([traced, traced], brokers=3).kafka == 3 * 5 * (4 + 1 + 4 + 4), "one producer for the traces of all"


def test_the_soft_limit_is_raised_to_the_hard_one(limits: tuple[int, int]) -> None:
    hard = limits[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard // 2, hard))
    assert raise_limit() == hard
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == (hard, hard)


def test_a_limit_that_cannot_be_raised_is_kept(limits: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    soft = limits[1] // 2
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, limits[1]))

    def refuse(*_: object) -> None:
        raise ValueError("current limit exceeds maximum limit")

    with monkeypatch.context() as patch:
        patch.setattr(resource, "setrlimit", refuse)
        assert raise_limit() == soft


def said(caplog: pytest.LogCaptureFixture, check: DescriptorCheck, *brokers: int) -> list[dict[str, object]]:
    caplog.set_level(logging.WARNING)
    for count in brokers:
        check.at(count)
    return [vars(record) for record in caplog.records if record.getMessage() == "file_descriptors_short"]


def test_too_few_are_a_warning_with_the_figures_once(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(descriptor_limit, "limit", lambda: 1_024)
    (line,) = said(caplog, DescriptorCheck([http(1_000), QUEUE]), 3, 3)
    told = {name: line[name] for name in ("limit", "needed", "brokers", "callbacks", "kafka", "own")}
    kafka = 3 * 5 * (4 + 4 + 2)
    assert told == {
        "limit": 1_024,
        "needed": 1_000 + kafka + OWN,
        "brokers": 3,
        "callbacks": 1_000,
        "kafka": kafka,
        "own": OWN,
    }
    assert "raise the hard limit" in str(line["advice"])


def test_enough_are_no_news(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(descriptor_limit, "limit", lambda: 1_048_576)
    assert said(caplog, DescriptorCheck([http(10_000)] * 20), 30) == []
