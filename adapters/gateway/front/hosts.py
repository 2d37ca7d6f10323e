"""Which hosts a request may have been signed for: the signed host comes from the request, and must not be anyone's.

Shape   Hosts(listen, allowed).signed(host, local) -> the forms in which the client may have signed it
Allowed by configuration: `host` with whatever port, `host:port` exactly, `*` any. Without one: what the gateway listens
        on, and the address that the connection came to; listening on loopback, any
Forms   as it was sent; without a port, with :80 and :443 too: some clients sign a default port and do not send it
Errors  CmqError: UNPARSABLE without a host, SIGNATURE for another's
Source  gateway.md 3; cmq.md 2.3
"""

import ipaddress
import re
from collections.abc import Iterable

from adapters.gateway.errors import Row

_HOST = re.compile(r"(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9._-]{1,253})(?::([0-9]{1,5}))?", re.ASCII)

KEPT = 64
"""The most hosts whose forms are remembered."""


class Hosts:
    """Those of one gateway."""

    def __init__(self, listen: str, allowed: Iterable[str] = ()) -> None:
        names = {one.lower() for one in allowed}
        self._any = "*" in names or (not names and is_loopback(listen))
        self._by_address = not names
        self._allowed = frozenset(names or {listen.lower()})
        self._known: dict[tuple[str, str], tuple[str, ...]] = {}

    def signed(self, host: str, local: str = "") -> tuple[str, ...]:
        """The forms in which a client that sent this Host header may have signed it; the likeliest first.

        Raises:
            CmqError: UNPARSABLE, SIGNATURE.
        """
        known = self._known.get((host, local))
        if known is None:
            known = self._forms(host, local)
            if len(self._known) >= KEPT:
                self._known.clear()
            self._known[host, local] = known
        return known

    def _forms(self, host: str, local: str) -> tuple[str, ...]:
        found = _HOST.fullmatch(host)
        if found is None:
            raise Row.UNPARSABLE.error("Host is missing or is none")
        name, port = found[1].lower(), found[2]
        if not (self._any or {name, host.lower()} & self._allowed or (self._by_address and host.lower() == local)):
            raise Row.SIGNATURE.error("signed for another host")
        return (host,) if port else (host, f"{host}:80", f"{host}:443")


def is_loopback(listen: str) -> bool:
    """Whether what listens there can be called from this machine alone."""
    host = listen.rpartition(":")[0].strip("[]")
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
