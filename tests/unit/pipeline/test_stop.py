"""One request to stop, one deadline, an exit status that tells the truth."""

import threading

from pipeline.stop import ExitStatus, StopRequest


def test_exit_statuses_are_those_that_scripts_rely_on() -> None:
    assert {status.name: int(status) for status in ExitStatus} == {
        "FINE": 0,
        "INPUT_REFUSED": 1,
        "USAGE": 2,
        "WORK_ABANDONED": 3,
        "PART_DIED": 4,
        "SECOND_INTERRUPT": 130,
    }


def test_until_it_is_requested_nobody_stops() -> None:
    stop = StopRequest(25.0)
    assert (stop.requested, stop.wait(0.0), stop.died) == (False, False, None)


def test_requested_it_stays_so_and_the_grace_period_runs() -> None:
    stop = StopRequest(25.0)
    stop.request()
    assert (stop.requested, stop.wait(0.0)) == (True, True)
    assert 20.0 < stop.left_s() <= 25.0


def test_a_second_request_does_not_lengthen_the_grace_period() -> None:
    stop = StopRequest(25.0)
    stop.request()
    left_s = stop.left_s()
    stop.request()
    stop.part_died("delivery")
    assert stop.left_s() <= left_s


def test_time_that_is_over_is_never_below_zero() -> None:
    stop = StopRequest(-5.0)
    stop.request()
    assert stop.left_s() == 0.0


def test_a_part_that_died_stops_the_process_and_the_first_one_is_named() -> None:
    stop = StopRequest(25.0)
    stop.part_died("job-message/billing")
    stop.part_died("delivery")
    assert (stop.requested, stop.died) == (True, "job-message/billing")


def test_a_part_that_dies_while_the_process_stops_is_named_too() -> None:
    stop = StopRequest(25.0)
    stop.request()
    stop.part_died("delivery")
    assert stop.died == "delivery"


def test_who_waits_is_woken_from_another_thread() -> None:
    stop = StopRequest(25.0)
    thread = threading.Thread(target=stop.request)
    thread.start()
    assert stop.wait(30.0)
    thread.join()


def test_a_part_may_stop_while_the_process_goes_on() -> None:
    process = StopRequest(25.0)
    part, other = process.part(5.0), process.part(5.0)
    part.request()
    assert (part.requested, part.wait(0.0), other.requested, process.requested) == (True, True, False, False)
    assert 4.0 < part.left_s() <= 5.0


def test_the_process_takes_its_parts_with_it_and_gives_them_its_own_time() -> None:
    process = StopRequest(25.0)
    part, early = process.part(5.0), process.part(5.0)
    early.request()
    process.request()
    assert part.requested
    assert 20.0 < part.left_s() <= 25.0
    assert early.left_s() <= 5.0, "who had begun to stop has no more time than before"


def test_a_part_of_a_process_that_stops_already_stops_at_once() -> None:
    process = StopRequest(25.0)
    process.request()
    assert process.part(5.0).requested


def test_a_part_that_died_by_itself_stops_the_process() -> None:
    process = StopRequest(25.0)
    process.part(5.0).part_died("job-message/made")
    assert (process.requested, process.died) == (True, "job-message/made")


def test_a_part_that_has_ended_is_forgotten() -> None:
    process = StopRequest(25.0)
    part = process.part(5.0)
    process.forget(part)
    process.request()
    assert not part.requested
