"""What an input tells of itself: ages that grow by themselves, and counts of what happened."""

from prometheus_client import CollectorRegistry

from adapters.memory import ManualClock
from pipeline.figures import Figures, Standing
from pipeline.metrics import Metrics

EPOCH_MS = 1_700_000_000_000
LABEL = "job-message/billing"


class Rig:
    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.clock = ManualClock(EPOCH_MS)
        self.metrics = Metrics(self.registry)
        self.figures = self.input()

    def input(self) -> Figures:
        return Figures(self.metrics, LABEL, self.clock)

    def told(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(f"batch_events_{name}", {"subscription": LABEL, **labels})


def test_nothing_that_waits_is_no_age_and_what_waits_ages_between_two_looks() -> None:
    rig = Rig()
    assert rig.told("oldest_undelivered_seconds") == 0
    rig.figures.standing = Standing(1, 1, EPOCH_MS - 3_000)
    assert rig.told("oldest_undelivered_seconds") == 3
    rig.clock.advance(2)
    assert rig.told("oldest_undelivered_seconds") == 5


def test_what_waits_has_an_age_even_where_clocks_disagree() -> None:
    rig = Rig()
    rig.figures.standing = Standing(1, 1, EPOCH_MS + 60_000)
    assert rig.told("oldest_undelivered_seconds") == 0.001


def test_of_two_inputs_lags_are_added_and_the_older_age_counts() -> None:
    rig = Rig()
    rig.figures.standing = Standing(3, 2, EPOCH_MS - 1_000, EPOCH_MS - 20_000, 4, 3, 5)
    rig.input().standing = Standing(10, 7, EPOCH_MS - 9_000, EPOCH_MS - 5_000, 2, 2, 1)
    told = [rig.told(name) for name in ("lag", "outstanding", "held_keys", "held_keys_fullest_partition", "ledger_gap")]
    assert told == [13, 9, 6, 3, 6]
    assert rig.told("oldest_undelivered_seconds") == 20
    assert rig.told("oldest_unsettled_seconds") == 9


def test_a_commit_ages_from_when_there_was_something_to_commit_to_its_acknowledgement() -> None:
    rig = Rig()
    rig.clock.advance(100)
    assert rig.told("commit_age_seconds") == 0
    rig.figures.to_commit(there_is=True)
    rig.clock.advance(3)
    rig.figures.to_commit(there_is=True)
    assert rig.told("commit_age_seconds") == 3
    rig.figures.committed()
    assert rig.told("commit_age_seconds") == 0
    rig.figures.to_commit(there_is=True)
    rig.clock.advance(2)
    assert rig.told("commit_age_seconds") == 2
    rig.figures.to_commit(there_is=False)
    assert rig.told("commit_age_seconds") == 0


def test_a_batch_in_hand_waits_through_failed_transactions_and_restarts_until_one_is_committed() -> None:
    rig = Rig()
    rig.figures.takes_in_hand(5, EPOCH_MS - 1_000)
    rig.clock.advance(4)
    rig.figures.transaction("aborted")
    with rig.figures.restarting():
        rig.figures.in_hand = None
        rig.figures.moved("lost", {0})
        rig.figures.moved("assigned", {0})
    assert (rig.told("oldest_undelivered_seconds"), rig.told("commit_age_seconds")) == (5, 4)
    rig.figures.takes_in_hand(3, EPOCH_MS - 1_000)
    rig.clock.advance(1)
    assert (rig.told("outstanding"), rig.told("commit_age_seconds")) == (3, 5)
    rig.figures.transaction("committed")
    told = [rig.told(name) for name in ("oldest_undelivered_seconds", "commit_age_seconds", "outstanding")]
    assert told == [0, 0, 0]
    assert rig.told("transactions_total", verdict="aborted") == rig.told("transactions_total", verdict="committed") == 1
    assert rig.told("rebalances_total", change="lost") == rig.told("rebalances_total", change="assigned") == 0


def test_partitions_that_come_or_go_are_counted_and_an_empty_change_is_none() -> None:
    rig = Rig()
    rig.figures.moved("assigned", {0, 1})
    rig.figures.moved("assigned", {})
    rig.figures.moved("revoked", {1})
    rig.figures.moved("lost", {0})
    assert [rig.told("rebalances_total", change=change) for change in ("assigned", "revoked", "lost")] == [1, 1, 1]


def test_turns_are_timed() -> None:
    rig = Rig()
    for seconds in (0.0, 0.05, 3.0):
        rig.clock.advance(seconds)
        rig.figures.turned()
    assert rig.told("loop_turn_seconds_count") == 2
    assert rig.told("loop_turn_seconds_bucket", le="0.1") == 1
    assert rig.told("loop_turn_seconds_bucket", le="5.0") == 2
