"""Two processes of one group, failures, crashes and rebalances in any order: nothing is lost, nothing early or twice.

The same promises are tested on a real broker; here the interleavings are drawn, thousands of them in a minute.
"""

from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import run_state_machine_as_test

from tests.unit.pipeline.group_machine import GroupMachine, small_bounds, walk


def test_any_interleaving_of_failures_crashes_rebalances_and_time_loses_nothing_and_repeats_nothing_settled() -> None:
    with small_bounds():
        run_state_machine_as_test(
            GroupMachine, settings=settings(max_examples=60, stateful_step_count=60, deadline=None)
        )


@settings(max_examples=250, phases=[Phase.generate], deadline=None)
@given(st.integers(0, 2**32))
def test_nor_does_a_long_life_of_them(seed: int) -> None:
    with small_bounds():
        walk(seed, steps=120)
