"""Reading again: single events, parts of the log, and the records of held keys."""

import time
from collections.abc import Iterator

import pytest

from pipeline.ports import Found, LogReader, Missing, Record, Scanned
from tests.contract.stage import LIMIT_S, Stage


@pytest.fixture
def reader(stage: Stage) -> Iterator[LogReader]:
    reader = stage.log_reader()
    yield reader
    reader.close()


def all_of(reader: LogReader) -> list[Found]:
    found: list[Found] = []
    until_s = time.monotonic() + LIMIT_S
    while reader.busy:
        assert time.monotonic() < until_s, found
        found += reader.step()
    return found


def told(found: list[Found]) -> set[tuple[int, int, bool]]:
    return {(one.partition, one.offset, isinstance(one, Record)) for one in found if not isinstance(one, Scanned)}


def test_wanted_records_come_back_whole_and_what_is_not_there_comes_back_as_missing(
    stage: Stage, reader: LogReader
) -> None:
    for number in range(4):
        stage.append(stage.events, 0, b"a", b"%d" % number)
    stage.append(stage.events, 1, None, b"x")
    for partition, offset in [(0, 3), (0, 1), (1, 0), (1, 7)]:
        reader.want(partition, offset)
    found = all_of(reader)
    assert told(found) == {(0, 1, True), (0, 3, True), (1, 0, True), (1, 7, False)}
    assert {one.value for one in found if isinstance(one, Record)} == {b"1", b"3", b"x"}
    assert reader.step() == []


def test_of_what_was_wanted_only_what_has_expired_is_missing(stage: Stage, reader: LogReader) -> None:
    for _ in range(5):
        stage.append(stage.events, 0, b"a", b"v")
    stage.trim(stage.events, 0, 2)
    reader.want(0, 0)
    reader.want(0, 3)
    assert told(all_of(reader)) == {(0, 0, False), (0, 3, True)}


def test_what_is_wanted_comes_in_order_and_wanted_again_it_comes_again(stage: Stage, reader: LogReader) -> None:
    for _ in range(4):
        stage.append(stage.events, 0, b"a", b"v")
    for offset in (1, 3, 0, 1, 2, 3):
        reader.want(0, offset)
    offsets = [one.offset for one in all_of(reader) if isinstance(one, Record)]
    assert offsets[-4:] == [0, 1, 2, 3]


def test_a_scan_tells_the_offsets_of_its_keys_in_its_part_of_the_log(stage: Stage, reader: LogReader) -> None:
    for key in (b"a", b"b", None, b"a", b"a"):
        stage.append(stage.events, 0, key, b"v")
    reader.scan(0, 1, 4, {b"a", None, b"none"})
    assert all_of(reader) == [Scanned(0, {b"a": [3], None: [2], b"none": []})]


def test_a_scan_of_what_has_expired_in_part_finds_the_rest(stage: Stage, reader: LogReader) -> None:
    for _ in range(5):
        stage.append(stage.events, 0, b"a", b"v")
    stage.trim(stage.events, 0, 3)
    reader.scan(0, 0, 5, {b"a"})
    assert all_of(reader) == [Scanned(0, {b"a": [3, 4]})]


def test_what_is_forgotten_does_not_come_back(stage: Stage, reader: LogReader) -> None:
    for partition in (0, 1):
        stage.append(stage.events, partition, b"a", b"v")
        reader.want(partition, 0)
        reader.scan(partition, 0, 1, {b"a"})
    reader.forget({0})
    found = all_of(reader)
    assert {one.partition for one in found} == {1}
    assert len(found) == 2
    assert not any(isinstance(one, Missing) for one in found)


def test_held_records_are_read_from_the_first_to_what_was_the_end(stage: Stage) -> None:
    for number in range(3):
        stage.append(stage.held, 0, b"k%d" % number, b"v" if number else None)
    reader = stage.held_reader()
    ends = reader.begin({0: "", 1: ""})
    assert [ends[partition].offset for partition in (0, 1)] == [3, 0]
    records: list[tuple[int, int, bytes | None, bytes | None]] = []
    done: list[int] = []
    until_s = time.monotonic() + LIMIT_S
    while reader.reading:
        assert time.monotonic() < until_s
        more, through = reader.step()
        records += more
        done += through
    assert records == [(0, 0, b"k0", None), (0, 1, b"k1", b"v"), (0, 2, b"k2", b"v")]
    assert sorted(done) == [0, 1]
    reader.begin({0: ""})
    reader.forget({0})
    assert (reader.reading, reader.step()) == (False, ([], []))
    reader.close()
