"""Every action with parameters that no client would send, well signed: HTTP 200 with a row, and never our own fault.

Runs for BATCH_EVENTS_TEST_FUZZ_S seconds (2 by default). A failure names the seed; BATCH_EVENTS_TEST_FUZZ_SEED takes it
again. The bytes around the parameters are test_fuzz_gateway.py's.
"""

import asyncio
import logging
import os
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count

import pytest

from adapters.gateway.acting.action import Backend
from adapters.gateway.actions import ACTIONS
from adapters.gateway.errors import Row
from adapters.gateway.front.front import Front
from adapters.gateway.front.hosts import Hosts
from adapters.gateway.front.keys import Keys, KeySpec
from adapters.gateway.front.server import GatewayServer
from adapters.memory import ManualClock, MemoryQueues, MemoryTopics, QueueLimits
from tests.unit.gateway.rig import Reply
from tests.unit.gateway.serving import Client
from tests.unit.gateway.signing import HOST, KEY_ID, NOW_S, SIGNING_KEY, Values, common, form, post, row_of, signed

SECONDS = float(os.environ.get("BATCH_EVENTS_TEST_FUZZ_S", "2"))
SEED = int(os.environ.get("BATCH_EVENTS_TEST_FUZZ_SEED", "0")) or random.SystemRandom().getrandbits(32)

CALLS, VARIETY = 500, 10
"""At least so many calls, however slow the machine is; more rows than so many come up, or they are too much alike."""

KNOWN = {(row.value.code, row.value.module) for row in Row if row is not Row.INTERNAL} | {(0, 0)}

NAMES = ["r", "Q", "u", "1st", "", "a" * 65, "é", "q\x00", "../q", "q-dlq"]
NUMBERS = ["0", "1", "-1", "1000000", "", "x", "1.5", "1e3", "²", str(NOW_S), "9" * 19, "9" * 400]
TEXTS = ["", "a.b", "*.#", "#", ".", "." * 16, "x" * 65, "é" * 17, "\x00", "\U0001f600", "\ufeff", "{}", "'", "@none"]
URLS = ["http://h:0/", "http://[", "http://h:x/", "https://u:p@h/", "http://h/a b", "//", "q", ""]

WISHES: dict[str, tuple[str, list[str]]] = {
    "queueName": ("q", NAMES),
    "topicName": ("t", NAMES),
    "subscriptionName": ("s", NAMES),
    "deadLetterPolicy.deadLetterQueue": ("r", NAMES),
    "protocol": ("http", ["queue", "HTTP", ""]),
    "endpoint": ("http://h/", URLS),
    "notifyStrategy": ("BACKOFF_RETRY", ["EXPONENTIAL_DECAY_RETRY", "NEVER", ""]),
    "notifyContentFormat": ("JSON", ["SIMPLIFIED", "XML", ""]),
    "msgBody": ("x", TEXTS),
    "routingKey": ("a.b", TEXTS),
    "searchWord": ("", TEXTS),
    "receiptHandle": ("x", TEXTS),
    "pollingWaitSeconds": ("0", ["31", "-1", "x", ""]),  # none for which anybody would wait
    "filterType": ("1", ["2", *NUMBERS]),
    "visibilityTimeout": ("30", NUMBERS),
    "maxMsgSize": ("1024", NUMBERS),
    "msgRetentionSeconds": ("60", NUMBERS),
    "rewindSeconds": ("60", NUMBERS),
    "maxMsgHeapNum": ("1000000", NUMBERS),
    "delaySeconds": ("0", NUMBERS),
    "numOfMsg": ("16", NUMBERS),
    "startConsumeTime": (str(NOW_S), NUMBERS),
    "offset": ("0", NUMBERS),
    "limit": ("20", NUMBERS),
    "deadLetterPolicy.maxReceiveCount": ("1", NUMBERS),
    "deadLetterPolicy.maxTimeToLive": ("300", NUMBERS),
}
"""What is good, and what else it may be."""

LISTS = ("msgBody", "receiptHandle", "msgTag", "filterTag", "bindingKey")
INDICES = ["0", "1", "2", "3", "16", "17", "01", "-1", "x", ""]


def parameters(chance: random.Random, handles: list[str]) -> Values:
    """Most of them, mostly good, whatever the action; now and then lists, and a handle that was given."""
    values = {name: _one(chance, *wish) for name, wish in WISHES.items() if chance.random() < 0.7}
    for name in chance.sample(LISTS, chance.randint(0, 2)):
        first, most = chance.randint(0, 2), chance.choice([2, 2, 5, 17])
        spelt = [str(first + one) for one in range(chance.randint(1, most))]
        spelt += chance.sample(INDICES, chance.randint(0, 3) // 3)
        values |= {f"{name}.{index}": _one(chance, "x", TEXTS) for index in spelt}
    if handles and chance.random() < 0.5:
        values[chance.choice(["receiptHandle", "receiptHandle.1"])] = chance.choice(handles)
    return values


def _one(chance: random.Random, good: str, others: list[str]) -> str:
    return good if chance.random() < 0.93 else chance.choice(others)


@asynccontextmanager
async def client(clock: ManualClock) -> AsyncIterator[Client]:
    """Of a gateway over memory that is small, so that its limits are met."""
    queues = MemoryQueues(clock, max_queues=3, limits=QueueLimits(in_flight=4, delayed=4))
    backend = Backend(queues, MemoryTopics(clock, queues, max_topics=2, max_subscriptions=2))
    keys = Keys([KeySpec(KEY_ID, SIGNING_KEY)], clock.monotonic_s)
    server = GatewayServer(Front(keys, Hosts(HOST), ACTIONS, backend, now_s=lambda: NOW_S), "127.0.0.1:0")
    await server.start()
    one = Client(*await asyncio.open_connection("127.0.0.1", server.port))
    try:
        yield one
    finally:
        one.close()
        await server.close(5.0)


async def surprise(chance: random.Random, seconds: float, seen: set[tuple[int, int]]) -> str | None:
    """The first call that is answered otherwise, if one is found in time."""
    clock, handles = ManualClock(epoch_ms=NOW_S * 1000), list[str]()
    end_s = time.monotonic() + seconds
    async with client(clock) as asking:
        for number in count(1):
            if number > CALLS and time.monotonic() >= end_s:
                break
            action = chance.choice(sorted(one.name for one in ACTIONS.values()))
            values = common(action) | {"Nonce": str(number)} | parameters(chance, handles)
            await asking.send(post(form(signed(values))))
            reply = await asking.reply()
            seen.add(row_of(reply))
            if row_of(reply) not in KNOWN:
                return f"{values}: {reply}"
            handles = [*handles_of(reply), *handles][:20]
            if chance.random() < 0.02:
                clock.advance(40)
    return None


def handles_of(reply: Reply) -> list[str]:
    """Those of a receive."""
    found: list[Reply] = reply.get("msgInfoList", [reply])
    return [one["receiptHandle"] for one in found if "receiptHandle" in one]


@pytest.mark.timeout(SECONDS + 60)
def test_whatever_an_action_is_asked_it_answers_with_a_row_and_has_no_fault_of_its_own(
    caplog: pytest.LogCaptureFixture,
) -> None:
    seen: set[tuple[int, int]] = set()
    with caplog.at_level(logging.WARNING):
        found = asyncio.run(surprise(random.Random(SEED), SECONDS, seen))  # noqa: S311  to be drawn again
    if found is not None or caplog.records:
        pytest.fail(f"BATCH_EVENTS_TEST_FUZZ_SEED={SEED}: {found} {caplog.text}", pytrace=False)
    assert (0, 0) in seen, "some of it was good"
    assert len(seen) > VARIETY
