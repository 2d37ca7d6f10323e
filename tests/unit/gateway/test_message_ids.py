"""What a record says of its message, and what it says if it says nothing, or nonsense."""

import pytest

from adapters.gateway.leases.message_ids import DELAY_UNTIL, delay_until_ms, derived_id, enqueue_time_s, message_id
from adapters.gateway.slot_ports import Body


def body(*headers: tuple[str, str | bytes | None]) -> Body:
    return Body(2, 77, 1_700_000_000_999, b"x", list(headers))


def test_the_id_of_a_place_is_always_the_same() -> None:
    assert derived_id("GsmYsy-lTRqMU_s9Qf1aSg", 0, 0) == "5248922952843121616"
    assert message_id("GsmYsy-lTRqMU_s9Qf1aSg", body()) == derived_id("GsmYsy-lTRqMU_s9Qf1aSg", 2, 77)


def test_places_have_ids_of_their_own() -> None:
    ids = {derived_id(topic, partition, at) for topic in "ab" for partition in (1, 11) for at in (1, 11)}
    assert len(ids) == 8
    assert all(one.isdigit() and int(one) < 2**63 for one in ids)


def test_what_the_headers_say_goes_first() -> None:
    told = body(("cmq_msg_id", b"42"), ("cmq_publish_time", b"1699999999"), (DELAY_UNTIL, b"1700000005000"))
    assert (message_id("t", told), enqueue_time_s(told), delay_until_ms(told)) == (
        "42",
        1_699_999_999,
        1_700_000_005_000,
    )


@pytest.mark.parametrize("value", [None, b"", b"-1", b"1.5", b" 1", b"\xb2", b"9" * 200, b"a b", b'"'])
def test_nonsense_counts_as_absent(value: bytes | None) -> None:
    told = body(("cmq_msg_id", value), ("cmq_publish_time", value), (DELAY_UNTIL, value))
    assert enqueue_time_s(told) == 1_700_000_000
    assert delay_until_ms(told) == 0
    assert message_id("t", told) == derived_id("t", 2, 77)
