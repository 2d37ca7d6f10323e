"""`batch-events` as a process of its own.

Shape   invoke(args) -> Result when it has ended; Running(args) as a context for `run`, with its log followed;
        probe(port, path) asks a process's health port
Errors  AssertionError with the process's output when it does not do what was waited for in time
"""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self
from urllib.error import HTTPError
from urllib.request import urlopen

COMMAND = str(Path(sys.executable).with_name("batch-events"))
TIMEOUT_S = 120.0


class Result(NamedTuple):
    """How a command ended."""

    status: int
    stdout: str
    stderr: str


def invoke(
    *args: str,
    stdin: bytes = b"",
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    timeout_s: float = TIMEOUT_S,
) -> Result:
    """Run to the end."""
    done = subprocess.run(
        [COMMAND, *args],
        input=stdin,
        capture_output=True,
        env=environment(env),
        cwd=cwd,
        timeout=timeout_s,
        check=False,
    )
    return Result(done.returncode, done.stdout.decode(), done.stderr.decode())


def environment(more: Mapping[str, str] | None) -> dict[str, str]:
    """Ours, without what would configure the command."""
    return {name: value for name, value in os.environ.items() if not name.startswith("BATCH_EVENTS")} | dict(more or {})


class Running:
    """A command that runs until it is told to stop; its log lines are kept."""

    def __init__(self, *args: str, env: Mapping[str, str] | None = None) -> None:
        self.process = subprocess.Popen(
            [COMMAND, *args], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment(env)
        )
        self.lines: list[str] = []
        self._news = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._reader.join()
        assert self.process.stderr is not None
        self.process.stderr.close()

    def wait_for_line(self, *parts: str, timeout_s: float = 60.0) -> str:
        """Wait for a log line that holds all of these."""
        seen = 0
        deadline_s = time.monotonic() + timeout_s
        with self._news:
            while True:
                for line in self.lines[seen:]:
                    if all(part in line for part in parts):
                        return line
                seen = len(self.lines)
                left_s = deadline_s - time.monotonic()
                assert left_s > 0, f"no line with {parts} in {timeout_s} s:\n" + "\n".join(self.lines[-40:])
                assert self._reader.is_alive() or len(self.lines) > seen, f"ended before a line with {parts}:\n" + (
                    "\n".join(self.lines[-40:])
                )
                self._news.wait(min(left_s, 1.0))

    def probe(self, path: str) -> tuple[int, str]:
        """Ask /live, /ready or /metrics."""
        found = re.search(r"health_port\D+(\d+)", self.wait_for_line("started", "health_port"))
        assert found is not None
        return probe(int(found[1]), path)

    def terminate(self, timeout_s: float = 60.0) -> int:
        """SIGTERM, and its exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout_s)

    def kill(self) -> None:
        """SIGKILL."""
        self.process.kill()
        self.process.wait()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            with self._news:
                self.lines.append(line.decode().rstrip("\n"))
                self._news.notify_all()
        with self._news:
            self._news.notify_all()


def probe(port: int, path: str) -> tuple[int, str]:
    """Ask /live, /ready or /metrics at a port that is known before anything has told it."""
    try:
        with urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as error:
        with error:
            return error.code, error.read().decode()


def wait_until(
    true: Callable[[], bool], what: str, timeout_s: float = 60.0, every_s: float = 0.05, alive: Sequence[Running] = ()
) -> None:
    """Wait for a condition that nothing announces."""
    deadline_s = time.monotonic() + timeout_s
    while not true():
        for one in alive:
            assert one.process.poll() is None, f"ended while waiting for {what}:\n" + "\n".join(one.lines[-40:])
        assert time.monotonic() < deadline_s, f"{what}: not within {timeout_s} s"
        time.sleep(every_s)
