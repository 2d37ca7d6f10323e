"""May this process still believe that its partitions are its own?"""

import pytest

from pipeline.commit_gate import COMMIT_EVERY_AT_MOST_S, CommitGate


def test_it_is_shut_before_anything_was_acknowledged() -> None:
    assert not CommitGate(45.0, 3.0).is_open(0.0)


def test_a_commit_counts_from_when_it_was_sent_for_a_session_less_one_heartbeat() -> None:
    gate = CommitGate(45.0, 3.0)
    gate.renewed(100.0)
    assert gate.is_open(141.999)
    assert not gate.is_open(142.0)


def test_an_older_acknowledgement_that_comes_late_does_not_shorten_it() -> None:
    gate = CommitGate(45.0, 3.0)
    gate.renewed(100.0)
    gate.renewed(60.0)
    assert gate.is_open(141.0)


def test_shut_it_opens_again_with_the_next_acknowledgement() -> None:
    gate = CommitGate(45.0, 3.0)
    gate.renewed(0.0)
    assert not gate.is_open(50.0)
    gate.renewed(49.0)
    assert gate.is_open(50.0)


@pytest.mark.parametrize(("session_s", "every_s"), [(45.0, COMMIT_EVERY_AT_MOST_S), (6.0, 1.5), (20.0, 5.0)])
def test_commits_go_out_at_least_four_times_a_session(session_s: float, every_s: float) -> None:
    gate = CommitGate(session_s, 0.5)
    assert gate.renew_every_s == every_s
    assert gate.fault is None


@pytest.mark.parametrize(("session_s", "heartbeat_s"), [(6.0, 3.1), (45.0, 40.0), (1.0, 1.0)])
def test_times_that_would_hold_up_attempts_are_refused(session_s: float, heartbeat_s: float) -> None:
    fault = CommitGate(session_s, heartbeat_s).fault
    assert fault is not None
    assert "below twice" in fault
