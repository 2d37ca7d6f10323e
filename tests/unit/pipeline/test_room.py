"""What a process may hold is shared by its HTTP subscriptions, however many there are just now."""

import pytest

from pipeline.ledger import OffsetLedger
from pipeline.room import BATCH, MAX_EVENTS, TOTAL_BYTES, TOTAL_EVENTS, Bounds, Room, share


@pytest.mark.parametrize("subscriptions", [1, 20, 21, 100, 1_000])
def test_bounds_that_are_shared_anew_are_those_that_a_process_of_so_many_begins_with(subscriptions: int) -> None:
    bounds = Bounds()
    bounds.share(subscriptions)
    assert bounds == share(subscriptions)
    bounds.share(1)
    assert bounds == Bounds()


def test_an_input_that_was_full_of_its_former_share_goes_on_within_the_new_one() -> None:
    bounds = Bounds()
    ledger = OffsetLedger()
    room = Room(ledger, bounds)
    ledger.assign(0, 0)
    for offset in range(MAX_EVENTS - BATCH):
        ledger.received(0, offset)
    there = [room.there]
    bounds.share(100)
    there.append(room.there)
    for offset in range(MAX_EVENTS - BATCH):
        ledger.settle(0, ledger.assignment(0) or 0, offset)
    there.append(room.there)
    assert there == [True, False, True], "an empty input may always read"
    assert 0 < room.limit() <= TOTAL_EVENTS // 100
    assert bounds.bytes == TOTAL_BYTES // 100
