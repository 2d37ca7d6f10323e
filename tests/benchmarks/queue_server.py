"""A server of queues as the benchmarks see it: a port, a process, and how its calls are spelt.

Shape   QueueServer(name, port, pid, calls); QueueCalls makes requests and reads answers, without any I/O
"""

import socket
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

from tests.harness.command import wait_until

if TYPE_CHECKING:
    import subprocess

STARTS_S = 60.0


class QueueCalls(Protocol):
    """A dialect. Of a call to a queue: the whole HTTP request; of an answer: its body."""

    largest_batch: int

    def send(self, bodies: Sequence[str]) -> bytes: ...

    def receive(self, count: int, wait_s: int) -> bytes: ...

    def delete(self, handles: Sequence[str]) -> bytes: ...

    def done(self, answer: bytes) -> None:
        """Of a send or delete: all of it was taken; AssertionError if not."""

    def received(self, answer: bytes) -> list[tuple[str, str]]:
        """Handle and body of each message; empty where there was none."""
        ...


class QueueServer(NamedTuple):
    """One that runs."""

    name: str
    port: int
    pid: int
    calls: QueueCalls


def wait_for_port(port: int, process: "subprocess.Popen[bytes]") -> None:
    """Return when somebody listens."""

    def listening() -> bool:
        assert process.poll() is None, f"ended with {process.returncode}"
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    wait_until(listening, "the server", STARTS_S)
