"""A request's way to its action: parameters, key, signature, clock, right, rate, replay; then action and reply.

Shape   Front.begin(request) -> the reply, or a Call that is being executed. On the event loop's thread
Checks  in this order, each in a module of its own; nothing but the signature's result is known of who is asking before
        it was checked. A replay finds its answer before the action is looked at a second time
Errors  none: a refusal is a reply, and so is a fault of ours, 6000, which is logged
Source  cmq.md 2 and 9; gateway.md 3
Cost    about 25 us and one task for a call of 600 bytes
"""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from functools import partial

from adapters.gateway.acting.action import Action, Actions, Backend
from adapters.gateway.acting.params import Params
from adapters.gateway.errors import CmqError, Row
from adapters.gateway.figures import CallFigures
from adapters.gateway.front.calls import Call
from adapters.gateway.front.hosts import Hosts
from adapters.gateway.front.keys import Key, Keys
from adapters.gateway.front.protocol import Replies, Request, client_request_id, parameters, signed_path
from adapters.gateway.front.replays import Replays, Signed
from adapters.gateway.front.signature import SIGNATURE, is_signed

CLOCK_TOLERANCE_S = 900.0

NAMELESS = frozenset({"ListQueue", "ListTopic"})
"""Actions that are about all names, whatever names a request has beside."""

NAMING = (
    "queueName",
    "topicName",
    "deadLetterPolicy.deadLetterQueue",
    "deadLetterPolicy.deadLetterQueueName",
)
"""Parameters that say which queue or topic; an `endpoint` that is no URL is a queue, too."""

_MAX_INT64 = 2**63 - 1
_MAX_TIMESTAMP = 2**40

log = logging.getLogger(__name__)


class Front:
    """Of one gateway."""

    def __init__(
        self,
        keys: Keys,
        hosts: Hosts,
        actions: Actions,
        backend: Backend,
        clock_tolerance_s: float = CLOCK_TOLERANCE_S,
        now_s: Callable[[], float] = time.time,
        monotonic_s: Callable[[], float] = time.monotonic,
        figures: CallFigures | None = None,
    ) -> None:
        self._keys = keys
        self._hosts = hosts
        self._actions = actions
        self._backend = backend
        self._tolerance_s = clock_tolerance_s
        self._now_s = now_s
        self._monotonic_s = monotonic_s
        self._figures = figures or CallFigures()
        self._replays: Replays[Call] = Replays(now_s)
        self._replies = Replies()
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, request: Request) -> bytes | Call:
        """Check a request, and begin what it asks for; needs the running loop."""
        client_id: int | None = None
        try:
            values = parameters(request)
            client_id = client_request_id(values)
            params = Params(values)
            key, timestamp_s = self._checked(request, values, params)
            action = self._allowed(key, values, params)
            now_s = self._monotonic_s()
            key.take_turn(now_s)
            signed = (key.secret_id, values[SIGNATURE])
            if action.changes and (known := self._replays.known(signed)) is not None:
                self._figures.repeated(action)
                return known
            return self._execute(action, params, signed, timestamp_s, client_id, now_s)
        except CmqError as error:
            self._figures.refused()
            return self._replies.refusal(error, client_id)
        except Exception:
            log.exception("gateway_request_failed")
            self._figures.failed()
            return self._replies.refusal(Row.INTERNAL.error(), client_id)

    def refusal(self, row: Row) -> bytes:
        """A reply of this row, to what never became a request."""
        if row is not Row.NO_MESSAGE:  # which ends polls, that are counted
            self._figures.refused()
        return self._replies.refusal(row.error())

    async def drained(self, timeout_s: float) -> bool:
        """Whether every call has come to its end within that time."""
        if self._tasks:
            _, out = await asyncio.wait(self._tasks, timeout=timeout_s)
            return not out
        return True

    def _checked(self, request: Request, values: Mapping[str, str], params: Params) -> tuple[Key, int]:
        """Who sent it and when, by a signature that is right and of now."""
        if "appId" in values and not ("SecretId" in values and SIGNATURE in values):
            raise Row.SIGNATURE.error("appId does not replace a signature")
        secret_id = params.text("SecretId")
        params.text(SIGNATURE)
        timestamp_s = params.number("Timestamp", 0, _MAX_TIMESTAMP)
        params.number("Nonce", 0, _MAX_INT64)
        path = signed_path(request.path)
        hosts = self._hosts.signed(request.host, request.local)
        key = self._keys.of(secret_id)
        if not is_signed(request.method, hosts, path, values, key.secret):
            raise Row.SIGNATURE.error()
        if not key.enabled:
            raise Row.KEY_DISABLED.error()
        if abs(timestamp_s - self._now_s()) > self._tolerance_s:
            raise Row.SIGNATURE.error("Timestamp is too far from now")
        return key, timestamp_s

    def _allowed(self, key: Key, values: Mapping[str, str], params: Params) -> Action:
        action = self._actions.get(params.text("Action").lower())
        if action is None:
            raise Row.UNKNOWN_ACTION.error()
        if key.is_limited:
            key.check_may(action.name, () if action.name in NAMELESS else named(values))
        return action

    def _execute(
        self,
        action: Action,
        params: Params,
        signed: Signed,
        timestamp_s: int,
        client_id: int | None,
        now_s: float,
    ) -> Call:
        call = Call(partial(self._replays.forget, signed), long_poll=action.long_poll)
        kept_until_s = timestamp_s + self._tolerance_s if action.changes else None
        if kept_until_s is not None:
            self._replays.begun(signed, call)
        task = asyncio.get_running_loop().create_task(
            self._bring_to_end(call, action, params, signed, kept_until_s, client_id, now_s)
        )
        call.executed_by(task)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return call

    async def _bring_to_end(
        self,
        call: Call,
        action: Action,
        params: Params,
        signed: Signed,
        kept_until_s: float | None,
        client_id: int | None,
        began_s: float,
    ) -> None:
        code: object = None
        self._figures.begun(action)
        try:
            fields = await action(params, self._backend)
            reply = self._replies.of(fields, client_id)
            code = fields.get("code", 0)
        except CmqError as error:
            reply = self._replies.refusal(error, client_id)
            code = error.code
        except Exception:
            log.exception("gateway_action_failed", extra={"action": action.name})
            reply = self._replies.refusal(Row.INTERNAL.error(), client_id)
            code = Row.INTERNAL.value.code
        finally:
            self._figures.ended(action, code, self._monotonic_s() - began_s)
        if kept_until_s is not None and not call.abandoned:
            self._replays.ended(signed, reply, kept_until_s)
        call.end(reply)


def named(values: Mapping[str, str]) -> list[str]:
    """The queues and topics that a request is about: what it reads, writes, or lets others write to."""
    names = [values[name] for name in NAMING if values.get(name)]
    endpoint = values.get("endpoint", "")
    if endpoint and not endpoint.lower().startswith(("http://", "https://")):
        names.append(endpoint)
    return names
