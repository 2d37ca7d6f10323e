"""The addresses of one host name, looked up anew for each connection.

Shape   Resolver(loop, host, port).addresses() -> what getaddrinfo says; a literal address answers for itself
Threads getaddrinfo blocks, for as long as it likes. Each lookup has a thread of its own, at most one for a host:
        who asks meanwhile shares its answer. So a name server that hangs delays this endpoint and no other, and
        a process that stops does not wait for it
Errors  NotConnectedError with the reason; NotSentError where it is a want of our own
"""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable, Sequence
from ipaddress import IPv4Address, ip_address
from typing import Any, NamedTuple

from adapters.callback.reasons import NotConnectedError, NotSentError, failure_of


class Address(NamedTuple):
    """Where to connect to."""

    family: int
    ip: str


Answer = list[Address] | NotConnectedError | NotSentError | None
"""The addresses, or why there are none; None where the thread has died."""

Lookup = Callable[[str, int], Sequence[tuple[Any, Any, int, str, tuple[Any, ...]]]]
"""getaddrinfo's form, for host and port."""


def lookup_streams(host: str, port: int) -> Sequence[tuple[Any, Any, int, str, tuple[Any, ...]]]:
    """The system's answer."""
    return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)


class Resolver:
    """Looks one name up."""

    def __init__(self, loop: asyncio.AbstractEventLoop, host: str, port: int, lookup: Lookup) -> None:
        self._loop = loop
        self._host = host
        self._port = port
        self._lookup = lookup
        self._literal = _literal(host)
        self._answer: asyncio.Future[Answer] | None = None

    async def addresses(self) -> list[Address]:
        """All addresses, in the order of preference."""
        if self._literal is not None:
            return [self._literal]
        if self._answer is None:
            self._answer = self._begin()
        answer = await asyncio.shield(self._answer)
        if isinstance(answer, NotConnectedError | NotSentError):
            raise type(answer)(*answer.args)  # each of those who asked has its own
        if answer is None:
            raise RuntimeError("the thread of a lookup has died")
        return answer

    def _begin(self) -> "asyncio.Future[Answer]":
        future: asyncio.Future[Answer] = self._loop.create_future()
        try:
            threading.Thread(target=self._look_up, args=(future,), name="resolve", daemon=True).start()
        except RuntimeError as error:  # as many threads as the system allows
            raise NotSentError(f"no thread left to look a name up: {error}") from error
        return future

    def _look_up(self, future: "asyncio.Future[Answer]") -> None:
        answer: Answer = None
        try:
            found = self._lookup(self._host, self._port)
            answer = [Address(family, str(address[0])) for family, _, _, _, address in found]
        except (OSError, UnicodeError) as error:
            answer = failure_of(error)
        finally:
            with contextlib.suppress(RuntimeError):  # the loop may have ended before the name server answered
                self._loop.call_soon_threadsafe(self._looked_up, future, answer)

    def _looked_up(self, future: "asyncio.Future[Answer]", answer: Answer) -> None:
        self._answer = None
        future.set_result(answer)


def _literal(host: str) -> Address | None:
    try:
        address = ip_address(host)
    except ValueError:
        return None
    return Address(socket.AF_INET if isinstance(address, IPv4Address) else socket.AF_INET6, host)
