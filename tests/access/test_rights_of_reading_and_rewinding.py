"""With the rights of `batch-events acls` alone `trace` and `rewind` do their work; with one fewer it is named at once.

The events are published and delivered by a super user. A refused rewind changes nothing; the same rewind is done once
the right is given. Instead of a right that is taken away there may be a lesser one, which another part is given: the
topic, or the group, is seen then.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import pytest

from adapters.access import Operation, Part, Right, rewind_rights, rights_of, trace_rights
from adapters.settings import HttpSubscriptionSettings, QueueSubscriptionSettings, Settings
from tests.access.place import NAMES, QUEUE, SAMPLE, TOPIC, Place, guarded_place, names_it, settings_of, shown
from tests.harness.command import Result, wait_until
from tests.harness.group_state import DurableState
from tests.harness.kafka import produce, read_all

pytestmark = [pytest.mark.native_cluster, pytest.mark.timeout(120)]

LONG_S = 900.0
"""A key that is held stays so."""

RightsOf = Callable[[QueueSubscriptionSettings | HttpSubscriptionSettings, Settings], Iterator[Right]]


class Case(NamedTuple):
    """A subscription, a right that is taken away, and what is given in its place."""

    name: str
    right: Right
    lesser: Right | None

    def __str__(self) -> str:
        return "-".join([self.name, shown(self.right), *(["and-Describe"] if self.lesser else [])])


def cases(rights_for: RightsOf) -> list[Case]:
    found = []
    for one in SAMPLE.subscriptions:
        rights = list(rights_for(one, SAMPLE))
        for right in rights:
            found.append(Case(one.name, right, None))
            seen_all_the_same = any(other[:2] == right[:2] and other != right for other in rights)
            if right.operation is Operation.READ and not seen_all_the_same:
                found.append(Case(one.name, right, right._replace(operation=Operation.DESCRIBE)))
    return found


def without(place: Place, rights_for: RightsOf, case: Case) -> None:
    """Give the user what the subscription needs, but for this right."""
    settings = settings_of(place.ours)
    (one,) = (one for one in settings.subscriptions if one.name == case.name)
    left = [other for other in rights_for(one, settings) if other != case.right]
    place.rights.only([*left, *([case.lesser] if case.lesser else [])])


def is_refused(result: Result, right: Right) -> bool:
    """Whether it ended at what is missing, told nothing else, and said so in its last line."""
    return (result.status, result.stdout) == (2, "") and names_it(result.stderr.splitlines()[-1], right)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with guarded_place(tmp_path_factory.mktemp("access"), trace=True, retry_schedule_s=[LONG_S]) as one:
        produce(one.servers, one.ours.event_topic, b"no event", b"job-bad")
        for name in NAMES:
            deliver(one, name)
        yield one


def publish(place: Place, *fates: int) -> None:
    place.next_fates.clear()
    place.next_fates.extend(fates)
    assert place.ours.publish(place.lines()).status == 0


def deliver(place: Place, name: str) -> None:
    """Publish, and run until nothing is unfinished but what a callback holds, which is something."""
    publish(place, 503, 400)
    with place.ours.run("--subscription", f"{TOPIC}/{name}") as running:
        wait_until(lambda: is_delivered(place, name), "what is not held", alive=[running], every_s=0.2)
        assert running.terminate() == 0


def is_delivered(place: Place, name: str) -> bool:
    now = state(place, name)
    unfinished = now.unfinished(read_all(place.servers, place.ours.event_topic))
    return len(unfinished) == len(now.held) and bool(now.held) == holds(name)


def holds(name: str) -> bool:
    return name != "ops-queue"


def state(place: Place, name: str) -> DurableState:
    group = f"cmq.{TOPIC}.{name}"
    return DurableState.of(place.servers, group, place.ours.event_topic, f"{group}.held" if holds(name) else None)


def is_at_the_beginning(now: DurableState) -> bool:
    return not now.begun and not now.held


def trace(place: Place, name: str) -> Result:
    return place.invoke("trace", f"{TOPIC}/{name}", "--since", "2026-01-01T00:00:00Z")


def rewind(place: Place, name: str, *more: str) -> Result:
    return place.invoke("rewind", f"{TOPIC}/{name}", "--to", "earliest", *more)


def test_trace_tells_everything_with_these_rights_alone(place: Place) -> None:
    place.rights.only(rights_of(Part.TRACE, settings_of(place.ours)))
    queue, callback = trace(place, "ops-queue"), trace(place, "billing")
    for told in (queue, callback):
        assert told.status == 0, told
        assert "AUTHORIZATION" not in told.stdout + told.stderr
        assert "`batch-events dead-letters redrive" in told.stdout
    assert f"delivered: it went into the queue {QUEUE.removeprefix('cmq.queue.')}" in queue.stdout
    assert "waits for its 1st retry" in callback.stdout
    assert "attempt 1  delivered  status 200" in callback.stdout


@pytest.mark.parametrize("case", cases(trace_rights), ids=str)
def test_trace_names_the_right_that_it_lacks(case: Case, place: Place) -> None:
    without(place, trace_rights, case)
    refused = trace(place, case.name)
    assert is_refused(refused, case.right), refused
    place.rights.give([case.right])
    told = trace(place, case.name)
    assert told.status == 0, told


@pytest.mark.parametrize("name", NAMES)
def test_rewind_sends_everything_again_with_these_rights_alone(name: str, place: Place) -> None:
    deliver(place, name)
    before = state(place, name)
    rights = rights_of(Part.REWIND, settings_of(place.ours))
    place.rights.only(right for right in rights if right.operation is not Operation.WRITE)
    planned = rewind(place, name, "--dry-run")
    assert planned.status == 0, planned
    assert state(place, name) == before
    place.rights.only(rights)
    done = rewind(place, name)
    assert done.status == 0, done
    assert "AUTHORIZATION" not in planned.stderr + done.stderr
    assert is_at_the_beginning(state(place, name))
    came = place.came(name)
    deliver(place, name)
    assert place.came(name) - came == place.published() - 1, "all but the record that is no event"


@pytest.mark.parametrize("case", cases(rewind_rights), ids=str)
def test_rewind_names_the_right_that_it_lacks_and_changes_nothing(case: Case, place: Place) -> None:
    deliver(place, case.name)
    before = state(place, case.name)
    without(place, rewind_rights, case)
    refused = rewind(place, case.name)
    assert is_refused(refused, case.right), refused
    assert state(place, case.name) == before
    place.rights.give([case.right])
    done = rewind(place, case.name)
    assert done.status == 0, done
    assert is_at_the_beginning(state(place, case.name))


def test_what_a_killed_process_left_open_is_waited_out(place: Place) -> None:
    """Its transactional id is no business of whoever rewinds."""
    deliver(place, "billing")
    publish(place, 503)
    kill = {"BATCH_EVENTS_TEST_KILL_AT": "in-held-transaction"}
    with place.ours.run("--subscription", f"{TOPIC}/billing", env=kill) as running:
        assert running.process.wait(60) == -9
    place.rights.only(rights_of(Part.REWIND, settings_of(place.ours)))
    wait_until(lambda: rewind(place, "billing").status == 0, "the session of who was killed to expire", every_s=1.0)
    assert is_at_the_beginning(state(place, "billing"))
