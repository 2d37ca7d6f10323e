"""Calls of the registry's writer that were left behind, and come back."""

import threading

import pytest

from adapters.gateway.registry import registry_log
from adapters.gateway.registry.registry_log import RegistryLog
from pipeline.cluster import Cluster

LIMIT_S = 10.0


class StuckProducer:
    """The first one is stuck when it initialises its transactions."""

    made: list["StuckProducer"]
    at_gate: threading.Event
    go: threading.Event

    def __init__(self, _config: object) -> None:
        self.committed = 0
        self.made.append(self)

    def init_transactions(self, _timeout_s: float) -> None:
        self.at_gate.set()
        if self is self.made[0]:
            assert self.go.wait(LIMIT_S)

    def begin_transaction(self) -> None:
        """It always may."""

    def produce(self, *_: object) -> None:
        """It is always taken."""

    def commit_transaction(self, _timeout_s: float) -> None:
        self.committed += 1

    def close(self) -> None:
        """Nothing is open."""


def test_an_opening_that_was_left_behind_does_not_become_the_writer(monkeypatch: pytest.MonkeyPatch) -> None:
    """It has shut out whoever wrote since, and what that one wrote was not read for it."""
    monkeypatch.setattr(StuckProducer, "made", [], raising=False)
    for gate in ("at_gate", "go"):
        monkeypatch.setattr(StuckProducer, gate, threading.Event(), raising=False)
    monkeypatch.setattr(registry_log, "Producer", StuckProducer)
    log = RegistryLog(Cluster({"bootstrap.servers": "localhost:1"}))
    behind = threading.Thread(target=log.open)
    behind.start()
    assert StuckProducer.at_gate.wait(LIMIT_S)
    log.open()
    StuckProducer.go.set()
    behind.join(LIMIT_S)
    log.append([(b"key", b"value")])
    assert [one.committed for one in StuckProducer.made] == [0, 1]
