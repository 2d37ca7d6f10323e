"""The sink's books: a zero in them means something only if each fault is seen."""

import base64

import pytest

from tests.benchmarks.sink_books import Books, Keeper, LateKeeper, SpotKeeper, identity
from tests.benchmarks.sink_plan import Plan

KEYS = 10
PLAN = Plan(delay_ms=5, expected=2, keys=KEYS)
SLASH = b"/"


def text(job: int, number: int) -> bytes:
    return b'{"Events":[{"Batch":{"JobId":"job-%08d","TaskInstanceIndex":%d,"ExitCode":0}}]}' % (job, number)


def played(keeper: Keeper, *steps: tuple[str, int, int]) -> Books:
    """Play (`+` an arrival, `-` an acceptance, `x` a refusal; job; number), a second apart."""
    events = {}
    for at_s, (what, job, number) in enumerate(steps, start=1):
        if what == "+":
            events[job, number] = keeper.arrived(at_s, SLASH, text(job, number))
        else:
            keeper.answered(at_s, SLASH, events[job, number], 200 if what == "-" else 503)  # type: ignore[arg-type]
    return keeper.books()


@pytest.fixture(params=[SpotKeeper, LateKeeper])
def keeper(request: pytest.FixtureRequest) -> Keeper:
    made: Keeper = request.param(PLAN)
    return made


def test_events_in_order_a_refusal_and_two_keys_at_once_are_no_fault(keeper: Keeper) -> None:
    first, again, other = ("+", 3, 3), ("+", 3, 13), ("+", 4, 4)
    books = played(keeper, first, other, ("x", 3, 3), first, ("-", 3, 3), ("-", 4, 4), again, ("-", 3, 13))
    assert books.faults == 0
    assert (books.requests, books.seconds) == (4, 7)


@pytest.mark.parametrize(
    ("fault", "steps"),
    [
        ("overlap", ["+3", "+13", "-3", "-13"]),
        ("gaps", ["+13", "-13"]),
        ("gaps", ["+3", "-3", "+23", "-23"]),
        ("repeated", ["+3", "-3", "+3", "-3"]),
        ("out_of_order", ["+3", "-3", "+13", "-13", "+3", "-3"]),
    ],
)
def test_each_fault_is_seen_once(keeper: Keeper, fault: str, steps: list[str]) -> None:
    books = played(keeper, *((step[0], 3, int(step[1:])) for step in steps))
    assert (getattr(books, fault), books.faults) == (1, 1)


def test_an_unwatched_job_is_kept_in_order_but_takes_no_time() -> None:
    hot = Plan(delay_ms=5, expected=1, keys=KEYS, unwatched=9)
    steps = (("+", 9, 19), ("+", 3, 3), ("-", 3, 3), ("-", 9, 19))
    books = played(SpotKeeper(hot), *steps)
    assert (books.seconds, books.gaps) == (1, 1)


def test_a_path_is_full_when_it_has_accepted_what_is_expected() -> None:
    keeper = SpotKeeper(Plan(delay_ms=5, expected=1, keys=KEYS, paths=2))
    events = [keeper.arrived(1, path, text(3, 3)) for path in (b"/0", b"/1")]
    assert not keeper.answered(2, b"/0", events[0], 200)
    assert keeper.answered(2, b"/1", events[1], 200)


def test_identity_is_read_from_a_push_and_from_text() -> None:
    push = b'{"TopicOwner":0,"msgBody":"%b","publishTime":1}' % base64.b64encode(text(7, 17))
    assert identity(push) == identity(text(7, 17)) == (7, 17)
