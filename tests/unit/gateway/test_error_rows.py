"""Every row of CMQ's error table that a request can provoke: calls over HTTP, then code and module number, exactly.

Not here, for no request to this gateway can get them: rows of what there is not (accounts: 10040, 10440; transactions:
10750 to 10790; a rate of queues: 10250, it is keys that have one; handles that are no text: 10470 with 4000), 10640,
since SDKs ask for JSON where a queue subscribes, and further numbers for what one row says here.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from typing import Any, NamedTuple

import pytest

from adapters.gateway.acting.action import Backend
from adapters.gateway.actions import ACTIONS
from adapters.gateway.errors import Row
from adapters.gateway.front.front import Front
from adapters.gateway.front.hosts import Hosts
from adapters.gateway.front.keys import Keys, KeySpec
from adapters.gateway.front.server import GatewayServer
from adapters.memory import ManualClock, MemoryQueues, MemoryTopics, QueueLimits
from pipeline.cmq_registry import QueueAttributes
from tests.unit.gateway.serving import Client, run
from tests.unit.gateway.signing import HOST, KEY_ID, NOW_S, SIGNING_KEY, common, form, post, row_of, signed

BODY_BYTES = 2 << 20
"""Of all bodies at once: a request of 1 MB whose every byte comes as three is more."""

KEYS = (
    KeySpec(KEY_ID, SIGNING_KEY),
    KeySpec("AKIDdisabled", SIGNING_KEY, enabled=False),
    KeySpec("AKIDreader", SIGNING_KEY, actions=("Receive*",)),
    KeySpec("AKIDslow", SIGNING_KEY, rate=1.0),
)
HELD = "{receiptHandle}"
"""The handle of the message that was received."""


class Ask(NamedTuple):
    """A call; `msgBody.1` and the like are spelt out."""

    action: str
    values: dict[str, str]
    key: str = SIGNING_KEY


def ask(action: str, **values: object) -> Ask:
    """A call; a list is sent as name.1 and on."""
    spelt: dict[str, str] = {}
    for name, value in values.items():
        if isinstance(value, list):
            spelt |= {f"{name}.{number}": str(one) for number, one in enumerate(value, 1)}
        else:
            spelt[name] = str(value)
    return Ask(action, spelt)


def send(queue: str = "q", **values: object) -> Ask:
    return ask("SendMessage", queueName=queue, **{"msgBody": "x", **values})


def publish(topic: str = "t", **values: object) -> Ask:
    return ask("PublishMessage", topicName=topic, **{"msgBody": "x", **values})


def subscribe(topic: str = "t", **values: object) -> Ask:
    http = {"subscriptionName": "s", "protocol": "http", "endpoint": "http://h/"}
    return ask("Subscribe", topicName=topic, **http | values)


QUEUE = ask("CreateQueue", queueName="q", maxMsgSize=1 << 20)
REWINDING = ask("CreateQueue", queueName="q", rewindSeconds=60)
SMALL = ask("CreateQueue", queueName="q", maxMsgSize=1024)
TOPIC = ask("CreateTopic", topicName="t")
KEYED = ask("CreateTopic", topicName="t", filterType=2)
RECEIVE = ask("ReceiveMessage", queueName="q")
DELETE = ask("DeleteMessage", queueName="q", receiptHandle="nonsense")

Asked = tuple[Ask | bytes, ...]
CodeAndModule = tuple[int, int]

CASES: dict[str, tuple[CodeAndModule, Asked]] = {
    # What a request says
    "a parameter's name that could sign as another": ((4000, 10000), (post(b"a_b=x"),)),
    "a filter type that is none": ((4000, 10110), (ask("CreateTopic", topicName="t", filterType=3),)),
    "a parameter that is missing": ((4000, 10010), (ask("SendMessage", msgBody="x"),)),
    "a parameter out of range": ((4000, 10110), (ask("ReceiveMessage", queueName="q", pollingWaitSeconds=31),)),
    "a parameter that is there twice": ((4000, 10310), (post(b"a=1&a=2"),)),
    "a parameter of the wrong type": ((4000, 10320), (ask("ReceiveMessage", queueName="q", pollingWaitSeconds="x"),)),
    "a batch that is too big": ((4000, 10370), (ask("BatchSendMessage", queueName="q", msgBody=["x"] * 17),)),
    "indices with a gap": (
        (4000, 10380),
        (Ask("BatchSendMessage", {"queueName": "q", "msgBody.1": "x", "msgBody.3": "x"}),),
    ),
    "a method that is none": ((4000, 10410), (b"PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n",)),
    "no percent encoding": ((4000, 10420), (post(b"a=%zz"),)),
    "more than 1 MB": ((4000, 10420), (post(b"msgBody=" + b"x" * 1_200_000),)),
    "an action that there is not": ((4000, 10280), (ask("ClearQueue", queueName="q"),)),
    "a blank in the URL": ((4510, 10570), (b"GET /?a=b c HTTP/1.1\r\nHost: h\r\n\r\n",)),
    # Who asks
    "a SecretId that cannot be one": ((4000, 10450), (ask("ListQueue", SecretId="example"),)),
    "a SecretId that nobody knows": ((4100, 10270), (ask("ListQueue", SecretId="AKIDnobody"),)),
    "a signature of another key": ((4100, 10030), (ask("ListQueue")._replace(key="guess"),)),
    "a time that is long ago": ((4100, 10030), (ask("ListQueue", Timestamp=NOW_S - 901),)),
    "a disabled key": ((4100, 10080), (ask("ListQueue", SecretId="AKIDdisabled"),)),
    "a key that may not": ((4000, 10461), (ask("ListQueue", SecretId="AKIDreader"),)),
    "a key that calls too often": (
        (4480, 10460),
        (ask("ListQueue", SecretId="AKIDslow"), ask("ListQueue", SecretId="AKIDslow")),
    ),
    # Queues
    "a bad queue name": ((4000, 10020), (ask("CreateQueue", queueName="1st"),)),
    "a queue that there is not": ((4440, 10100), (send(),)),
    "a queue that there is": ((4460, 10210), (QUEUE, ask("CreateQueue", queueName="Q"))),
    "a queue more than there may be": (
        (4450, 10220),
        (QUEUE, ask("CreateQueue", queueName="r"), ask("CreateQueue", queueName="u")),
    ),
    "a queue's name that is being released": ((6040, 10660), (QUEUE, ask("DeleteQueue", queueName="q"), QUEUE)),
    "a queue that cannot rewind": ((6050, 10670), (QUEUE, ask("RewindQueue", queueName="q", startConsumeTime=NOW_S))),
    "a rewind too far back": ((4000, 10680), (REWINDING, ask("RewindQueue", queueName="q", startConsumeTime=0))),
    # Messages
    "an empty body": ((4000, 10120), (QUEUE, send(msgBody=""))),
    "a delay out of range": ((4000, 10692), (QUEUE, send(delaySeconds=3601))),
    "a message that is too big": ((4400, 10230), (SMALL, send(msgBody="x" * 1025))),
    "messages that are too big in all": (
        (4470, 10300),
        (QUEUE, ask("BatchSendMessage", queueName="q", msgBody=["x" * 540_000] * 2)),
    ),
    "a full queue": ((4410, 10240), (send("tiny"), send("tiny"))),
    "too many delayed messages": ((6070, 10690), (QUEUE, send(delaySeconds=9), send(delaySeconds=9))),
    "too many messages in flight": ((6070, 10690), (QUEUE, send(), send(), RECEIVE, RECEIVE)),
    "no message": ((7000, 10200), (QUEUE, RECEIVE)),
    "no message in a batch": ((7000, 10200), (QUEUE, ask("BatchReceiveMessage", queueName="q", numOfMsg=16))),
    "a handle that is none": ((4430, 10260), (QUEUE, DELETE)),
    "a handle that was used": (
        (4430, 10260),
        (QUEUE, send(), RECEIVE, *[ask("DeleteMessage", queueName="q", receiptHandle=HELD)] * 2),
    ),
    "a batch of which some are deleted": (
        (6010, 10150),
        (QUEUE, send(), RECEIVE, ask("BatchDeleteMessage", queueName="q", receiptHandle=["nonsense", HELD])),
    ),
    "a batch of which none is deleted": (
        (6020, 10290),
        (QUEUE, ask("BatchDeleteMessage", queueName="q", receiptHandle=["nonsense", "more"])),
    ),
    # Topics
    "a bad topic name": ((4000, 10580), (ask("CreateTopic", topicName="1st"),)),
    "a topic that there is not": ((4440, 10600), (publish(),)),
    "a topic that there is": ((4460, 10550), (TOPIC, ask("CreateTopic", topicName="T"))),
    "a topic more than there may be": ((4450, 10610), (TOPIC, ask("CreateTopic", topicName="u"))),
    "a topic's name that is being released": ((6040, 10660), (TOPIC, ask("DeleteTopic", topicName="t"), TOPIC)),
    "a topic that still has subscriptions": ((4000, 10540), (TOPIC, subscribe(), ask("DeleteTopic", topicName="t"))),
    "a topic that nobody subscribes to": ((6030, 10650), (TOPIC, publish())),
    "a message that nobody wants": ((6030, 10730), (TOPIC, subscribe(filterTag=["a"]), publish(msgTag=["b"]))),
    "too many tags of a message": ((4000, 10720), (TOPIC, subscribe(), publish(msgTag=list("abcdef")))),
    "no routing key": ((4000, 10700), (KEYED, subscribe(bindingKey=["#"]), publish())),
    "too many dots of a routing key": ((4000, 10691), (KEYED, publish(routingKey="." * 16))),
    # Subscriptions
    "a bad subscription name": ((4000, 10590), (TOPIC, subscribe(subscriptionName="1st"))),
    "a subscription that there is not": (
        (4440, 10600),
        (TOPIC, ask("Unsubscribe", topicName="t", subscriptionName="s")),
    ),
    "a subscription that there is": ((4490, 10470), (TOPIC, subscribe(), subscribe())),
    "a subscription more than there may be": ((4500, 10480), (TOPIC, subscribe(), subscribe(subscriptionName="r"))),
    "an unknown protocol": ((4000, 10510), (TOPIC, subscribe(protocol="mail"))),
    "an unknown strategy": ((4000, 10520), (TOPIC, subscribe(notifyStrategy="NEVER"))),
    "an unknown format": ((4000, 10530), (TOPIC, subscribe(notifyContentFormat="XML"))),
    "an endpoint of the wrong form": ((4000, 10500), (TOPIC, subscribe(endpoint="ftp://h/"))),
    "an illegal endpoint": ((4000, 10630), (TOPIC, subscribe(endpoint="http://h:0/"))),
    "a blank in an endpoint": ((4510, 10570), (TOPIC, subscribe(endpoint="http://h/a b"))),
    "a queue to fill that there is not": ((4440, 10100), (TOPIC, subscribe(protocol="queue", endpoint="q"))),
    "too many filter tags": ((4000, 10490), (TOPIC, subscribe(filterTag=list("abcdef")))),
    "too many binding keys": ((4000, 10680), (KEYED, subscribe(bindingKey=list("abcdef")))),
    "no binding key": ((4000, 10710), (KEYED, subscribe())),
    # Our own trouble
    "more bodies at once than there is memory for": ((6000, 10050), (post(b"msgBody=" + b"%41" * (1 << 20)),)),
}


@asynccontextmanager
async def client() -> AsyncIterator[Client]:
    """Of a gateway over memory, with limits that are soon met."""
    clock = ManualClock(epoch_ms=NOW_S * 1000)
    queues = MemoryQueues(clock, max_queues=3, limits=QueueLimits(in_flight=1, delayed=1))
    topics = MemoryTopics(clock, queues, max_topics=1, max_subscriptions=1)
    await queues.create("tiny", QueueAttributes(max_msg_heap_num=1))
    keys = Keys(KEYS, clock.monotonic_s)
    front = Front(keys, Hosts(HOST), ACTIONS, Backend(queues, topics), now_s=lambda: NOW_S, monotonic_s=lambda: 0.0)
    server = GatewayServer(front, "127.0.0.1:0", body_bytes=BODY_BYTES, linger_s=0.2)
    await server.start()
    one = Client(*await asyncio.open_connection("127.0.0.1", server.port))
    try:
        yield one
    finally:
        one.close()
        await server.close(5.0)


def last_reply(asked: Asked) -> dict[str, Any]:
    """What the last of these calls is answered; those before it must go well."""
    found: list[dict[str, Any]] = []
    nonces = count(1)

    def wire(one: Ask | bytes) -> bytes:
        if isinstance(one, bytes):
            return one
        held = next((reply["receiptHandle"] for reply in found if "receiptHandle" in reply), "")
        values = {name: held if value == HELD else value for name, value in one.values.items()}
        return post(form(signed(common(one.action) | {"Nonce": str(next(nonces))} | values, key=one.key)))

    async def scene() -> None:
        async with client() as asking:
            for one in asked:
                await asking.send(wire(one))
                found.append(await asking.reply())

    run(scene())
    assert [reply["code"] for reply in found[:-1]] == [0] * (len(asked) - 1), found
    return found[-1]


@pytest.mark.parametrize("case", CASES)
def test_a_refusal_has_its_code_and_its_module_number(case: str) -> None:
    row, asked = CASES[case]
    reply = last_reply(asked)
    assert row_of(reply) == row, json.dumps(reply)


@pytest.mark.parametrize("row", Row)
def test_every_row_has_its_case(row: Row) -> None:
    assert (row.value.code, row.value.module) in {provoked for provoked, _ in CASES.values()}


def test_the_exact_text_of_no_message_is_there_for_who_compares_with_it() -> None:
    assert last_reply((QUEUE, RECEIVE))["message"] == "(10200)no message"


def test_what_of_a_batch_was_not_deleted_is_told_with_its_own_row() -> None:
    handles = ask("BatchDeleteMessage", queueName="q", receiptHandle=["nonsense", HELD])
    [error] = last_reply((QUEUE, send(), RECEIVE, handles))["errorList"]
    assert (row_of(error), error["receiptHandle"]) == ((4430, 10260), "nonsense")
