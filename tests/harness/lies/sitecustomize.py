"""Imported by Python itself when it starts: what this process asks is answered as tests/harness/lies says."""

import json
import os
import socket
import time
from collections.abc import Callable
from itertools import cycle
from pathlib import Path
from typing import Any

Found = list[tuple[Any, Any, int, str, Any]]


def lie_about_names(told: dict[str, Any]) -> None:
    """Names have the answers that were told, and one address of this machine counts as public."""
    from adapters.callback import dialer  # noqa: PLC0415  not before the paths are set up

    answers = {name: cycle(ips) for name, ips in told["answers"].items()}
    true_answer, true_guard = socket.getaddrinfo, vars(dialer)["refused_address"]

    def getaddrinfo(host: str, port: int, *args: Any, **kwargs: Any) -> Found:
        if host in answers:
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers[host]), port))]
        return true_answer(host, port, *args, **kwargs)

    def refused_address(text: str) -> str | None:
        why: str | None = true_guard(text)
        return None if text == told["public"] else why

    vars(socket)["getaddrinfo"] = getaddrinfo
    vars(dialer)["refused_address"] = refused_address


def lie_about_time(ahead_ns: Callable[[], int]) -> None:
    """The wall clock goes wrong; the monotonic one does not."""
    true_s, true_ns = time.time, time.time_ns
    vars(time)["time"] = lambda: true_s() + ahead_ns() / 1e9
    vars(time)["time_ns"] = lambda: true_ns() + ahead_ns()


if told := json.loads(Path(os.environ["LIES_NAMES"]).read_text()):
    lie_about_names(told)
clock = os.open(os.environ["LIES_CLOCK"], os.O_RDONLY)
lie_about_time(lambda: int(os.pread(clock, 20, 0)))
