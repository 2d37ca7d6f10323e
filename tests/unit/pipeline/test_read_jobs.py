"""What a second consumer reads in one go, and what each record, or the lack of one, means."""

from hypothesis import given
from hypothesis import strategies as st

from pipeline.ports import Found, Missing, Record, Scanned
from pipeline.read_jobs import BEGINNING, CLOSE, PointsJob, ScanJob


def record(offset: int, key: bytes | None = b"a") -> Record:
    return Record(0, offset, key, b"v", [], 0)


def test_a_point_is_found_and_the_job_is_done() -> None:
    job = PointsJob(0, [7])
    assert job.place == 7
    assert job.took(record(7)) == [record(7)]
    assert job.place is None


def test_points_that_lie_close_are_read_through_and_what_lies_between_is_left() -> None:
    job = PointsJob(0, [9, 5])
    assert job.took(record(5)) == [record(5)]
    assert (job.place, job.took(record(6)), job.took(record(9))) == (5, [], [record(9)])


def test_points_far_away_are_sought() -> None:
    job = PointsJob(0, [5, 6 + CLOSE])
    job.took(record(5))
    assert job.place == 6 + CLOSE


def test_a_point_that_was_stepped_over_is_missing() -> None:
    job = PointsJob(0, [5, 6])
    assert job.took(record(6)) == [Missing(0, 5), record(6)]


def test_points_beyond_the_end_are_missing() -> None:
    job = PointsJob(0, [5, 6])
    job.took(record(5))
    assert (job.ended(), job.place) == ([Missing(0, 6)], None)


def test_of_points_before_the_beginning_of_the_log_only_the_first_is_missing_and_the_next_is_looked_for() -> None:
    job = PointsJob(0, [5, 900])
    assert (job.at_start_lost(), job.place) == ([Missing(0, 5)], 900)
    assert job.took(record(900)) == [record(900)]


def test_a_scan_tells_the_offsets_of_its_keys_up_to_its_end() -> None:
    job = ScanJob(0, 3, 7, {b"a", None})
    found: list[Found] = []
    for one in [record(3), record(4, b"b"), record(5, None), record(6), record(7)]:
        if job.place is not None:
            found += job.took(one)
    assert found == [Scanned(0, {b"a": [3, 6], None: [5]})]


def test_a_scan_that_a_gap_carries_over_its_end_is_through() -> None:
    job = ScanJob(0, 3, 7, {b"a"})
    assert job.took(record(8)) == [Scanned(0, {b"a": []})]


def test_a_scan_whose_beginning_has_expired_begins_where_the_log_begins() -> None:
    job = ScanJob(0, 3, 700, {b"a"})
    assert (job.at_start_lost(), job.place) == ([], BEGINNING)
    assert job.took(record(600)) == []
    assert job.ended() == [Scanned(0, {b"a": [600]})]


def test_a_scan_of_a_log_without_a_beginning_is_through() -> None:
    job = ScanJob(0, 3, 700, {b"a"})
    job.at_start_lost()
    assert job.at_start_lost() == [Scanned(0, {b"a": []})]


offsets = st.integers(0, 3 * CLOSE)


@given(st.sets(offsets, min_size=1), st.sets(offsets), st.integers(0, 3 * CLOSE))
def test_every_point_comes_back_once_as_what_it_is(wanted: set[int], there: set[int], low: int) -> None:
    log = sorted(offset for offset in there | set(list(wanted)[::2]) if offset >= low)
    job = PointsJob(0, wanted)
    found: list[Found] = []
    while job.place is not None:
        place = job.place
        if place < low:
            found += job.at_start_lost()
            continue
        for offset in (offset for offset in log if offset >= place):
            found += job.took(record(offset))
            if job.place != place:
                break
        else:
            found += job.ended()
    told = {one.offset: isinstance(one, Record) for one in found if not isinstance(one, Scanned)}
    assert told == {offset: offset in log for offset in wanted}
    assert len(found) == len(wanted)
