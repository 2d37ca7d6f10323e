"""A gateway's front with actions made for tests, and a client that signs as the SDKs do."""

import asyncio
import json
from collections.abc import Callable
from typing import Any, cast

from adapters.gateway.acting.action import Action, Backend, registry
from adapters.gateway.acting.params import Params
from adapters.gateway.errors import Row
from adapters.gateway.front.calls import Call
from adapters.gateway.front.front import Front
from adapters.gateway.front.hosts import Hosts
from adapters.gateway.front.keys import Keys, KeySpec
from adapters.gateway.front.protocol import Request
from tests.unit.gateway.signing import HOST, KEY_ID, NOW_S, PATH, SIGNING_KEY, Values, common, form, row_of, signed

Reply = dict[str, Any]

NO_BACKEND = cast("Backend", None)


class Fake:
    """An action: counts its calls, gives back what it was asked."""

    def __init__(
        self,
        name: str,
        result: Callable[[Params], dict[str, object]] | None = None,
        *,
        changes: bool = True,
        long_poll: bool = False,
        held: bool = False,
    ) -> None:
        self.name = name
        self.changes = changes
        self.long_poll = long_poll
        self.calls = 0
        self.cancelled = 0
        self.going = asyncio.Event()
        self.begun = asyncio.Event()
        self._result = result or (lambda params: {"echo": params.optional_text("msgBody"), "calls": self.calls})
        if not held:
            self.going.set()

    async def __call__(self, params: Params, backend: Backend) -> dict[str, object]:
        """Wait until it may, then answer."""
        del backend
        self.calls += 1
        calls = self.calls
        self.begun.set()
        try:
            await self.going.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return self._result(params) | ({"calls": calls} if "calls" in self._result(params) else {})


class Clock:
    """Time as the test says."""

    def __init__(self, now_s: float = NOW_S) -> None:
        self.now_s = now_s

    def __call__(self) -> float:
        """Now."""
        return self.now_s


def refuse(row: Row) -> Callable[[Params], dict[str, object]]:
    """What an action does that answers with a row."""

    def result(_params: Params) -> dict[str, object]:
        raise row.error()

    return result


class Rig:
    """A front, its clock and its actions."""

    def __init__(
        self,
        *actions: Fake,
        keys: tuple[KeySpec, ...] = (KeySpec(KEY_ID, SIGNING_KEY),),
        hosts: Hosts | None = None,
    ) -> None:
        self.clock = Clock()
        self.monotonic = Clock(0.0)
        self.send = Fake("SendMessage")
        known: list[Action] = [self.send, *actions]
        self.front = Front(
            Keys(keys, self.monotonic),
            hosts or Hosts("127.0.0.1:8080"),
            registry(*known),
            NO_BACKEND,
            now_s=self.clock,
            monotonic_s=self.monotonic,
        )

    async def ask(self, request: Request) -> Reply:
        """The reply."""
        outcome = self.front.begin(request)
        reply: Reply = json.loads(await heard(outcome))
        assert {type(reply["code"]), type(reply["message"]), type(reply["requestId"])} == {int, str}
        return reply

    async def post(self, values: Values, **how: Any) -> Reply:
        """The reply to a POST of these values, signed."""
        return await self.ask(request(signed(values, **how)))


async def heard(outcome: bytes | Call) -> bytes:
    """The reply, when it is there."""
    if isinstance(outcome, bytes):
        return outcome
    reply: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
    outcome.wait(reply.set_result)
    return await reply


def request(values: Values, *, host: str = HOST, path: str = PATH, method: str = "POST") -> Request:
    """A request with these values, as they are."""
    encoded = form(values)
    query, body = (b"", encoded) if method == "POST" else (encoded, b"")
    return Request(method, host, path, query, body, "")


def send(**more: str) -> Values:
    """A SendMessage."""
    return common("SendMessage", **({"queueName": "q1", "msgBody": "hello a+b", "delaySeconds": "0"} | more))


def row_for(values: Values, **how: Any) -> tuple[int, int]:
    """What a fresh gateway answers to these values as they are, unsigned."""
    return row_of(asyncio.run(_asked(request(values, **how))))


async def _asked(one: Request) -> Reply:
    return await Rig().ask(one)
