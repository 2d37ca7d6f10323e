"""The fault suite's oracle sees each fault that it is there for, and nothing in what the promises allow."""

import base64
import json
from collections.abc import Callable, Sequence
from itertools import count

import pytest

from tests.harness.books import Counts, Where, count_http, count_queue
from tests.harness.group_state import Committed, DurableState
from tests.harness.kafka import Read
from tests.harness.oracle import Message
from tests.harness.sink import Request

PLACES: dict[str, Where] = {str(number): (0, number, b"job-a" if number < 3 else b"job-b") for number in range(4)}
"""Three events of one job, then one of another; msgIds are their numbers, which are their offsets too."""


def message(number: int) -> Message:
    return {"Events": [{"EventName": f"E{number}", "Batch": {"JobId": "job-a" if number < 3 else "job-b"}}]}


SENT = [message(number) for number in range(4)]


def encoded(number: int) -> bytes:
    return base64.b64encode(json.dumps(message(number)).encode())


def letter(number: int) -> Read:
    return Read(0, 0, None, None, {"dl_source_partition": b"0", "dl_source_offset": b"%d" % number})


def pushes(*attempts: tuple[int, int]) -> list[Request]:
    """One after the other, each with its status."""
    moments = count(1)
    requests = []
    for number, status in attempts:
        body = json.dumps({"msgBody": encoded(number).decode()}).encode()
        one = Request("/", {"x-cmq-message-id": str(number)}, body, next(moments), 1)
        one.status, one.ended = status, next(moments)
        requests.append(one)
    return requests


def judged(
    requests: Sequence[Request], letters: Sequence[Read] = (), faults: Sequence[DurableState] = (), odd: int = 0
) -> Counts:
    return count_http(SENT, requests, letters, faults, PLACES, set(), redriven=False, odd=odd)


def faults_of(counts: Counts) -> set[str]:
    return {name for name in counts._fields[:7] if getattr(counts, name)}


ALL = ((0, 200), (1, 200), (2, 200), (3, 200))
NOTHING_SETTLED = DurableState({}, {})
ALL_SETTLED = DurableState({0: Committed(4, ())}, {})


def test_all_once_and_in_order_is_no_fault_nor_are_attempts_that_failed() -> None:
    assert faults_of(judged(pushes(*ALL))) == set()
    assert faults_of(judged(pushes((0, 503), (3, 200), (0, 200), (1, 200), (2, 503), (2, 200)))) == set()
    assert faults_of(judged(pushes((0, 500), (0, 500), *ALL[1:]), [letter(0)])) == set()


def test_again_after_a_fault_is_what_was_in_flight_there_and_nothing_else() -> None:
    again = pushes(*ALL, (2, 200))
    assert faults_of(judged(again, faults=[NOTHING_SETTLED])) == set()
    assert judged(again, faults=[NOTHING_SETTLED]).repeats == 1
    assert faults_of(judged(again, faults=[ALL_SETTLED])) == {"excess"}
    assert faults_of(judged(again)) == {"excess"}


@pytest.mark.parametrize(
    ("fault", "counts"),
    [
        ("lost", lambda: judged(pushes(*ALL[:3]))),
        ("lost", lambda: judged(pushes(*ALL[:3]), [letter(9)], odd=1)),
        ("lost", lambda: judged(pushes(*ALL[:3]), [letter(0)])),
        ("letters_twice", lambda: judged(pushes(*ALL[:3], (3, 500)), [letter(3), letter(3)])),
    ],
)
def test_what_is_missing_or_too_much_is_seen(fault: str, counts: Callable[[], Counts]) -> None:
    assert faults_of(counts()) == {fault}


def test_order_is_judged_by_first_acceptances_and_first_attempts() -> None:
    assert faults_of(judged(pushes((1, 200), (0, 200), *ALL[2:]))) == {"out_of_order", "overtaken"}
    assert faults_of(judged(pushes((0, 503), (1, 503), (0, 200), *ALL[1:]))) == {"overtaken"}


def test_two_of_a_key_at_a_time_are_seen() -> None:
    requests = pushes(*ALL)
    requests[0].ended = requests[1].arrived + 1
    assert faults_of(judged(requests)) == {"overtaken", "overlap"}


def test_what_nobody_sent_is_seen() -> None:
    assert faults_of(count_http(SENT[:3], pushes(*ALL), [], [], PLACES, set(), redriven=False)) == {"unknown"}


def in_queue(*numbers: int) -> list[Read]:
    return [Read(0, offset, None, encoded(number), {}) for offset, number in enumerate(numbers)]


@pytest.mark.parametrize(
    ("faults", "records", "letters", "odd"),
    [
        (set(), (3, 0, 1, 2), [], 0),
        (set(), (0, 1, 3), [letter(2)], 0),
        ({"lost"}, (0, 1, 3), [], 0),
        ({"lost"}, (0, 1, 3), [letter(9)], 1),
        ({"excess"}, (0, 1, 2, 3, 3), [], 0),
        ({"out_of_order"}, (1, 0, 2, 3), [], 0),
    ],
)
def test_a_queue_has_all_of_them_once_and_in_order(
    faults: set[str], records: Sequence[int], letters: Sequence[Read], odd: int
) -> None:
    assert faults_of(count_queue(SENT, in_queue(*records), letters, odd=odd)) == faults
