"""Event id and msgId: recipes that subscribers rely on, computed here a second time and fixed by golden values."""

import hashlib
import json
from typing import Any

import pytest
from hypothesis import given

from schemas.events import BatchEvent, Family
from schemas.identity import event_id, message_id, text_message_id
from schemas.resources import RESOURCES
from tests.unit.schemas.samples import events, full_event, texts

GOLDEN_EVENT_IDS = {
    Family.JOB: "626490e7e924b174a05fb523879ecd57",
    Family.TASK: "c1e9b13cea3da30a7e0265aa8561909c",
    Family.TASK_INSTANCE: "8c278108ca51db47eacf6a823dd9ae31",
    Family.COMPUTE_NODE: "e03f14f9622d5c0186ba5c8132e0849a",
    Family.COMPUTE_ENV: "b81bcd5dadeb856565cd1772674b19cc",
}
GOLDEN_MSG_ID = "1552886991067216440"

ATTEMPT_FIELDS = {
    Family.JOB: (),
    Family.TASK: (),
    Family.TASK_INSTANCE: ("ComputeNodeInstanceId", "LaunchTime", "RunningTime"),
    Family.COMPUTE_NODE: ("ComputeNodeInstanceId",),
    Family.COMPUTE_ENV: (),
}


def path_of(event: BatchEvent) -> str:
    return RESOURCES[event.family].parse(event.batch).path()


def recipe(event: BatchEvent, path: str) -> str:
    """As the docstring of schemas/identity.py has it."""
    parts = [event.region, path, event.name, event.time]
    parts += [f"{name}={event.batch[name]}" for name in ATTEMPT_FIELDS[event.family] if event.batch.get(name)]
    text = json.dumps(parts, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def with_batch(event: BatchEvent, **changed: Any) -> BatchEvent:
    batch = {name: value for name, value in (event.batch | changed).items() if value is not ...}
    return BatchEvent(event.family, event.name, event.time, event.region, batch)


@pytest.mark.parametrize("family", Family)
def test_the_event_id_is_fixed_for_good(family: Family) -> None:
    event = full_event(family)
    assert event_id(event, path_of(event)) == GOLDEN_EVENT_IDS[family]


@given(events(), texts)
def test_the_event_id_follows_the_recipe(event: BatchEvent, path: str) -> None:
    assert event_id(event, path) == recipe(event, path)


def test_the_msg_id_is_fixed_for_good() -> None:
    assert message_id("0123456789abcdef0123456789abcdef", "job-message") == GOLDEN_MSG_ID


@given(texts, texts)
def test_the_msg_id_follows_the_recipe(an_event_id: str, topic: str) -> None:
    number = int(hashlib.sha256(f"{an_event_id}\n{topic}".encode()).hexdigest()[:16], 16)
    assert message_id(an_event_id, topic) == str(number % 2**63)


def test_the_msg_id_differs_by_topic_and_by_event() -> None:
    assert len({message_id(an_id, topic) for an_id in ("a", "b") for topic in ("t", "u")}) == 4


@pytest.mark.parametrize(("family", "field"), [(f, name) for f in Family for name in ATTEMPT_FIELDS[f]])
def test_an_attempt_is_told_apart_by_each_of_its_fields(family: Family, field: str) -> None:
    event = full_event(family)
    other = with_batch(event, **{field: "2020-01-01T00:00:00Z"})
    assert event_id(event, path_of(event)) != event_id(other, path_of(other))


@pytest.mark.parametrize(("family", "field"), [(f, name) for f in Family for name in ATTEMPT_FIELDS[f]])
def test_an_empty_attempt_field_counts_as_absent(family: Family, field: str) -> None:
    absent = with_batch(full_event(family), **{field: ...})
    for value in ("", None):
        nothing = with_batch(full_event(family), **{field: value})
        assert event_id(nothing, path_of(nothing)) == event_id(absent, path_of(absent))


@pytest.mark.parametrize("family", Family)
def test_what_an_observer_may_not_know_does_not_change_the_id(family: Family) -> None:
    event = full_event(family)
    resource = RESOURCES[family]
    needed = {name for name, field in resource.model_fields.items() if field.is_required()}
    needed |= {*ATTEMPT_FIELDS[family], "EnvId"}
    seen_less = BatchEvent(
        family, event.name, event.time, event.region, {k: v for k, v in event.batch.items() if k in needed}
    )
    assert event_id(seen_less, path_of(seen_less)) == event_id(event, path_of(event))


def test_region_place_name_and_time_each_change_the_id() -> None:
    event = full_event(Family.JOB)
    ids = {
        event_id(event, "job/1"),
        event_id(event, "job/2"),
        event_id(BatchEvent(Family.JOB, "JOB_FAILED", event.time, event.region, event.batch), "job/1"),
        event_id(BatchEvent(Family.JOB, event.name, "2020-01-01T00:00:00Z", event.region, event.batch), "job/1"),
        event_id(BatchEvent(Family.JOB, event.name, event.time, "ap-beijing", event.batch), "job/1"),
    }
    assert len(ids) == 5


def test_the_msg_id_of_a_text_is_fixed_by_where_it_lies() -> None:
    digest = hashlib.sha256(b"job-message\n3\n41").digest()
    expected = str(int.from_bytes(digest[:8], "big") & (2**63 - 1))
    assert text_message_id("job-message", 3, 41) == expected == "4729344626193287880"
