"""The gateway's socket with bytes that no client would send: HTTP 200 with a code, or a closed connection; no trace.

Runs for BATCH_EVENTS_TEST_FUZZ_S seconds (2 by default). A failure names the seed; BATCH_EVENTS_TEST_FUZZ_SEED takes it
again.
"""

import asyncio
import logging
import os
import random
import time
from typing import Any

import pytest

from tests.fuzz.mutation import mutated
from tests.unit.gateway.rig import Fake, send
from tests.unit.gateway.serving import Serving, serving
from tests.unit.gateway.signing import HOST, PATH, common, form, post, replies, signed

SECONDS = float(os.environ.get("BATCH_EVENTS_TEST_FUZZ_S", "2"))
SEED = int(os.environ.get("BATCH_EVENTS_TEST_FUZZ_SEED", "0")) or random.SystemRandom().getrandbits(32)
AT_ONCE = 8

BATCH = {f"msgBody.{index}": f"m{index} é&+%" for index in range(1, 17)}
CHUNKED = f"POST {PATH} HTTP/1.1\r\nHost: {HOST}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
BODY = form(signed(send()))

ORIGINALS = [
    post(BODY),
    post(form(signed(common("SendMessage", queueName="q1") | BATCH))),
    post(BODY, HOST, PATH, "Expect: 100-continue"),
    post(form(signed(send(), path="/")), HOST, "/", "Connection: close"),
    f"GET {PATH}?{form(signed(send(), method='GET'), blank='%20').decode()} HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode(),
    CHUNKED + b"10\r\n" + BODY[:16] + b"\r\n%x\r\n" % (len(BODY) - 16) + BODY[16:] + b"\r\n0\r\nA: b\r\n\r\n",
    post(BODY) * 5,
]
"""Good requests, of all the forms that there are."""


async def fuzzed(served: Serving, chance: random.Random) -> str | None:
    """What is wrong with what comes back for some bytes; None if nothing is."""
    value = mutated(chance, ORIGINALS)
    client = await served.client()
    try:
        for _ in range(chance.randint(1, 3)):
            cut = chance.randrange(len(value) + 1)
            await client.send(value[:cut])
            value = value[cut:]
            await asyncio.sleep(0)
        await client.send(value)
        client.writer.write_eof()
        answer = await client.rest()
    except ConnectionError as error:
        return f"{error!r}"
    finally:
        client.close()
    try:
        replies(answer)
    except (AssertionError, ValueError, KeyError) as error:
        return f"{error!r}: {answer!r}"
    return None


async def surprise(chance: random.Random, seconds: float) -> str | None:
    """The first bytes that are answered otherwise, if any are found in time."""
    loop = asyncio.get_running_loop()
    told: list[dict[str, Any]] = []
    loop.set_exception_handler(lambda _loop, context: told.append(context))
    end_s = time.monotonic() + seconds
    async with serving(linger_s=0.5) as served:
        room = served.server._room
        while time.monotonic() < end_s:
            found = await asyncio.gather(*(fuzzed(served, chance) for _ in range(AT_ONCE)))
            wrong = next((one for one in found if one is not None), None)
            if wrong or told:
                return f"{wrong} {told}"
        await served.until_connections(0)
        if served.server._room != room:
            return f"{room - served.server._room} bytes were not given back"
    return None


@pytest.mark.timeout(SECONDS + 60)
def test_whatever_bytes_come_are_answered_with_http_200_and_a_code(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        found = asyncio.run(surprise(random.Random(SEED), SECONDS))  # noqa: S311  to be drawn again
    if found is not None or caplog.records:
        pytest.fail(f"BATCH_EVENTS_TEST_FUZZ_SEED={SEED}: {found} {caplog.text}", pytrace=False)


def test_what_is_mutated_was_good() -> None:
    async def scene() -> None:
        async with serving(Fake("Other")) as served:
            for original in ORIGINALS:
                for reply in await served.answers(original):
                    assert reply["code"] == 0, original

    asyncio.run(scene())
