"""A request's way to its action: each refusal with its row, in order; nothing is executed twice."""

import asyncio
import json
import logging

import pytest

from adapters.gateway.errors import Row
from adapters.gateway.front.calls import Call
from adapters.gateway.front.front import named
from adapters.gateway.front.hosts import Hosts
from adapters.gateway.front.keys import KeySpec
from adapters.gateway.front.protocol import Request
from tests.unit.gateway.rig import Fake, Reply, Rig, heard, refuse, request, row_for, send
from tests.unit.gateway.signing import HOST, KEY_ID, NOW_S, PATH, SIGNING_KEY, common, form, row_of, sign, signed


def answer(rig: Rig, one: Request) -> Reply:
    return asyncio.run(rig.ask(one))


def test_a_signed_request_reaches_its_action_with_its_parameters() -> None:
    reply = answer(Rig(), request(signed(send(msgBody="a&b=c é+"))))
    assert (reply["code"], reply["message"], reply["echo"]) == (0, "", "a&b=c é+")


@pytest.mark.parametrize(("path", "signs"), [("/", "/"), (PATH, PATH), (PATH + PATH, PATH)])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_each_path_and_method_is_answered(method: str, path: str, signs: str) -> None:
    values = signed(send(), method=method, path=signs)
    assert answer(Rig(), request(values, method=method, path=path))["code"] == 0


def test_actions_are_found_regardless_of_case() -> None:
    for action in ("SendMessage", "sendmessage", "SENDMessage"):
        assert answer(Rig(), request(signed(send() | {"Action": action})))["code"] == 0


def test_a_client_request_id_comes_back_as_a_number_also_with_a_refusal() -> None:
    values = signed(send(clientRequestId=str(2**64 - 1)))
    assert answer(Rig(), request(values))["clientRequestId"] == 2**64 - 1
    refused = answer(Rig(), request(values | {"Signature": "x"}))
    assert (refused["code"], refused["clientRequestId"]) == (4100, 2**64 - 1)


def changed(**by: str | None) -> tuple[int, int]:
    """The row for a request that differs by these, and is signed as it is."""
    values = {name: value for name, value in (send() | by).items() if value is not None}
    return row_for(signed(values))


def test_refusals_have_their_rows() -> None:
    assert changed(Action=None) == (4000, 10010)
    assert changed(Action="Nothing") == (4000, 10280)
    assert changed(SecretId=None) == (4000, 10010)
    assert changed(SecretId="example") == (4000, 10450)
    assert changed(SecretId="AKIDother") == (4100, 10270)
    assert changed(Timestamp=None) == (4000, 10010)
    assert changed(Timestamp="yesterday") == (4000, 10320)
    assert changed(Timestamp="9" * 19) == (4000, 10110)
    assert changed(Nonce=None) == (4000, 10010)
    assert changed(Nonce="-1") == (4000, 10110)
    assert changed(Nonce="x") == (4000, 10320)
    assert changed(Nonce=str(2**63 - 1)) == (0, 0)
    assert changed(clientRequestId="x") == (4000, 10320)
    assert changed(Region=None) == (0, 0)
    assert row_for(send()) == (4000, 10010)
    assert row_for(signed(send()) | {"Signature": "x"}) == (4100, 10030)
    assert row_for(signed(send()) | {"queueName": "other"}) == (4100, 10030)
    assert row_for(signed(send()), path="/v3") == (4000, 10420)
    assert row_for(signed(send()), host="") == (4000, 10420)
    assert row_for(signed(send()), method="PUT") == (4000, 10410)


def test_what_is_no_form_has_its_row() -> None:
    for body, row in (
        (b"%", (4000, 10420)),
        (b"\xff\xfe", (4000, 10420)),
        (b"{}", (4000, 10420)),
        (b"a=1&a=1", (4000, 10310)),
        (b"a_b=1", (4000, 10000)),
        (b"a=%26", (4000, 10000)),
        (b"", (4000, 10010)),
        (b"msgBody=" + b"x" * (2 << 20), (4000, 10420)),
    ):
        assert row_of(answer(Rig(), Request("POST", HOST, PATH, b"", body))) == row


# Forgeries: what nobody signed


def test_forgery_a_filter_tag_with_an_at_added_to_a_captured_request() -> None:
    assert row_for(signed(send()) | {"filterTag.1": "@none"}) == (4100, 10030)


def test_forgery_a_body_cut_into_other_parameters() -> None:
    captured = signed(send(msgBody="hi&queueName=victim&z="))
    assert row_for(captured) == (0, 0)
    forged = captured | {"msgBody": "hi", "queueName": "victim", "z": "&queueName=q1"}
    assert sign({n: v for n, v in forged.items() if n != "Signature"}) == captured["Signature"]
    assert row_for(forged) == (4000, 10000)


def test_forgery_an_index_with_an_underscore() -> None:
    captured = signed(common("SendMessage", queueName="q1", msgBody_2="x"))
    assert row_for(captured) == (0, 0)
    forged = {name.replace(".", "_"): value for name, value in captured.items()}
    assert sign({n: v for n, v in forged.items() if n != "Signature"}) == captured["Signature"]
    assert row_for(forged) == (4000, 10000)


def test_forgery_a_parameter_sent_twice() -> None:
    captured = form(signed(send()))
    for more in (b"&queueName=victim", b"&queueName=q1", b"&queue%4Eame=victim"):
        for body in (captured + more, more[1:] + b"&" + captured):
            assert row_of(answer(Rig(), Request("POST", HOST, PATH, b"", body))) == (4000, 10310)
        assert row_of(answer(Rig(), Request("POST", HOST, PATH, more[1:], captured))) == (4000, 10310)


def test_forgery_an_app_id_in_place_of_a_signature() -> None:
    values = {name: value for name, value in send(appId="1300000000").items() if name != "SecretId"}
    assert row_for(values) == (4100, 10030)
    assert row_for(send(appId="1300000000")) == (4100, 10030)
    assert changed(appId="1300000000") == (0, 0)


def test_forgery_a_request_signed_for_another_host() -> None:
    rig = Rig(hosts=Hosts("10.0.0.1:8090", ["cmq.example.com"]))
    good = request(signed(send(), host="cmq.example.com"), host="cmq.example.com")
    other = request(signed(send(), host="cmq.evil.com"), host="cmq.evil.com")
    sent_on = request(signed(send(), host="cmq.evil.com"), host="cmq.example.com")
    assert row_of(answer(rig, good)) == (0, 0)
    assert row_of(answer(rig, other)) == (4100, 10030)
    assert row_of(answer(rig, sent_on)) == (4100, 10030)
    assert rig.send.calls == 1


def test_forgery_the_method_or_path_of_a_captured_request_changed() -> None:
    assert row_for(signed(send()), method="GET") == (4100, 10030)
    assert row_for(signed(send()), path="/") == (4100, 10030)
    assert row_for(signed(send(), path=PATH + PATH), path=PATH + PATH) == (4100, 10030)


def test_forgery_a_captured_request_sent_again_is_not_executed_again() -> None:
    async def scene() -> None:
        rig = Rig()
        first = await heard(rig.front.begin(request(signed(send()))))
        assert await heard(rig.front.begin(request(signed(send())))) == first
        assert rig.send.calls == 1
        assert await heard(rig.front.begin(request(signed(send(Nonce="2"))))) != first
        assert rig.send.calls == 2

    asyncio.run(scene())


def test_forgery_another_text_for_a_body_that_was_not_signed() -> None:
    async def scene() -> None:
        rig = Rig()
        values = send(msgBody="@home")
        captured = values | {"Signature": sign({n: v for n, v in values.items() if n != "msgBody"})}
        assert (await rig.ask(request(captured)))["echo"] == "@home"
        assert (await rig.ask(request(captured | {"msgBody": "@evil"})))["echo"] == "@home"
        assert rig.send.calls == 1

    asyncio.run(scene())


# Time


@pytest.mark.parametrize(
    ("late_s", "row"), [(0, (0, 0)), (900, (0, 0)), (-900, (0, 0)), (901, (4100, 10030)), (-901, (4100, 10030))]
)
def test_a_request_is_good_within_the_clock_window(late_s: int, row: tuple[int, int]) -> None:
    rig = Rig()
    rig.clock.now_s = NOW_S + late_s
    assert row_of(answer(rig, request(signed(send())))) == row


# Rights and rates


def rows_of(spec: KeySpec, *requests: dict[str, str]) -> list[tuple[int, int]]:
    async def scene() -> list[tuple[int, int]]:
        rig = Rig(*(Fake(name) for name in ("ListQueue", "ListTopic", "Subscribe", "PublishMessage")), keys=(spec,))
        return [row_of(await rig.post(values)) for values in requests]

    return asyncio.run(scene())


def test_a_disabled_key_is_told_so_to_who_has_its_secret_alone() -> None:
    spec = KeySpec(KEY_ID, SIGNING_KEY, enabled=False)
    assert rows_of(spec, send()) == [(4100, 10080)]
    rig = Rig(keys=(spec,))
    assert row_of(answer(rig, request(signed(send(), key="guess")))) == (4100, 10030)


def test_a_key_may_what_it_may() -> None:
    spec = KeySpec(KEY_ID, SIGNING_KEY, actions=("Send*", "List*", "Subscribe"), names=("q*",))
    subscribe = {"topicName": "q1", "subscriptionName": "s", "protocol": "queue"}
    assert rows_of(
        spec,
        send(),
        send(queueName="other"),
        common("PublishMessage", topicName="q1"),
        common("ListQueue"),
        common("ListQueue", queueName="q1"),
        common("ListTopic", topicName="q1"),
        common("Subscribe", **subscribe, endpoint="q2"),
        common("Subscribe", **subscribe, endpoint="victim"),
        common("Subscribe", **subscribe | {"protocol": "http"}, endpoint="http://example.com"),
        common("Subscribe", **subscribe | {"topicName": "victim"}, endpoint="q2"),
    ) == [(0, 0)] + [(4000, 10461)] * 5 + [(0, 0), (4000, 10461), (0, 0), (4000, 10461)]


def test_what_a_request_names_is_its_queue_its_topic_and_the_queue_that_it_fills() -> None:
    assert named({"queueName": "a", "topicName": "b"}) == ["a", "b"]
    assert named({"topicName": "b", "protocol": "queue", "endpoint": "c"}) == ["b", "c"]
    for name in ("deadLetterPolicy.deadLetterQueue", "deadLetterPolicy.deadLetterQueueName"):
        assert named({"queueName": "a", name: "victim"}) == ["a", "victim"]
    assert named({"topicName": "b", "protocol": "http", "endpoint": "HTTPS://c"}) == ["b"]


def test_a_key_that_calls_too_often_is_told_so_and_may_again_later() -> None:
    async def scene() -> list[int]:
        rig = Rig(keys=(KeySpec(KEY_ID, SIGNING_KEY, rate=2.0),))
        codes = [(await rig.post(send(Nonce=str(number))))["code"] for number in range(3)]
        rig.monotonic.now_s = 0.5
        codes += [(await rig.post(send(Nonce=str(number))))["code"] for number in range(3, 5)]
        assert row_of(await rig.post(send(Nonce="9"))) == (4480, 10460)
        return codes

    assert asyncio.run(scene()) == [0, 0, 4480, 0, 4480]


def test_who_is_not_known_does_not_use_up_a_rate() -> None:
    async def scene() -> None:
        rig = Rig(keys=(KeySpec(KEY_ID, SIGNING_KEY, rate=1.0),))
        for _ in range(5):
            assert (await rig.post(send(), key="guess"))["code"] == 4100
        assert (await rig.post(send()))["code"] == 0

    asyncio.run(scene())


# What an action comes to


def test_a_row_of_the_action_is_the_replys() -> None:
    rig = Rig(Fake("ReceiveMessage", refuse(Row.NO_MESSAGE)))
    reply = asyncio.run(rig.post(common("ReceiveMessage", queueName="q1")))
    assert (reply["code"], reply["message"]) == (7000, "(10200)no message")


def broken(_params: object) -> dict[str, object]:
    raise RuntimeError("hunter2")


def unencodable(_params: object) -> dict[str, object]:
    return {"x": object()}


def surrogate(_params: object) -> dict[str, object]:
    return {"x": "\ud800"}


@pytest.mark.parametrize("result", [broken, unencodable, surrogate])
def test_a_fault_of_ours_is_an_internal_error_that_tells_nothing(
    result: object, caplog: pytest.LogCaptureFixture
) -> None:
    rig = Rig(Fake("CreateQueue", result))  # type: ignore[arg-type]
    with caplog.at_level(logging.ERROR):
        reply = asyncio.run(rig.post(common("CreateQueue", queueName="q1")))
    assert row_of(reply) == (6000, 10050)
    assert "hunter2" not in json.dumps(reply)
    assert [record.getMessage() for record in caplog.records] == ["gateway_action_failed"]
    assert SIGNING_KEY not in caplog.text


def test_what_does_not_change_anything_is_done_again() -> None:
    async def scene() -> None:
        looks = Fake("GetQueueAttributes", changes=False)
        rig = Rig(looks)
        values = common("GetQueueAttributes", queueName="q1")
        await rig.post(values)
        await rig.post(values)
        assert looks.calls == 2

    asyncio.run(scene())


def test_an_answer_is_forgotten_when_its_request_is_out_of_the_window_and_the_request_is_refused() -> None:
    async def scene() -> None:
        rig = Rig()
        await rig.post(send())
        rig.clock.now_s += 901
        assert (await rig.post(send()))["code"] == 4100
        assert rig.send.calls == 1

    asyncio.run(scene())


# Long polls, and requests that come while the first is being executed


def test_a_request_that_comes_again_while_it_is_executed_waits_for_the_same_answer() -> None:
    async def scene() -> None:
        slow = Fake("DeleteMessage", held=True)
        rig = Rig(slow)
        values = signed(common("DeleteMessage", queueName="q1"))
        both = [asyncio.ensure_future(heard(rig.front.begin(request(values)))) for _ in range(2)]
        await slow.begun.wait()
        slow.going.set()
        first, second = await asyncio.gather(*both)
        assert first == second
        assert slow.calls == 1

    asyncio.run(scene())


def out(outcome: bytes | Call) -> Call:
    assert isinstance(outcome, Call)
    return outcome


def test_a_long_poll_is_cancelled_when_its_client_goes_and_may_be_asked_again() -> None:
    async def scene() -> None:
        poll = Fake("ReceiveMessage", long_poll=True, held=True)
        rig = Rig(poll)
        asked = request(signed(common("ReceiveMessage", queueName="q1")))
        heard_of: list[bytes] = []
        call = out(rig.front.begin(asked))
        call.wait(heard_of.append)
        await poll.begun.wait()
        call.leave(heard_of.append)
        assert await rig.front.drained(1.0)
        assert (poll.cancelled, heard_of) == (1, [])
        poll.going.set()
        assert json.loads(await heard(rig.front.begin(asked)))["code"] == 0
        assert poll.calls == 2

    asyncio.run(scene())


def test_a_long_poll_that_was_not_begun_when_its_client_goes_never_begins() -> None:
    async def scene() -> None:
        poll = Fake("ReceiveMessage", long_poll=True, held=True)
        rig = Rig(poll)
        asked = request(signed(common("ReceiveMessage", queueName="q1")))
        call = out(rig.front.begin(asked))
        nobody: list[bytes] = []
        call.wait(nobody.append)
        call.leave(nobody.append)
        assert await rig.front.drained(1.0)
        assert poll.calls == 0
        poll.going.set()
        assert json.loads(await heard(rig.front.begin(asked)))["code"] == 0

    asyncio.run(scene())


def test_a_long_poll_goes_on_while_one_of_two_still_waits() -> None:
    async def scene() -> None:
        poll = Fake("ReceiveMessage", long_poll=True, held=True)
        rig = Rig(poll)
        asked = request(signed(common("ReceiveMessage", queueName="q1")))
        gone: list[bytes] = []
        stays: list[bytes] = []
        first, second = out(rig.front.begin(asked)), out(rig.front.begin(asked))
        assert first is second
        first.wait(gone.append)
        second.wait(stays.append)
        first.leave(gone.append)
        poll.going.set()
        assert await rig.front.drained(1.0)
        assert (len(gone), len(stays), poll.cancelled) == (0, 1, 0)

    asyncio.run(scene())


def test_another_call_is_brought_to_its_end_though_its_client_has_gone_and_its_answer_is_kept() -> None:
    async def scene() -> None:
        slow = Fake("DeleteMessage", held=True)
        rig = Rig(slow)
        asked = request(signed(common("DeleteMessage", queueName="q1")))
        nobody: list[bytes] = []
        call = out(rig.front.begin(asked))
        call.wait(nobody.append)
        await slow.begun.wait()
        call.leave(nobody.append)
        slow.going.set()
        assert await rig.front.drained(1.0)
        assert (slow.cancelled, nobody) == (0, [])
        assert isinstance(rig.front.begin(asked), bytes)
        assert slow.calls == 1

    asyncio.run(scene())


def test_a_call_that_takes_too_long_is_told_when_draining() -> None:
    async def scene() -> None:
        slow = Fake("DeleteMessage", held=True)
        rig = Rig(slow)
        rig.front.begin(request(signed(common("DeleteMessage", queueName="q1"))))
        assert not await rig.front.drained(0.01)
        slow.going.set()
        assert await rig.front.drained(1.0)

    asyncio.run(scene())
