"""What travels beside an event: CloudEvents' binary mode, and what the CMQ text lacks."""

import pytest

from pipeline.headers import Headers, event_headers, find_header
from pipeline.lifecycle import Change
from schemas.resources import ComputeNode
from tests.unit.pipeline.records import SAMPLE_EVENT
from tests.unit.schemas.samples import FULL_BATCH

CHANGE = Change(
    "ap-guangzhou",
    "2018-06-15T14:43:17Z",
    "CREATED",
    ComputeNode.parse(FULL_BATCH[SAMPLE_EVENT.family]),
)
REQUIRED = {
    "ce_specversion": b"1.0",
    "content-type": b"application/avro",
    "ce_id": b"an-id",
    "ce_source": b"qcs::batch:ap-guangzhou",
    "ce_type": b"com.tencentcloud.batch.COMPUTE_NODE_CREATED",
    "ce_subject": b"computeenv/env-ptoxdb1t/node/node-0iy7wxyo",
    "ce_time": b"2018-06-15T14:43:17Z",
}


def with_known(**known: object) -> dict[str, object]:
    change = Change(CHANGE.region, CHANGE.time, CHANGE.after, CHANGE.resource, **known)  # type: ignore[arg-type]
    headers = event_headers(SAMPLE_EVENT, change, "an-id")
    assert len({name for name, _ in headers}) == len(headers)
    return dict(headers)


def test_an_event_has_the_attributes_that_cloudevents_requires_and_no_others() -> None:
    assert with_known() == REQUIRED


@pytest.mark.parametrize(
    ("known", "header"),
    [
        ({"before": "CREATING"}, ("ce_previousstate", b"CREATING")),
        ({"attempt": 2}, ("ce_attempt", b"2")),
        ({"attempt": 0}, ("ce_attempt", b"0")),
        ({"sequence": "0007"}, ("ce_sequence", b"0007")),
        ({"traceparent": "00-ab-cd-01"}, ("traceparent", b"00-ab-cd-01")),
    ],
)
def test_what_the_observer_knows_beyond_is_one_header_each(known: dict[str, object], header: tuple[str, bytes]) -> None:
    name, value = header
    assert with_known(**known) == REQUIRED | {name: value}


def test_attribute_names_are_legal_for_cloudevents() -> None:
    everything = with_known(before="CREATING", attempt=2, sequence="7", traceparent="00-ab-cd-01")
    attributes = [name.removeprefix("ce_") for name in everything if name.startswith("ce_")]
    assert all(name.isascii() and name.isalnum() and name == name.lower() and len(name) <= 20 for name in attributes)


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        (None, None),
        ([], None),
        ([("other", b"x")], None),
        ([("ce_id", b"x")], b"x"),
        ([("ce_id", b"first"), ("other", b"o"), ("ce_id", b"last")], b"last"),
        ([("ce_id", None)], None),
        ([("ce_id", "text")], None),
        ([("ce_id", b"")], b""),
        ([("CE_ID", b"x")], None),
    ],
)
def test_of_several_headers_of_one_name_the_last_counts(headers: Headers | None, found: bytes | None) -> None:
    assert find_header(headers, "ce_id") == found
