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
