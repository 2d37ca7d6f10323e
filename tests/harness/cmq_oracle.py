"""What a load of CMQ clients has seen, and whether the gateway has kept its promises.

Shape   Books gathers Sent, Received, Deleted; judge(books) -> Verdict, after everything was received to its end
Times   Unix seconds by the clients' clock; a next visible time is rounded down, so a lease never ends before it
Judges  what clients were told alone: an answer that was lost binds nobody, but for what it may have done
"""

from collections import defaultdict
from itertools import pairwise
from typing import NamedTuple

import msgspec

SLACK_S = 0.2
"""By how much a clock may be behind; all of them are the same machine's."""


class Sent(msgspec.Struct, gc=False):
    """A message that a client wanted to send.

    Attributes:
        msg_id: from the answer that said so; empty while there is none.
        lost: how often the answer was lost, or a failure that says nothing, before that.
    """

    number: str
    msg_id: str = ""
    lost: int = 0


class Received(msgspec.Struct, frozen=True, gc=False):
    """A message in an answer."""

    msg_id: str
    number: str
    handle: str
    count: int
    asked_s: float
    answered_s: float
    next_visible_s: int


class Deleted(msgspec.Struct, frozen=True, gc=False):
    """What a delete came to; code None: the answer was lost, or said nothing; handle empty: with the whole queue."""

    msg_id: str
    handle: str
    asked_s: float
    answered_s: float
    code: int | None


class Books(msgspec.Struct, frozen=True):
    """All that was seen."""

    sent: list[Sent]
    received: list[Received]
    deleted: list[Deleted]


class Verdict(NamedTuple):
    """Messages (calls, for `refused`) by what is wrong with them, each with a few words; `again` is no fault.

    Attributes:
        came_back: received after a delete was answered with code 0.
        lost: sent, acknowledged, and never received again although nobody can have deleted it.
        held_twice: received by one while it was another's.
        refused: deletes of a handle in its time.
        counted_wrong: dequeueCount did not grow from receive to receive.
        sent_twice: more often there than its send was asked without an answer.
        unknown: received, and never sent.
        again: sent more than once, which lost answers explain.
    """

    came_back: list[str]
    lost: list[str]
    held_twice: list[str]
    refused: list[str]
    counted_wrong: list[str]
    sent_twice: list[str]
    unknown: list[str]
    again: int

    @property
    def faultless(self) -> bool:
        """Whether every promise was kept."""
        return not any(self[:-1])


def judge(books: Books) -> Verdict:
    """Compare what was seen with what was promised."""
    received: dict[str, list[Received]] = defaultdict(list)
    for one in books.received:
        received[one.msg_id].append(one)
    deletes: dict[str, list[Deleted]] = defaultdict(list)
    for delete in books.deleted:
        deletes[delete.msg_id].append(delete)
    verdict = Verdict([], [], [], _refused(books), [], [], [], 0)
    for msg_id, its in received.items():
        its.sort(key=lambda one: (one.count, one.answered_s))
        _judge_receives(its, deletes[msg_id], verdict)
    for sent in books.sent:
        may_be_gone = any(one.code in {0, None} for one in deletes[sent.msg_id])
        if sent.msg_id and not may_be_gone:
            verdict.lost.append(f"{sent.number} received {len(received[sent.msg_id])} times")
    return verdict._replace(again=_judge_sends(books, verdict))


def _judge_receives(its: list[Received], deletes: list[Deleted], verdict: Verdict) -> None:
    """Of one message, in the order of their counts."""
    gone = min((one for one in deletes if one.code == 0), key=lambda one: one.answered_s, default=None)
    if gone is not None and (late := [one for one in its if _came_back(one, gone, its)]):
        verdict.came_back.append(f"{its[0].number} {late[0].answered_s - gone.answered_s:.3f} s after its delete")
    for before, after in pairwise(its):
        if after.count == before.count or after.answered_s < before.asked_s:
            verdict.counted_wrong.append(f"{after.number} {before.count}, then {after.count}")
        if after.answered_s < before.next_visible_s:
            left_s = before.next_visible_s - after.answered_s
            verdict.held_twice.append(f"{after.number} received {left_s:.3f} s before it was visible")


def _came_back(one: Received, gone: Deleted, its: list[Received]) -> bool:
    """An earlier receive's answer may have been held up on its way until then."""
    last = next((other.count for other in its if other.handle == gone.handle), float("inf"))
    return one.answered_s > gone.answered_s and (one.count > last or one.asked_s > gone.answered_s)


def _refused(books: Books) -> list[str]:
    """A handle whose delete may have been done is valid no more."""
    until_s = {one.handle: one.next_visible_s for one in books.received}
    unsaid_s: dict[str, float] = {}
    for one in books.deleted:
        if one.code is None:
            unsaid_s[one.handle] = min(one.asked_s, unsaid_s.get(one.handle, one.asked_s))
    return [
        f"{one.msg_id} code {one.code}, {until_s[one.handle] - one.answered_s:.3f} s before its end"
        for one in books.deleted
        if one.code not in {0, None}
        and (one.code != 4430 or one.answered_s < until_s[one.handle] - SLACK_S)
        and not (one.code == 4430 and unsaid_s.get(one.handle, one.asked_s) < one.asked_s)
    ]


def _judge_sends(books: Books, verdict: Verdict) -> int:
    ids: dict[str, set[str]] = defaultdict(set)
    for one in books.received:
        ids[one.number].add(one.msg_id)
    again = 0
    for sent in books.sent:
        its = ids.pop(sent.number, set()) | ({sent.msg_id} if sent.msg_id else set())
        extra = len(its) - bool(sent.msg_id)
        if extra > sent.lost:
            verdict.sent_twice.append(f"{sent.number} {len(its)} times, {sent.lost} answers lost")
        again += min(extra, sent.lost)
    verdict.unknown.extend(ids)
    return again
