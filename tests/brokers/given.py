"""The given tier: a cluster that somebody else runs."""

import socket

from tests.brokers.tiers import CannotRun

TIMEOUT_S = 5.0


def reachable(bootstrap_servers: str) -> None:
    """Return if one of the servers (host:port, comma-separated) takes a connection, else raise CannotRun."""
    if not bootstrap_servers:
        raise CannotRun("BATCH_EVENTS_TEST_BOOTSTRAP names no bootstrap servers")
    refusals = [_refusal(server.strip()) for server in bootstrap_servers.split(",")]
    if all(refusals):
        raise CannotRun("; ".join(refusals))


def _refusal(server: str) -> str:
    host, _, port = server.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=TIMEOUT_S).close()
    except (OSError, ValueError) as error:
        return f"{server}: {error}"
    return ""
