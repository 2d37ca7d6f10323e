"""Where other replicas reach this one.

Shape   internal_host(listen_host, bootstrap_servers, internal) -> the host to listen on and to tell others
        internal_parts(text) -> host and port of `gateway.internal`: `HOST`, `HOST:PORT` or `:PORT`
        joined(host, port) -> `host:port`
Choice  the host of `gateway.listen`, unless it is a wildcard: then the address of this machine that Kafka sees, for
        other replicas speak to the same Kafka. `gateway.internal` says it where that is wrong
Cost    resolving one name of `bootstrap.servers`; nothing is sent to it
Errors  OSError: no such name, or no way there; ValueError: a text that is none of these forms
"""

import re
import socket

_WILDCARDS = {"", "*", "0.0.0.0", "::", "[::]"}  # noqa: S104  they are what is not used
_DEFAULT_PORT = 9092
_FORM = re.compile(
    r"(?P<bare>[0-9a-f.]*:[0-9a-f.:]*:[0-9a-f.:]*)"
    r"|(?P<host>\[[0-9a-f:.]+\]|[a-z0-9._-]+)?(?::(?P<port>[0-9]{1,5}))?",
    re.ASCII | re.IGNORECASE,
)


def internal_parts(text: str) -> tuple[str, int]:
    """Host and port; an empty host: to be found, port 0: a free one.

    Raises:
        ValueError: it is none, or an address of no machine.
    """
    found = _FORM.fullmatch(text)
    if found is None or int(found["port"] or 0) > 65535:
        raise ValueError("must be HOST, HOST:PORT or :PORT, an IPv6 host in brackets")
    host = found["bare"] or found["host"] or ""
    if host and host in _WILDCARDS:
        raise ValueError("is no address that other replicas could call")
    return host, int(found["port"] or 0)


def internal_host(listen_host: str, bootstrap_servers: str, internal: str = "") -> str:
    """The host for the internal listener.

    Args:
        listen_host: of `gateway.listen`.
        bootstrap_servers: of `kafka`; its first server shows which of our addresses is seen from there.
        internal: of `gateway.internal`, if it says one: the host itself.
    """
    if internal:
        return internal.strip("[]")
    if listen_host not in _WILDCARDS:
        return listen_host.strip("[]")
    return _address_towards(bootstrap_servers.split(",", maxsplit=1)[0].strip())


def joined(host: str, port: int) -> str:
    """As peers are told; an IPv6 address in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _address_towards(server: str) -> str:
    name = server.rpartition("://")[2]
    host, _, port = name.rpartition(":")
    if not port.isdigit():
        host, port = name, str(_DEFAULT_PORT)
    family, _, _, _, where = socket.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_DGRAM)[0]
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.connect(where)  # chooses a route; a datagram socket sends nothing by it
        return str(probe.getsockname()[0])
