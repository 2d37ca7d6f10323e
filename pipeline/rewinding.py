"""What it means to send a partition's events again from an offset on.

A subscription's progress is more than an offset: a map of what is settled beyond it, and keys that wait at a frontier
of their own. Rewinding makes everything from the offset on unsettled, for every key, and leaves what lies before as it
is: what was delivered stays so, what was pending stays pending. With `skip` what was pending before is given up.

    before:   settled . settled | settled settled . .      key held at a frontier   before `to`   behind `to`
    rewound:  settled . settled | . . . .                                           stays held    released
    skipped:  settled settled   | . . . .                                           released      released

Held    a key whose frontier lies before `to` has had nothing delivered from there on: its record goes on saying what
        is true. A key that got further must forget that, or its events would be passed over as done: a tombstone, and
        it is live when they are read again
Shape   rewound(start, held, to, skip) -> Rewound
Bounds  no I/O. Counts are of offsets: events that the subscription's filter leaves out are among them
"""

from collections.abc import Iterable

import msgspec

from pipeline.commit_note import runs_of
from pipeline.held import HeldKey
from pipeline.ports import Start


class Rewound(msgspec.Struct, frozen=True):
    """Where a partition is to stand.

    Attributes:
        before: the committed offset that it stands at.
        offset, runs: what is to be committed, with its map.
        released: held keys that get a tombstone.
        kept: how many stay held.
        again: so many offsets were settled and are so no more.
        given_up: so many offsets were pending and are so no more; those of held keys as far as their records list them.
        changed: whether anything is to be written.
    """

    before: int
    offset: int
    runs: tuple[int, ...]
    released: tuple[bytes | None, ...]
    kept: int
    again: int
    given_up: int
    changed: bool


def rewound(start: Start, held: Iterable[HeldKey], to: int, *, skip: bool) -> Rewound:
    """Decide for one partition.

    Args:
        start: where it would begin now.
        held: its held keys.
        to: everything from this offset on is to be delivered again.
        skip: give up what is pending before.
    """
    keys = list(held)
    ranges = list(start.note.settled_ranges(start.offset))
    released = [key for key in keys if skip or start.anew or key.frontier >= to]
    again = max(0, start.offset - to) + sum(max(0, end - max(first, to)) for first, end in ranges)
    runs: tuple[int, ...] = ()
    if skip:
        offset = to
        unsettled = max(0, to - start.offset) - sum(max(0, min(end, to) - first) for first, end in ranges)
        given_up = unsettled + sum(one < to for key in keys for one in key.known)
    else:
        offset, given_up = min(start.offset, to), 0
        runs = runs_of(offset, [(first, min(end, to)) for first, end in ranges if first < to])
    changed = skip or bool(released) or (offset, runs) != (start.offset, start.note.runs)
    released_keys = tuple(key.key for key in released)
    return Rewound(start.offset, offset, runs, released_keys, len(keys) - len(released), again, given_up, changed)
