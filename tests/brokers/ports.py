"""Free ports on 127.0.0.1 that stay free while their broker is down."""

import os
import random
import socket

WORKERS = 10
BELOW_EPHEMERAL = range(20_000, 30_000)
"""Below what the kernel gives to outgoing connections. A client that keeps knocking at a killed broker's
port could otherwise be given that very port to call from, connect to itself, and keep the broker away."""

TRIES = 100


def free_port() -> int:
    """Give a port that nothing listens on now."""
    for port in random.sample(_own(), TRIES):
        if _is_free(port):
            return port
    raise OSError(f"no free port on 127.0.0.1 in {TRIES} tries")


def _own() -> range:
    """The share of a worker of pytest-xdist: a port that another one has chosen may not be bound yet."""
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    return BELOW_EPHEMERAL[number % WORKERS :: WORKERS]


def free_ports(count: int) -> list[int]:
    """Give that many different free ports."""
    ports: set[int] = set()
    while len(ports) < count:
        ports.add(free_port())
    return list(ports)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
