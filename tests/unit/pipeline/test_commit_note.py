"""What travels in a commit's metadata: written, read again, and anything else is no note."""

import logging
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.commit_note import MAX_BYTES, CommitNote, read_note, write_fitting, write_note
from tests.unit.pipeline.runs import runs_of

ids = st.text(st.characters(codec="ascii", exclude_characters=";", min_codepoint=32), max_size=22)
offsets = st.integers(0, 2**63 - 1)
notes = st.builds(
    CommitNote,
    topic_id=ids,
    held_topic_id=ids,
    held_offset=st.integers(-1, 2**63 - 1),
    held_keys=st.integers(0, 10_000),
    transactional_id=ids,
    runs=st.lists(st.integers(0, 2**40), max_size=40).map(tuple),
)


@given(notes)
def test_what_is_written_is_read_again_and_is_ascii(note: CommitNote) -> None:
    text = write_note(note)
    assert text.isascii()
    assert read_note(text) == note


@given(st.sets(st.integers(0, 400)), st.integers(0, 50))
def test_runs_tell_exactly_the_settled_offsets(settled: set[int], offset: int) -> None:
    beyond = sorted(one for one in settled if one >= offset)
    note = CommitNote(runs=runs_of(beyond, offset))
    told = [one for start, end in note.settled_ranges(offset) for one in range(start, end)]
    assert told == beyond
    assert len(note.runs) % 2 == 0


cut_notes = notes.map(write_note).flatmap(lambda text: st.integers(0, len(text)).map(lambda length: text[:length]))


@given(st.text(max_size=60) | cut_notes)
def test_any_text_is_a_note_or_none(text: str) -> None:
    note = read_note(text)
    assert note is None or read_note(write_note(note)) == note


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1",
        "null",
        "2;;;-1;0;;-",
        "1;;;x;0;;-",
        "1;;;-1;0;;z!!",
        "1;;;-1;0;;-\xff",
        "1;;;-1;0;;",
        "1;;;-1;0;;?",
    ],
)
def test_text_of_another_kind_is_none(text: str) -> None:
    assert read_note(text) is None


def test_a_thousand_keys_out_among_ten_thousand_fit_into_the_metadata() -> None:
    settled = [offset for offset in range(10_000) if offset % 10]
    note = CommitNote("t" * 22, "h" * 22, 2**40, 1000, "cmq.t.s.0", runs_of(settled, 0))
    assert len(write_note(note)) < MAX_BYTES


def test_a_map_that_is_too_long_loses_its_end_and_that_is_said(caplog: pytest.LogCaptureFixture) -> None:
    runs = tuple(random.Random(1).choices(range(1, 100_000), k=4_000))  # noqa: S311  lengths, no secrets
    with caplog.at_level(logging.WARNING):
        note = read_note(write_fitting(CommitNote(runs=runs)))
    assert note is not None
    assert 0 < len(note.runs) < len(runs)
    assert note.runs == runs[: len(note.runs)]
    assert [record.message for record in caplog.records] == ["commit_map_cut"]


@pytest.mark.parametrize("most", [0, 100, 250, 1_000])
def test_a_note_takes_no_more_than_the_broker_does(most: int) -> None:
    note = CommitNote("topic", "held", 7, 1, "id", tuple(range(1, 2_000)))
    assert len(write_fitting(note, most)) <= most
