"""The one oracle of the fault suite: what was sent, what came of it at each subscription, in counts.

Shape   count_http(sent, requests, letters, …) and count_queue(sent, records, letters, …) -> Counts
Counts  lost          sent, and neither accepted nor in the dead letters; a letter of an accepted event, or of a
                      record that is no event, stands for none that is missing
        unknown       accepted, and never sent
        out_of_order  accepted for the first time after a later one of its key
        overtaken     attempted for the first time before the one before it of its key had been accepted or given up
        overlap       arrived while another request of its key was unanswered
        repeats       accepted again
        excess        accepted again though a commit had it at each fault: more than what was in flight
        letters       events in the dead letters; `letters_twice` are those beyond one each
Faults  a fault is the durable state (group_state.py) right after it. An event may come again once for each fault at
        which it was not settled: that, and nothing else, is what was in flight
"""

import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from tests.harness.group_state import DurableState
from tests.harness.kafka import Read
from tests.harness.oracle import Message, decoded, key_of
from tests.harness.sink import Request

Where = tuple[int, int, bytes | None]
"""Partition, offset and key of an event."""


class Counts(NamedTuple):
    """What must be zero, then what a case may have."""

    lost: int = 0
    unknown: int = 0
    out_of_order: int = 0
    overtaken: int = 0
    overlap: int = 0
    excess: int = 0
    letters_twice: int = 0
    repeats: int = 0
    letters: int = 0

    @property
    def faultless(self) -> bool:
        return not any(self[:7])


def text_of(message: Message) -> str:
    return json.dumps(message, sort_keys=True)


def message_of(request: Request) -> Message:
    """The message of a push in JSON form."""
    return decoded(json.loads(request.body)["msgBody"])


def count_http(
    sent: Sequence[Message],
    requests: Sequence[Request],
    letters: Sequence[Read],
    faults: Sequence[DurableState],
    places: dict[str, Where],
    orphans: set[int],
    *,
    redriven: bool,
    odd: int = 0,
) -> Counts:
    """Judge an HTTP subscription.

    Args:
        sent: in the order of their publishing.
        requests: what its endpoint saw, in order of arrival.
        letters: its dead letters.
        faults: the durable state after each.
        places: by msgId, from the process's own log, where it is known.
        orphans: requests that were out at a fault, by their arrival: others may overlap with them.
        redriven: dead letters were sent again: their order is their own.
        odd: so many records were no events of ours, and are dead letters too.
    """
    position = {text_of(message): index for index, message in enumerate(sent)}
    assert len(position) == len(sent), "the same event was sent twice"
    texts = {request.msg_id: "" for request in requests}
    by_id: dict[str, Message] = {}
    for request in requests:
        if request.msg_id not in by_id:
            by_id[request.msg_id] = message_of(request)
            texts[request.msg_id] = text_of(by_id[request.msg_id])
    accepted = sorted((one for one in requests if one.accepted), key=lambda one: one.ended)
    times = Counter(one.msg_id for one in accepted)
    assert len(set(texts.values())) == len(texts), "one event came with two msgIds"
    known = {msg_id: position[text] for msg_id, text in texts.items() if text in position}
    letter_places = {(one.headers["dl_source_partition"], one.headers["dl_source_offset"]) for one in letters}
    apart = _ids_of(letter_places, places) if redriven else set()
    groups = [[one for one in accepted if (one.msg_id in apart) is again] for again in (False, True)]
    unaccepted = len(sent) - sum(msg_id in known for msg_id in times)
    given_up = len(letter_places) - odd - len(_ids_of(letter_places, places) & times.keys())
    return Counts(
        lost=max(0, unaccepted - given_up),
        unknown=sum(msg_id not in known for msg_id in texts),
        out_of_order=sum(
            _out_of_order([(key_of(by_id[one.msg_id]), known.get(one.msg_id, -1)) for one in group]) for group in groups
        ),
        overtaken=_overtaken([one for one in requests if one.msg_id not in apart], by_id, known, set(times)),
        overlap=_overlap([one for one in requests if one.arrived not in orphans], by_id),
        excess=_excess(times, faults, places),
        letters_twice=len(letters) - len(letter_places),
        repeats=sum(times.values()) - len(times),
        letters=len(letters),
    )


def count_queue(sent: Sequence[Message], records: Sequence[Read], letters: Sequence[Read], *, odd: int = 0) -> Counts:
    """Judge a queue subscription: one partition, in the order of the log; odd as for count_http."""
    position = {text_of(message): index for index, message in enumerate(sent)}
    messages = [decoded(record.value or b"") for record in records]
    texts = list(map(text_of, messages))
    times = Counter(texts)
    letter_places = {(one.headers["dl_source_partition"], one.headers["dl_source_offset"]) for one in letters}
    return Counts(
        lost=max(0, sum(text not in times for text in position) - (len(letter_places) - odd)),
        unknown=sum(text not in position for text in times),
        out_of_order=_out_of_order(
            [(key_of(one), position.get(text, -1)) for one, text in zip(messages, texts, strict=True)]
        ),
        excess=len(texts) - len(times),
        letters_twice=len(letters) - len(letter_places),
        repeats=len(texts) - len(times),
        letters=len(letters),
    )


def _ids_of(letter_places: set[tuple[bytes, bytes]], places: dict[str, Where]) -> set[str]:
    return {
        msg_id
        for msg_id, (partition, offset, _) in places.items()
        if (b"%d" % partition, b"%d" % offset) in letter_places
    }


def _out_of_order(accepted: list[tuple[str, int]]) -> int:
    """Judged by first acceptances."""
    latest: dict[str, int] = defaultdict(lambda: -1)
    seen: set[int] = set()
    found = 0
    for key, index in accepted:
        if index < 0 or index in seen:
            continue
        seen.add(index)
        found += index < latest[key]
        latest[key] = max(latest[key], index)
    return found


def _overtaken(
    requests: Sequence[Request],
    by_id: dict[str, Message],
    known: dict[str, int],
    accepted: set[str],
) -> int:
    """First attempts that came before the end of the one before. What was never accepted was given up."""
    first: dict[int, int] = {}
    done: dict[int, int] = {}
    for request in requests:
        index = known.get(request.msg_id)
        if index is None:
            continue
        first.setdefault(index, request.arrived)
        if request.accepted:
            done[index] = min(done.get(index, request.ended), request.ended)
        elif request.msg_id not in accepted:
            done[index] = request.ended or request.arrived
    by_key: dict[str, list[int]] = defaultdict(list)
    for msg_id, index in known.items():
        if index in first:
            by_key[key_of(by_id[msg_id])].append(index)
    found = 0
    for indexes in by_key.values():
        ordered = sorted(indexes)
        found += sum(first[after] < done[before] for before, after in pairwise(ordered))
    return found


def _overlap(requests: Sequence[Request], by_id: dict[str, Message]) -> int:
    """Arrivals while another of the key was out."""
    out: dict[str, list[Request]] = defaultdict(list)
    found = 0
    for request in requests:
        key = key_of(by_id[request.msg_id])
        still = [one for one in out[key] if not one.ended or one.ended > request.arrived]
        found += bool(still)
        out[key] = [*still, request]
    return found


def _excess(times: Counter[str], faults: Sequence[DurableState], places: dict[str, Where]) -> int:
    found = 0
    for msg_id, count in times.items():
        if count == 1:
            continue
        place = places.get(msg_id)
        allowed = len(faults) if place is None else sum(not fault.settled(*place) for fault in faults)
        found += max(0, count - 1 - allowed)
    return found
