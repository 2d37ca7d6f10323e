"""Reports on their way from the event loop to the consumer thread."""

import threading

from pipeline.inbox import HeldEnded, Inbox, Report, Settled, ToBury, ToHold
from pipeline.ports import DeadLetter
from tests.unit.pipeline.rig import OK, Rig


def test_each_report_is_taken_in_order_and_once() -> None:
    inbox, item = Inbox(), Rig().item("a1")
    letter = DeadLetter(item.record, "exhausted")
    inbox.settled(item)
    inbox.hold(item, 5)
    inbox.bury(item, letter)
    inbox.held_ended(item, OK, None, None)
    assert inbox.take() == [Settled(item), ToHold(item, 5), ToBury(item, letter), HeldEnded(item, OK, None, None)]
    assert inbox.take() == []


def test_without_a_report_it_waits_no_longer_than_it_was_told() -> None:
    inbox = Inbox()
    inbox.settled(Rig().item("a1"))
    inbox.take()
    inbox.wait(0.0, 1)
    assert inbox.take() == []


def test_none_is_lost_between_two_threads() -> None:
    inbox, rig = Inbox(), Rig()
    items = [rig.item(f"a{number}") for number in range(20_000)]

    def put_all() -> None:
        for item in items:
            inbox.settled(item)

    thread = threading.Thread(target=put_all)
    thread.start()
    taken: list[Report] = []
    while len(taken) < len(items):
        inbox.wait(30.0, min(700, len(items) - len(taken)))
        taken += inbox.take()
    thread.join()
    assert [report.item.push.msg_id for report in taken] == [item.push.msg_id for item in items]
