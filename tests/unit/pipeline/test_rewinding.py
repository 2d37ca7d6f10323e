"""What rewinding leaves pending, against a model that knows nothing of offsets and maps but what they mean."""

from collections.abc import Mapping
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from pipeline.commit_note import CommitNote, runs_of
from pipeline.held import HeldKey, HeldPhase
from pipeline.held_record import HeldState
from pipeline.ports import Start
from pipeline.rewinding import Rewound, rewound

END = 12


class Log(NamedTuple):
    """A partition: each offset's key, what its ledger has settled, and where its held keys stand."""

    keys: list[bytes]
    settled: set[int]
    frontiers: dict[bytes, int]

    def pending(self) -> set[int]:
        """What a successor would deliver."""
        return pending(self.keys, self.settled, self.frontiers)

    def start(self) -> Start:
        begin = next((offset for offset in range(END) if offset not in self.settled), END)
        return Start(begin, CommitNote(runs=runs_of(begin, ranges(sorted(one for one in self.settled if one > begin)))))

    def held(self) -> list[HeldKey]:
        return [held_key(self.keys, key, frontier) for key, frontier in self.frontiers.items()]


def pending(keys: list[bytes], settled: set[int], frontiers: Mapping[bytes, int]) -> set[int]:
    """A held key's events from its frontier on; of others what the ledger has not settled."""
    return {
        offset
        for offset, key in enumerate(keys)
        if (offset >= frontiers[key] if key in frontiers else offset not in settled)
    }


def held_key(keys: list[bytes], key: bytes, frontier: int) -> HeldKey:
    offsets = [offset for offset, own in enumerate(keys) if own == key and offset >= frontier]
    deltas = [offset - before for before, offset in zip([frontier, *offsets], offsets, strict=False)]
    return HeldKey(key, HeldPhase.HELD, HeldState(frontier, 1, 1, 1, 1, tuple(deltas), END - 1), END)


def ranges(offsets: list[int]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for offset in offsets:
        if found and found[-1][1] == offset:
            found[-1] = found[-1][0], offset + 1
        else:
            found.append((offset, offset + 1))
    return found


@st.composite
def logs(draw: st.DrawFn) -> Log:
    keys = draw(st.lists(st.sampled_from([b"a", b"b", b"c"]), min_size=END, max_size=END))
    frontiers = draw(st.dictionaries(st.sampled_from([b"a", b"b"]), st.integers(0, END)))
    settled = draw(st.sets(st.integers(0, END - 1)))
    # A held key's events are settled in the ledger: its record answers for them.
    return Log(keys, settled | {offset for offset, key in enumerate(keys) if key in frontiers}, frontiers)


def after(log: Log, one: Rewound) -> set[int]:
    """What is pending after it."""
    note = CommitNote(runs=one.runs)
    beyond = note.settled_ranges(one.offset)
    settled = set(range(one.offset)) | {offset for first, end in beyond for offset in range(first, end)}
    frontiers = {key: frontier for key, frontier in log.frontiers.items() if key not in one.released}
    assert one.kept == len(frontiers)
    return pending(log.keys, settled, frontiers)


@given(logs(), st.integers(0, END))
def test_from_the_offset_on_all_is_pending_and_before_it_what_was(log: Log, to: int) -> None:
    one = rewound(log.start(), log.held(), to, skip=False)
    assert after(log, one) == set(range(to, END)) | log.pending()
    assert one.given_up == 0
    assert one.changed or after(log, one) == log.pending()


@given(logs(), st.integers(0, END))
def test_skipped_only_what_lies_from_the_offset_on_is_pending(log: Log, to: int) -> None:
    one = rewound(log.start(), log.held(), to, skip=True)
    assert after(log, one) == set(range(to, END))
    assert one.given_up == len({offset for offset in log.pending() if offset < to})


@given(logs(), st.integers(0, END), st.booleans())
def test_repeated_it_changes_nothing_more(log: Log, to: int, skip: bool) -> None:  # noqa: FBT001
    one = rewound(log.start(), log.held(), to, skip=skip)
    kept = [held for held in log.held() if held.key not in one.released]
    two = rewound(Start(one.offset, CommitNote(runs=one.runs)), kept, to, skip=skip)
    assert (two.offset, two.runs, two.released, two.again, two.given_up) == (one.offset, one.runs, (), 0, 0)


def test_of_a_topic_made_anew_every_held_key_is_void() -> None:
    start = Start(0, anew=True)
    one = rewound(start, [held_key([b"a"] * END, b"a", 3)], END, skip=False)
    assert one.released == (b"a",)
    assert one.changed
