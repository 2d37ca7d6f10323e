"""What the gateway tells of itself: the one list, and each call once, by what became of it."""

import asyncio
import re

import pytest
from prometheus_client import CollectorRegistry

from adapters.gateway.acting.action import refused_with, registry
from adapters.gateway.acting.params import Params
from adapters.gateway.errors import Row
from adapters.gateway.figures import CallFigures, SlotFigures
from adapters.gateway.front.front import Front
from adapters.gateway.front.hosts import Hosts
from adapters.gateway.front.keys import Keys, KeySpec
from adapters.gateway.metrics import OUTCOME, SPECS, GatewayMetrics
from pipeline.metrics import SPECS as DELIVERY
from pipeline.metrics import Kind, Spec
from tests.unit.gateway.rig import NO_BACKEND, Clock, Fake, heard, refuse, request, send
from tests.unit.gateway.signing import KEY_ID, NOW_S, SIGNING_KEY, common, signed


def test_each_metric_of_the_list_is_an_attribute_and_there_are_no_others() -> None:
    metrics = GatewayMetrics()
    assert set(vars(metrics)) == set(SPECS) == set(GatewayMetrics.__annotations__)
    assert {name: type(one) for name, one in vars(metrics).items()} == GatewayMetrics.__annotations__


@pytest.mark.parametrize("spec", SPECS.values(), ids=lambda spec: spec.name)
def test_a_name_says_what_it_counts_and_in_what_and_is_the_gateways(spec: Spec) -> None:
    assert re.fullmatch(r"batch_events_gateway_[a-z_]+", spec.full_name)
    assert spec.name.endswith("_total") == (spec.kind is Kind.COUNTER)
    assert spec.name.endswith(spec.unit)
    assert list(spec.buckets) == sorted(spec.buckets)
    assert bool(spec.buckets) == (spec.kind is Kind.HISTOGRAM)
    assert spec.about is None
    assert spec.full_name not in {one.full_name for one in DELIVERY.values()}


def crash(_params: Params) -> dict[str, object]:
    raise RuntimeError("a bug")


class Told:
    """A front with one action of each kind, and what is told of it."""

    def __init__(self) -> None:
        self.told = CollectorRegistry()
        self.receive = Fake("ReceiveMessage", long_poll=True, held=True)
        self.send = Fake("SendMessage")
        actions = [
            self.send,
            self.receive,
            Fake("BatchReceiveMessage", refuse(Row.NO_MESSAGE), long_poll=True),
            Fake("GetQueueAttributes", refuse(Row.NO_QUEUE)),
            Fake("BatchDeleteMessage", lambda _: refused_with(Row.PARTLY_DELETED)),
            Fake("RewindQueue", refuse(Row.INTERNAL)),
            Fake("DeleteQueue", crash),
        ]
        self.monotonic = Clock(0.0)
        self.front = Front(
            Keys((KeySpec(KEY_ID, SIGNING_KEY),), self.monotonic),
            Hosts("127.0.0.1:8080"),
            registry(*actions),
            NO_BACKEND,
            now_s=Clock(NOW_S),
            monotonic_s=self.monotonic,
            figures=CallFigures(GatewayMetrics(self.told)),
        )

    def value(self, name: str, **labels: str) -> float | None:
        return self.told.get_sample_value(f"batch_events_gateway_{name}", labels)

    def calls(self) -> dict[tuple[str, str], float]:
        """Every count of calls, by action and outcome."""
        return {
            (sample.labels["action"], sample.labels["outcome"]): sample.value
            for family in self.told.collect()
            for sample in family.samples
            if sample.name == "batch_events_gateway_calls_total"
        }


@pytest.mark.parametrize(
    ("action", "outcome"),
    [
        ("SendMessage", "ok"),
        ("BatchReceiveMessage", "empty"),
        ("GetQueueAttributes", "refused"),
        ("BatchDeleteMessage", "refused"),
        ("RewindQueue", "failed"),
        ("DeleteQueue", "failed"),
    ],
)
def test_a_call_is_counted_once_by_what_became_of_it(action: str, outcome: str) -> None:
    async def scene() -> None:
        one = Told()
        await heard(one.front.begin(request(signed(common(action, queueName="q1")))))
        assert one.calls() == {(action, outcome): 1}
        assert outcome in OUTCOME.values

    asyncio.run(scene())


def test_what_never_became_a_call_is_counted_without_an_action() -> None:
    one = Told()
    one.front.begin(request(send()))
    one.front.begin(request(signed(common("Nothing"))))
    one.front.refusal(Row.METHOD)
    one.front.refusal(Row.NO_MESSAGE)  # how polls end that are counted for themselves
    assert one.calls() == {("none", "refused"): 3}


def test_a_request_that_came_twice_is_told_as_such() -> None:
    async def scene() -> None:
        one = Told()
        for _ in range(3):
            await heard(one.front.begin(request(signed(send()))))
        assert one.calls() == {("SendMessage", "ok"): 1, ("SendMessage", "repeated"): 2}
        assert one.value("call_seconds_count", kind="call") == 1

    asyncio.run(scene())


def test_a_receive_that_is_out_is_told_until_it_ends_and_its_time_stands_apart() -> None:
    async def scene() -> None:
        one = Told()
        assert one.value("long_polls") == 0
        call = one.front.begin(request(signed(common("ReceiveMessage", queueName="q1"))))
        await one.receive.begun.wait()
        assert one.value("long_polls") == 1
        one.monotonic.now_s = 7.0
        one.receive.going.set()
        await heard(call)
        assert one.value("long_polls") == 0
        assert one.value("call_seconds_sum", kind="long_poll") == 7
        assert one.value("call_seconds_bucket", kind="long_poll", le="5.0") == 0
        assert one.value("call_seconds_count", kind="call") == 0

    asyncio.run(scene())


def test_a_receive_that_nobody_waits_for_any_more_is_told_as_abandoned() -> None:
    async def scene() -> None:
        one = Told()
        call = one.front.begin(request(signed(common("ReceiveMessage", queueName="q1"))))
        assert not isinstance(call, bytes)
        replies: list[bytes] = []
        call.wait(replies.append)
        await one.receive.begun.wait()
        call.leave(replies.append)
        assert await one.front.drained(5)
        assert one.calls() == {("ReceiveMessage", "abandoned"): 1}
        assert one.value("long_polls") == 0

    asyncio.run(scene())


def test_slots_are_told_as_they_are_taken_and_lost() -> None:
    told = CollectorRegistry()
    figures = SlotFigures(GatewayMetrics(told))
    figures.taken(0.2)
    figures.lost()
    figures.appended([0.001, 0.002])
    assert told.get_sample_value("batch_events_gateway_take_over_seconds_bucket", {"le": "0.25"}) == 1
    assert told.get_sample_value("batch_events_gateway_take_over_seconds_bucket", {"le": "0.1"}) == 0
    assert told.get_sample_value("batch_events_gateway_slots_lost_total") == 1
    assert told.get_sample_value("batch_events_gateway_journal_append_seconds_count") == 2
