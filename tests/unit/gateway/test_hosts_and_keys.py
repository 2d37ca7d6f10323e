"""Which hosts a request may be signed for; what a key may do, and how often; what is remembered of requests."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.gateway.errors import CmqError, Row
from adapters.gateway.front.hosts import KEPT, Hosts, is_loopback
from adapters.gateway.front.keys import Key, Keys, KeySpec, TokenBucket
from adapters.gateway.front.replays import Replays


def refused(hosts: Hosts, host: str, local: str = "") -> Row:
    with pytest.raises(CmqError) as caught:
        hosts.signed(host, local)
    return caught.value.row


@pytest.mark.parametrize("listen", ["127.0.0.1:8090", "localhost:0", "[::1]:8090", "127.1.2.3:1"])
def test_on_loopback_any_host_is_allowed(listen: str) -> None:
    assert is_loopback(listen)
    assert Hosts(listen).signed("cmq-queue-gz.api.qcloud.com:81") == ("cmq-queue-gz.api.qcloud.com:81",)


@pytest.mark.parametrize("listen", ["0.0.0.0:8090", "[::]:8090", "10.0.0.1:8090", "gateway:8090"])
def test_elsewhere_only_what_it_listens_on_is_allowed(listen: str) -> None:
    hosts = Hosts(listen)
    assert refused(hosts, "cmq.example.com") is Row.SIGNATURE
    assert refused(hosts, "127.0.0.1:8090") is Row.SIGNATURE
    assert hosts.signed(listen) == (listen,)
    assert hosts.signed("10.0.0.5:8090", "10.0.0.5:8090") == ("10.0.0.5:8090",)
    assert refused(hosts, "10.0.0.6:8090", "10.0.0.5:8090") is Row.SIGNATURE


def test_configured_hosts_are_allowed_and_no_others_even_on_loopback() -> None:
    hosts = Hosts("127.0.0.1:8090", ["CMQ.example.com", "other:81"])
    assert hosts.signed("cmq.EXAMPLE.com")[0] == "cmq.EXAMPLE.com"
    assert hosts.signed("cmq.example.com:8090") == ("cmq.example.com:8090",)
    assert hosts.signed("other:81") == ("other:81",)
    for host in ("other", "other:82", "x.cmq.example.com", "cmq.example.com.evil", "127.0.0.1:8090"):
        assert refused(hosts, host, "127.0.0.1:8090") is Row.SIGNATURE
    assert Hosts("10.0.0.1:1", ["*"]).signed("anything:1") == ("anything:1",)


def test_a_host_without_a_port_may_be_signed_with_a_default_one() -> None:
    assert Hosts("127.0.0.1:1").signed("h") == ("h", "h:80", "h:443")


@pytest.mark.parametrize(
    "host", ["", " ", "a b", "a/v2", "a:b", "a:", ":1", "a,b", "a:123456", "é", "[::1", "a?x", "h\n", "@"]
)
def test_what_is_no_host_is_unparsable(host: str) -> None:
    assert refused(Hosts("127.0.0.1:1", ["*"]), host) is Row.UNPARSABLE


def test_few_hosts_are_remembered() -> None:
    hosts = Hosts("127.0.0.1:1")
    for number in range(3 * KEPT):
        assert hosts.signed(f"h{number}:1") == (f"h{number}:1",)
    assert len(hosts._known) <= KEPT


def key(**limits: object) -> Key:
    return Key(KeySpec("AKIDx", "s", **limits), 0.0)  # type: ignore[arg-type]


def may(one: Key, action: str, *names: str) -> bool:
    try:
        one.check_may(action, names)
    except CmqError as error:
        if error.row is not Row.NOT_PERMITTED:
            raise
        return False
    return True


def test_a_key_without_limits_may_everything() -> None:
    assert may(key(), "DeleteQueue", "q")
    assert may(key(), "ListQueue")


def test_a_key_may_only_its_actions_regardless_of_case() -> None:
    one = key(actions=("sendmessage", "Receive*"))
    assert may(one, "SendMessage", "q")
    assert may(one, "ReceiveMessage", "q")
    assert not may(one, "BatchReceiveMessage", "q")
    assert not may(one, "DeleteMessage", "q")


def test_a_key_may_only_its_names_all_of_them_regardless_of_case() -> None:
    one = key(names=("Ops-*", "a.b"))
    assert may(one, "SendMessage", "ops-1")
    assert may(one, "Subscribe", "OPS-1", "ops-2")
    assert not may(one, "Subscribe", "ops-1", "other")
    assert not may(one, "SendMessage", "xops-1")
    assert not may(one, "SendMessage", "axb")
    assert not may(one, "SendMessage", "a.b\n")
    assert not may(one, "ListQueue")


def test_a_key_that_may_nothing_may_nothing() -> None:
    assert not may(key(actions=()), "SendMessage", "q")
    assert not may(key(names=()), "SendMessage", "q")


def test_an_unknown_key_is_told_apart_from_what_is_none() -> None:
    keys = Keys([KeySpec("AKIDx", "s")], lambda: 0.0)
    for secret_id, row in (("AKIDy", Row.UNKNOWN_SECRET_ID), ("akidx", Row.BAD_SECRET_ID), ("é", Row.BAD_SECRET_ID)):
        with pytest.raises(CmqError) as caught:
            keys.of(secret_id)
        assert caught.value.row is row
    assert keys.of("AKIDx").secret == b"s"


def test_no_repr_shows_a_secret() -> None:
    spec = KeySpec("AKIDx", "hunter2")
    assert "hunter2" not in repr(spec) + str(spec) + repr(Key(spec, 0.0)) + repr([spec])


def test_a_bucket_gives_a_seconds_worth_at_once_and_then_its_rate() -> None:
    bucket = TokenBucket(2.0, 0.0)
    assert [bucket.take(0.0) for _ in range(3)] == [True, True, False]
    assert [bucket.take(0.5) for _ in range(2)] == [True, False]
    assert [bucket.take(100.0) for _ in range(3)] == [True, True, False]


@given(st.floats(0.1, 1000), st.lists(st.floats(-1.0, 5.0), max_size=200))
def test_a_bucket_never_gives_more_than_its_rate_and_a_seconds_worth(rate: float, steps: list[float]) -> None:
    bucket, now_s, latest_s, taken = TokenBucket(rate, 0.0), 0.0, 0.0, 0
    for step in steps:
        now_s += step
        latest_s = max(latest_s, now_s)
        taken += bucket.take(now_s)
        assert taken <= max(1.0, rate) + rate * latest_s + 1e-6


def test_an_answer_is_kept_until_its_time() -> None:
    now = [0.0]
    replays: Replays[str] = Replays(lambda: now[0])
    replays.begun(("k", "1"), "call")
    assert replays.known(("k", "1")) == "call"
    replays.ended(("k", "1"), b"answer", 10.0)
    now[0] = 9.0
    replays.ended(("k", "2"), b"other", 20.0)
    assert replays.known(("k", "1")) == b"answer"
    assert replays.known(("l", "1")) is None
    now[0] = 10.0
    replays.ended(("k", "3"), b"third", 30.0)
    assert replays.known(("k", "1")) is None
    assert replays.known(("k", "2")) == b"other"


def test_the_memory_of_answers_is_bounded_in_number_and_bytes() -> None:
    replays: Replays[str] = Replays(lambda: 0.0, answers=10, answer_bytes=100)
    for number in range(50):
        replays.ended(("k", str(number)), b"x", 1.0)
    assert [number for number in range(50) if replays.known(("k", str(number)))] == list(range(40, 50))
    replays.ended(("k", "big"), b"x" * 95, 1.0)
    assert sum(replays.known(("k", str(number))) is not None for number in range(50)) == 5
    replays.ended(("k", "bigger"), b"x" * 101, 1.0)
    assert replays._bytes == 0
    assert replays.known(("k", "bigger")) is None


def test_what_came_to_nothing_is_forgotten() -> None:
    replays: Replays[str] = Replays(lambda: 0.0)
    replays.begun(("k", "1"), "call")
    replays.forget(("k", "1"))
    assert replays.known(("k", "1")) is None
