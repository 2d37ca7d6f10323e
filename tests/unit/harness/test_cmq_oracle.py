"""The gateway's oracle sees each fault that it is there for, and nothing in what the promises allow."""

from typing import Any

import msgspec
import pytest

from tests.harness.cmq_oracle import Books, Deleted, Received, Sent, judge

SENT = Sent("q/1", "id")
FIRST = Received("id", "q/1", "h1", 1, asked_s=10.0, answered_s=10.1, next_visible_s=14)
SECOND = Received("id", "q/1", "h2", 2, asked_s=14.2, answered_s=14.3, next_visible_s=18)
GONE = Deleted("id", "h2", asked_s=14.4, answered_s=14.5, code=0)
UNSAID = msgspec.structs.replace(GONE, handle="h1", asked_s=10.2, answered_s=10.3, code=None)


def changed(one: Any, **values: object) -> Any:
    return msgspec.structs.replace(one, **values)


def faults(books: Books) -> set[str]:
    verdict = judge(books)
    return {name for name in verdict._fields[:-1] if getattr(verdict, name)}


@pytest.mark.parametrize(
    "books",
    [
        Books([SENT], [FIRST, SECOND], [GONE]),
        # The answer to a delete was lost: whether it was done or not, nobody can tell.
        Books([SENT], [FIRST], [UNSAID]),
        Books([SENT], [FIRST, SECOND], [UNSAID, GONE]),
        Books([SENT], [FIRST], [UNSAID, changed(UNSAID, asked_s=10.4, answered_s=10.5, code=4430)]),
        # Too late for its handle.
        Books([SENT], [FIRST, SECOND], [changed(GONE, handle="h1", answered_s=14.4, code=4430), GONE]),
        # The answer to its send was lost, and it was sent again.
        Books([Sent("q/1", "id", 1)], [FIRST, changed(FIRST, msg_id="other")], [changed(GONE, handle="h1")]),
        # The receive that had it first was answered last.
        Books([SENT], [changed(FIRST, answered_s=14.6), SECOND], [GONE]),
    ],
)
def test_what_is_promised_is_no_fault(books: Books) -> None:
    assert faults(books) == set()


@pytest.mark.parametrize(
    ("fault", "books"),
    [
        ("came_back", Books([SENT], [FIRST, SECOND, changed(SECOND, count=3, asked_s=18.1, answered_s=18.2)], [GONE])),
        ("lost", Books([SENT], [], [])),
        ("lost", Books([SENT], [FIRST], [changed(GONE, handle="h1", answered_s=14.5, code=4430)])),
        ("held_twice", Books([SENT], [FIRST, changed(SECOND, asked_s=13.0, answered_s=13.9)], [GONE])),
        ("refused", Books([SENT], [FIRST, SECOND], [changed(GONE, code=4430), GONE])),
        ("refused", Books([SENT], [FIRST, SECOND], [changed(GONE, code=4440), GONE])),
        ("counted_wrong", Books([SENT], [FIRST, changed(SECOND, count=1)], [GONE])),
        ("sent_twice", Books([SENT], [FIRST, changed(FIRST, msg_id="other")], [changed(GONE, handle="h1")])),
        ("unknown", Books([], [FIRST], [changed(GONE, handle="h1")])),
    ],
)
def test_each_fault_is_seen(fault: str, books: Books) -> None:
    assert faults(books) == {fault}
