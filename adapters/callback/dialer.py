"""A new connection to an endpoint: resolve, check, connect, and shake hands where TLS is asked for.

Shape   Dialer(policy, …).dial(pool, made, left_s): made(connection) is called once, as soon as it can be written to
Check   the addresses of the name are checked, and those very addresses are called; there is no second lookup
Time    every address but the last gets its equal share of what is left, so one that swallows packets leaves time for
        the next. The caller cancels the task at its deadline
Errors  NotConnectedError, with the reason of the last address; NotSentError as soon as it is a want of our own. A
        cancelled dial leaves no connection behind
TLS     tls.py
"""

import asyncio
from collections.abc import Callable
from urllib.parse import urlsplit

from adapters.callback.address_guard import refused_address
from adapters.callback.connection import Connection, Pool
from adapters.callback.descriptors import scarce
from adapters.callback.reasons import NotConnectedError, NotSentError, failure_of
from adapters.callback.resolver import Address, Lookup, Resolver
from adapters.callback.tls import tls_context
from pipeline.subscription import HttpPolicy


class Dialer:
    """Connects to one endpoint."""

    def __init__(self, policy: HttpPolicy, loop: asyncio.AbstractEventLoop, lookup: Lookup) -> None:
        url = urlsplit(policy.endpoint)
        https = url.scheme == "https"
        self._loop = loop
        self._host = url.hostname or ""
        self._port = url.port or (443 if https else 80)
        self._resolver = Resolver(loop, self._host, self._port, lookup)
        self._allow_private = policy.allow_private_addresses
        files = policy.ca_file, policy.client_certificate_file, policy.client_key_file
        self._tls = tls_context(*files) if https else None

    async def dial(self, pool: Pool, made: Callable[[Connection], None], left_s: float) -> None:
        """Connect to the first allowed address that answers; the connection becomes one of the pool's."""
        until_s = self._loop.time() + left_s
        addresses = self._allowed(await self._resolver.addresses())
        for left in range(len(addresses), 0, -1):
            share_s = (until_s - self._loop.time()) / left if left > 1 else None
            try:
                await self._connect(addresses[-left], pool, made, share_s)
            except OSError as error:
                failure = failure_of(error)
                if left == 1 or isinstance(failure, NotSentError):
                    raise failure from error
            else:
                return

    async def _connect(
        self, address: Address, pool: Pool, made: Callable[[Connection], None], share_s: float | None
    ) -> None:
        wants: list[str] = []
        async with asyncio.timeout(share_s) as limit:

            def connected(connection: Connection) -> None:
                if limit.expired():
                    connection.abort()  # too late: its create_connection has been cancelled in this very moment
                elif (want := scarce(connection.descriptor)) is not None:
                    connection.abort()
                    wants.append(want)
                else:
                    limit.reschedule(None)
                    made(connection)

            await self._loop.create_connection(
                lambda: Connection(pool, connected),
                address.ip,
                self._port,
                family=address.family,
                ssl=self._tls,
                server_hostname=self._host.rstrip(".") if self._tls else None,
            )
        if wants:
            raise NotSentError(wants[0])

    def _allowed(self, found: list[Address]) -> list[Address]:
        refused = [None if self._allow_private else refused_address(address.ip) for address in found]
        allowed = [address for address, why in zip(found, refused, strict=True) if why is None]
        if not allowed:
            raise NotConnectedError(f"address refused: {next(filter(None, refused), 'the name has no addresses')}")
        return allowed
